#!/bin/sh
# The demonstration behind `make demo`:  tests/demo.sh BUILD
set -u
build=$1
sample=$build/samples/004-remove-lock
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

say() { printf '\n== %s\n\n' "$*"; }
run() {
    echo "\$ $*"
    "$@"
    status=$?
    echo "[exit status $status]"
}
expect() {
    [ "$status" -eq "$1" ] && return
    echo "demo: expected exit status $1: $2" >&2
    exit 1
}

say "A remove lock released in the completion routine only (samples/004-remove-lock)"
run "$build/rundown" check "$sample/completion-only.lua" -o "$work/completion-only.rdn"
expect 1 "the buggy driver is to be caught"

say "The same failure, replayed from its file"
run "$build/rundown" replay "$work/completion-only.rdn" >"$work/replay"
head -n 4 "$work/replay"
echo "..."
tail -n 2 "$work/replay"
expect 1 "the replay is to reproduce the violation"
grep -q '^reproduced' "$work/replay" || { echo "demo: the replay did not say that it reproduced the failure" >&2; exit 1; }

say "The repair: acquired twice, released in the completion routine and behind IoCallDriver"
run "$build/rundown" check "$sample/acquire-twice.lua" -o "$work/acquire-twice.rdn" >"$work/clean"
cat "$work/clean"
expect 0 "the repaired driver is to hold"
sed -n 's/^no violation in/explored: no violation in/p' "$work/clean" | grep 'every interleaving explored' ||
    { echo "demo: the exploration of the repaired driver was not complete" >&2; exit 1; }
