#!/bin/sh
# The fuzz target of the debugger's session, over its corpus and over changed files of it: `make fuzz F=debugger` looks further.
. tests/cli/support/tap.sh
"$RUNDOWN" check "$build/tests/debug/drivers/objects.lua" -o "$work/objects.rdn" >"$work/found" 2>&1 || true
[ -s "$work/objects.rdn" ] || { sed 's/^/# /' "$work/found"; echo "Bail out! no failure"; exit 1; }
RUNDOWN_FUZZ_FAILURE=$work/objects.rdn RUNDOWN_FUZZ_KERNEL=$build/guest/ntoskrnl.exe timeout 300 \
    "$build/tests/debug/smoke" 60 tests/fuzz/corpus/debugger/*
