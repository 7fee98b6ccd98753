#!/bin/sh
# Replays are exact: every fresh process reaches the same report, byte for byte.
#   run_replay.sh RUNDOWN SAMPLES_FOLDER BUILD_FOLDER REPETITIONS     one failure so often, the others a fifth of it
set -u
rundown=$1 samples=$2 build=$3 repetitions=$4
failed=0 number=0
mkdir -p "$build"
echo "1..3"
for sample in 000-apc-unload/counter-wait 000-apc-unload/device-ref-call 004-remove-lock/completion-only; do
    number=$((number + 1))
    failure=$build/$(basename $sample).rdn
    good=true
    "$rundown" check -o "$failure" "$samples/$sample.lua" >/dev/null 2>&1
    first=$("$rundown" replay --json "$failure" 2>&1)
    [ $? -eq 1 ] || { echo "# the failure file does not replay:"; printf '%s\n' "$first" | sed 's/^/# /'; good=false; }
    i=1
    while [ $good = true ] && [ $i -lt "$repetitions" ]; do
        again=$("$rundown" replay --json "$failure" 2>&1)
        [ "$again" = "$first" ] || { echo "# repetition $i differs; again: $rundown replay $failure"; good=false; }
        i=$((i + 1))
    done
    if [ $good = true ]; then
        echo "ok $number - $sample replays the same $repetitions times"
    else
        echo "not ok $number - $sample replays the same $repetitions times"
        failed=1
    fi
    [ $number -gt 1 ] || repetitions=$((repetitions / 5))
done
exit $failed
