#!/bin/sh
# What going somewhere in an execution costs the debugger:  travel.sh BUILD . The bar is a median below 100 ms in ten million
# instructions or more.
set -eu
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
jumps() { # NAME SCENARIO
    "$build/rundown" check "$2" -o "$work/failure.rdn" >/dev/null 2>&1 || true
    "$build/rundown" debug "$work/failure.rdn" -c '!jumps 0n100' | sed -n "s/^\([0-9]* jumps\)/$1: \1/p"
}
jumps "a long computation" "$build/tests/debug/drivers/long.lua"
# Who wrote what the kernel wrote once, while it booted: a search through the whole execution, beside the session without it.
milliseconds() { # COMMANDS
    begin=$(date +%s%N)
    "$build/rundown" debug "$work/failure.rdn" -c "$1" >/dev/null
    echo $((($(date +%s%N) - begin) / 1000000))
}
empty=$(milliseconds '* nothing')
printf 'who wrote, through all of it: %s ms by dirty bytes, %s ms looking at every instruction\n' \
    $(($(milliseconds '!whowrote nt!KeNumberProcessors') - empty)) $(($(milliseconds '!whowrote /e nt!KeNumberProcessors') - empty))
printf 'a write breakpoint back to the same place: %s ms\n' $(($(milliseconds 'ba w1 nt!KeNumberProcessors; g-') - empty))
jumps "004-remove-lock" "$build/samples/004-remove-lock/completion-only.lua"
