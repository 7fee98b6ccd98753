#!/bin/sh
# What the kernel assumes where documentation is silent, each shown by a driver:  run_assumptions.sh RUNDOWN BUILD_FOLDER
set -u
rundown=$1 build=$2
number=0 failed=0

# name, wanted exit status, text that the output must hold, then the command's arguments
assumption() {
    name=$1 status=$2 text=$3
    shift 3
    number=$((number + 1))
    output=$("$rundown" check "$@" -o "$build/assumption.rdn" 2>&1)
    got=$?
    if [ $got -eq "$status" ] && printf '%s\n' "$output" | grep -qF "$text"; then
        echo "ok $number - $name"
    else
        printf '%s\n' "$output" | sed 's/^/# /'
        echo "# expected exit status $status and: $text; got exit status $got"
        echo "# again: $rundown check $*"
        echo "not ok $number - $name"
        failed=1
    fi
}

echo "1..4"
assumption "on win7 nothing but its pointer count keeps an image through DriverEntry" \
    1 "rule: execute-unloaded-image  culprit: load_race!DriverEntry" "$build/load_race.lua" --os win7
assumption "on win8 the system serialises load and unload" \
    0 "every interleaving explored" "$build/load_race.lua" --os win8
assumption "an unloader does not wait for dispatch routines" \
    1 "culprit: busy_dispatch!BusyUnload" "$build/busy_dispatch_kernel.lua"
assumption "an open handle holds the unload back" \
    0 "every interleaving explored" "$build/busy_dispatch_handle.lua"
exit $failed
