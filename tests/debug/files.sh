#!/bin/sh
# What is no failure of this build is refused in one line; what is wrong in a script costs one line and not the session.
. tests/cli/support/tap.sh
. tests/debug/support/debug.sh
failure lock "$samples/004-remove-lock/completion-only.lua"
mkdir -p "$work/here"
refuses "no file" "expected one failure file" debug
refuses "a file that is not there" "none.rdn" debug none.rdn
printf 'x' >"$work/here/text.rdn"
refuses "a file that is no failure" "not a failure file" debug text.rdn
head -c 200 "$work/lock.rdn" >"$work/here/cut.rdn"
refuses "a file that was cut short" "cut.rdn" debug cut.rdn
refuses "an unknown option" "unknown option --cpus" debug --cpus 2 "$work/lock.rdn"
refuses "-c without commands" "needs a value" debug "$work/lock.rdn" -c
cp -r "$build/guest" "$work/guest"
printf 'x' >>"$work/guest/hal.dll"
refuses "a failure of another build" "another build" debug "$work/lock.rdn" --kernel "$work/guest/ntoskrnl.exe"
sed 's/"decisions": "[^"]*"/"decisions": "63 62"/' "$work/lock.rdn" >"$work/here/changed.rdn"
refuses "a failure that somebody changed" "damaged" debug changed.rdn -c k
printf 'k 1\n\n.echo first; .echo second\nnonsense\n? 1 +\n.echo still here\nq\n.echo never\n' |
    "$RUNDOWN" debug "$work/lock.rdn" >"$work/stdout" 2>"$work/stderr"
status=$? commands="a script on standard input"
says "a script on standard input" '^second$'
says "errors do not end it" '^still here$'
says_not "q does" '^never$'
good=true
[ ! -s "$work/stderr" ] || good=false
result $good "nothing on standard error"
printf '.echo no newline' | "$RUNDOWN" debug "$work/lock.rdn" >"$work/stdout" 2>"$work/stderr"
status=$? commands="a script without a last newline"
says "a last line without its end" '^no newline$'
done_testing
