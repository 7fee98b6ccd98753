#!/bin/sh
# Exploration figures:  explore.sh BUILD . Complete executions per second and steps per execution on one core, sampled at random
# so that every execution runs from the start of the scenario's threads to their end; and the time to explore each
# sound variant to completion, process start included.
set -eu
build=$1
rundown=$build/rundown
member() { printf '%s\n' "$1" | sed -n "s/^ *\"$2\": *\"\{0,1\}\([^\",]*\).*/\1/p" | head -n 1; }
now() { date +%s%N; }

scenario=$build/samples/004-remove-lock/acquire-twice.lua
echo "scenario                     executions   steps/execution   executions/s (one core)"
begin=$(now)
empty=$($rundown check --json --strategy random --executions 1 "$scenario") || exit 1
startup=$(($(now) - begin))
begin=$(now)
report=$($rundown check --json --strategy random --executions 40000 --seed 1 "$scenario")
spent=$(($(now) - begin - startup))
executions=$(member "$report" executions) steps=$(member "$report" steps)
awk -v e="$executions" -v s="$steps" -v ns="$spent" \
    'BEGIN { printf "004-remove-lock, random %11d %17.1f %18.0f\n", e, s / e, e / (ns / 1e9) }'
: "$empty"

echo
echo "sound variant, to completion    executions   redundant     steps    seconds   claim"
for name in 000-apc-unload/device-ref-jump 004-remove-lock/acquire-twice; do
    begin=$(now)
    report=$($rundown check --json "$build/samples/$name.lua")
    spent=$(($(now) - begin))
    awk -v n="$name" -v e="$(member "$report" executions)" -v r="$(member "$report" redundant)" \
        -v s="$(member "$report" steps)" -v ns="$spent" -v c="$(member "$report" claim)" \
        'BEGIN { printf "%-30s %11d %11d %9d %10.3f   %s\n", n, e, r, s, ns / 1e9, c }'
done
