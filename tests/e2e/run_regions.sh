#!/bin/sh
# Seed 003's screens: what each report of samples/003-critical-region shows beside its verdict.
#   run_regions.sh RUNDOWN SAMPLES_FOLDER BUILD_FOLDER
set -u
rundown=$1 samples=$2/003-critical-region build=$3
failed=0 number=0
mkdir -p "$build"
report() { # variant, options...
    variant=$1
    shift
    command="$rundown check $* -o $build/regions-$variant.rdn $samples/$variant.lua"
    text=$($command 2>&1)
}
shows() { # description, pattern
    number=$((number + 1))
    if printf '%s\n' "$text" | grep -q -- "$2"; then
        echo "ok $number - $1"
    else
        printf '%s\n' "$text" | head -n 60 | sed 's/^/# /'
        echo "# again: $command"
        echo "not ok $number - $1"
        failed=1
    fi
}
hides() {
    number=$((number + 1))
    if printf '%s\n' "$text" | grep -q -- "$2"; then
        echo "# again: $command"
        echo "not ok $number - $1"
        failed=1
    else
        echo "ok $number - $1"
    fi
}

echo "1..14"
report thread-exit
shows "the thread's count is minus one, as sixteen bits" '^Arg2: 000000000000ffff'
shows "the log's title" '^There are up to 0x80 entries in the log.'
shows "a record begins in the Verifier routine" ' nt!VerifierKeEnterCriticalRegion+0x'
shows "... and goes on in the driver" ' filter-forgets!FilterLookUp+0x'
report thread-exit --verifier none
shows "without the verifier it is the same bugcheck" '^KERNEL_APC_PENDING_DURING_EXIT (20)'
shows "... and the same culprit" 'culprit: filter-forgets!FilterLookUp'
hides "... without the log" 'There are up to 0x80 entries'
report dispatch
shows "the dispatch routine's sub-code" '^Arg1: 00000000000000c5'
shows "the count before" '^Arg4: 0000000000000000'
shows "the caller's frame is right below the verifier's" 'nt!IovCallDriver+0x'
report dispatch --verifier 0x800
shows "turning the option off leaves it to the thread's end" '^KERNEL_APC_PENDING_DURING_EXIT (20)'
report inlined
shows "nothing was logged" '^The log is empty.'
number=$((number + 1))
if x86_64-w64-mingw32-objdump -p "$samples/filter-inlined.sys" | grep -q CriticalRegion; then
    echo "not ok $number - the inlined variant imports no routine of critical regions"
    failed=1
else
    echo "ok $number - the inlined variant imports no routine of critical regions"
fi
number=$((number + 1))
if x86_64-w64-mingw32-objdump -d "$samples/filter-inlined.sys" | grep -q 'w *[^ ]*,\{0,1\}0x1c4(\|0x1c4('; then
    echo "ok $number - ... and changes KTHREAD+0x1c4 itself"
else
    echo "not ok $number - ... and changes KTHREAD+0x1c4 itself"
    failed=1
fi
exit $failed
