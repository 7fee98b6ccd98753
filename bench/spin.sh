#!/bin/sh
# The peer that recognises states:  spin.sh BUILD . spin (a Debian package) on hand-written models of the same
# programs, reduction on, safety properties only; compiled by gcc -O2. Skipped with a line where it is not installed.
set -eu
build=$1/bench/spin
models=$PWD/bench/spin
if ! command -v spin >/dev/null 2>&1; then
    echo "spin: skipped (not installed: apt-get install spin)"
    exit 0
fi
mkdir -p "$build"
echo
echo "spin $(spin -V | sed 's/Spin Version \([0-9.]*\).*/\1/') on hand-written models, with partial-order reduction"
echo "program              states   transitions    seconds"
for row in bluetooth:2 bluetooth:3 bluetooth:4 rundown:5 remlock:2 remlock:3 last-zero:7 last-zero:10 readers:8 readers:13; do
    model=${row%:*} n=${row#*:}
    folder=$build/$model-$n
    mkdir -p "$folder"
    (
        cd "$folder"
        spin -DN="$n" -a "$models/$model.pml" >/dev/null
        gcc -O2 -w -DSAFETY -DNOCLAIM -DVECTORSZ=2048 -o pan pan.c
        begin=$(date +%s%N)
        timeout 60 ./pan -m100000 -w22 >out || true
        end=$(date +%s%N)
        grep -q 'errors: 0' out || { echo "$model $n: spin did not find it correct"; exit 1; }
        states=$(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' out)
        transitions=$(sed -n 's/^ *\([0-9]*\) transitions.*/\1/p' out)
        awk -v n="$model $n" -v s="$states" -v t="$transitions" -v ns=$((end - begin)) \
            'BEGIN { printf "%-15s %11d %13d %10.3f\n", n, s, t, ns / 1e9 }'
    )
done
