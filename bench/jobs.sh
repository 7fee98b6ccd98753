#!/bin/sh
# One job and two on the same check, wall seconds:  jobs.sh BUILD [THREADS] . The bluetooth program with so many threads; on an idle machine with
# two processors or more the ratio should be above 1.7.
set -eu
build=$1 threads=${2:-6}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$build/tests/litmus/bluetooth/bluetooth.sys" "$work"
sed -e "s/COUNT/$threads/" -e 's/PROGRAM/bluetooth/' tests/litmus/scenario.lua >"$work/check.lua"
now() { date +%s%N; }
echo "jobs   executions    seconds   ratio"
first=
for jobs in 1 2; do
    begin=$(now)
    report=$("$build/rundown" check --json --strategy dpor --jobs $jobs "$work/check.lua")
    spent=$(($(now) - begin))
    first=${first:-$spent}
    printf '%s\n' "$report" | sed -n 's/^ *"executions": *\([0-9]*\).*/\1/p' |
        awk -v j=$jobs -v ns=$spent -v first="$first" '{ printf "%4d %12d %10.1f %7.2f\n", j, $1, ns / 1e9, first / ns }'
done
