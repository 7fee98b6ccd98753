#!/bin/sh
# Runs a test driver and prints its TAP:
#   run_guest.sh SOURCES RUNDOWN DRIVER.sys [OPTION...]
# SOURCES/load/NAME.lua is the scenario, if there is one; otherwise one thread loads the driver, which runs its tests in
# DriverEntry; those in fs/ and flt/ get a volume C:. Lines that are not TAP go through as diagnostics. A run that ends before the plan is fulfilled, or with
# another exit status than 0, is a failure of its own.
set -u
sources=$1 rundown=$2 driver=$3
shift 3
name=$(basename "$driver" .sys)
scenario=${driver%.sys}.lua
if [ -f "$sources/load/$name.lua" ]; then
    cp "$sources/load/$name.lua" "$scenario"
else
    mount=
    [ ! -f "$sources/fs/$name.c" ] && [ ! -f "$sources/flt/$name.c" ] || mount="mount {}"
    cat >"$scenario" <<LUA
$mount
driver ("$name.sys", { load = false })
thread ("tester", function (t)
  t:load "$name"
  t:unload "$name"
end)
LUA
fi
output=$("$rundown" run "$@" "$scenario" 2>&1)
status=$?
printf '%s\n' "$output" | sed -e '/^1\.\.[0-9]*$/b' -e '/^ok [0-9]/b' -e '/^not ok [0-9]/b' -e '/^#/b' -e 's/^/# /'
plan=$(printf '%s\n' "$output" | sed -n 's/^1\.\.\([0-9]*\)$/\1/p')
results=$(printf '%s\n' "$output" | grep -c -E '^(not )?ok [0-9]')
[ -n "$plan" ] || { echo "1..1"; echo "not ok 1 - $name prints a plan (exit status $status)"; exit 1; }
[ "$results" -eq "$plan" ] || { echo "# $name: $results of $plan tests reported, exit status $status"; exit 1; }
[ "$status" -eq 0 ] || { echo "# $name: all tests reported, but exit status $status"; exit 1; }
! printf '%s\n' "$output" | grep -q '^not ok'
