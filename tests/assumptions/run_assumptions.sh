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

echo "1..12"
assumption "on win7 nothing but its pointer count keeps an image through DriverEntry" \
    1 "rule: execute-unloaded-image  culprit: load_race!DriverEntry" "$build/load_race.lua" --os win7
assumption "on win8 the system serialises load and unload" \
    0 "every interleaving explored" "$build/load_race.lua" --os win8
assumption "an unloader does not wait for dispatch routines" \
    1 "culprit: busy_dispatch!BusyUnload" "$build/busy_dispatch_kernel.lua"
assumption "an open handle holds the unload back" \
    0 "every interleaving explored" "$build/busy_dispatch_handle.lua"
assumption "a thread that is to end cannot be suspended" \
    0 "every interleaving explored" "$build/suspend_ending.lua"
assumption "a thread that is left suspended is no hang by itself" \
    0 "every interleaving explored" "$build/left_suspended.lua"
assumption "another thread may run between two verbs that call no driver" \
    1 "rule: expectation" "$build/observed_verbs.lua"
RUNDOWN_DRIVERS=$build/../guest
export RUNDOWN_DRIVERS
assumption "a filter is not torn down while its callback for a pended operation has not returned" \
    0 "every interleaving explored" "$build/pended_teardown.lua"
samples=$build/../../samples
assumption "what waits for a suspended thread is" \
    1 "rule: hang  culprit: counter-wait!RemedyUnload" --all "$samples/000-apc-unload/counter-wait-stuck.lua"
assumption "the last close carries a deferred unload out and waits for it" \
    1 "rule: hang  culprit: counter-wait!RemedyUnload" --all "$samples/000-apc-unload/counter-wait.lua"
assumption "PnP changes the state of a stack for one at a time" \
    0 "every interleaving explored" "$samples/004-remove-lock/completion-only-start.lua"
assumption "a power request does not wait for its turn" \
    1 "culprit: lower!LowerPower" "$samples/004-remove-lock/completion-only-set-power.lua"
exit $failed
