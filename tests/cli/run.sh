#!/bin/sh
# What run and check do with drivers that print, crash while loading, or need what is not there.
. tests/cli/support/tap.sh
drivers=$build/tests/cli/drivers

run run "$drivers/print.sys"
good=true
[ $status -eq 0 ] && [ ! -s "$work/stderr" ] || good=false
[ "$(cat "$work/stdout")" = "$(printf 'print: loaded\nprint: unloaded')" ] || good=false
[ $good = true ] || explain run print.sys
result $good "run shows what a driver prints, and nothing else"

run check "$drivers/print.sys"
good=true
[ $status -eq 0 ] && [ ! -s "$work/stderr" ] && [ -z "$(ls "$work/here")" ] || good=false
tail -n 1 "$work/stdout" | grep -q '^no violation in [0-9]* executions: every interleaving explored' || good=false
[ $good = true ] || explain check print.sys
result $good "a bare driver is exercised while it is unloaded"

run check --json "$drivers/print.sys"
good=true
[ $status -eq 0 ] && grep -q '"verdict": "no violation"' "$work/stdout" || good=false
[ $good = true ] || explain check --json print.sys
result $good "a clean verdict as JSON"

run check --executions 2 "$drivers/print.sys"
good=true
[ $status -eq 0 ] || good=false
! tail -n 1 "$work/stdout" | grep -q 'every interleaving' || good=false
[ $good = true ] || explain check --executions 2 print.sys
result $good "a search that was stopped claims nothing"

for command in run check; do
    run $command "$drivers/missing.sys"
    good=true
    [ $status -eq 3 ] && [ ! -s "$work/stdout" ] && [ "$(wc -l <"$work/stderr")" -eq 1 ] || good=false
    grep -q 'IoRaiseInformationalHardError' "$work/stderr" && grep -q 'missing.sys' "$work/stderr" || good=false
    [ $good = true ] || explain $command missing.sys
    result $good "$command: an export that is not implemented is named with its user"

    run $command "$drivers/crash.sys"
    good=true
    [ $status -eq 1 ] && [ ! -s "$work/stderr" ] && [ -z "$(ls "$work/here")" ] || good=false
    grep -q 'culprit: crash!DriverEntry' "$work/stdout" || good=false
    [ $good = true ] || explain $command crash.sys
    result $good "$command: a crash in DriverEntry is a violation without a failure file"
done

printf '%s\n' 'driver "print.sys"' 'thread("a", function(t)' 't:unload "print" t:expect "STATUS_UNSUCCESSFUL" end)' >"$work/here/expect.lua"
(cd "$work/here" && RUNDOWN_DRIVERS=/nowhere:$drivers "$RUNDOWN" run expect.lua) >"$work/stdout" 2>"$work/stderr"
status=$?
good=true
[ $status -eq 1 ] && grep -q '^rule: expectation-failed' "$work/stdout" || good=false
[ $good = true ] || explain run expect.lua
result $good "a status that was not expected is a violation"
rm "$work/here/expect.lua"

for base in 0xFFFFF80001000000 0xFFFFF80002340000; do
    run check --base $base "$build/samples/004-remove-lock/completion-only.lua"
    good=true
    [ $status -eq 1 ] && grep -q '^rule: execute-unloaded-image  culprit: lower!' "$work/stdout" || good=false
    [ $good = true ] || explain check --base $base
    result $good "the verdict does not depend on where drivers lie ($base)"
done
done_testing
