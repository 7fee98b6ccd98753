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
jumps "004-remove-lock" "$build/samples/004-remove-lock/completion-only.lua"
