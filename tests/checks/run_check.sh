#!/bin/sh
# A violation and its clean twin:  run_check.sh RUNDOWN SOURCE_FOLDER BUILD_FOLDER
# bad.expected has lines "rule NAME", "culprit FUNCTION" and "code 0xNN"; only the first is compulsory.
set -u
rundown=$1 source=$2 build=$3
name=$(basename "$source")
failed=0
result() { # number, description, true or false
    if [ "$3" = true ]; then echo "ok $1 - $2"; else echo "not ok $1 - $2"; failed=1; fi
}
explain() { printf '%s\n' "$1" | sed 's/^/# /'; echo "# again: $2"; }
# The value of a key at any depth of the report's JSON, the first in the file.
field() { printf '%s\n' "$report" | sed -n "s/^.*\"$1\": *\"\{0,1\}\([^\",}]*\).*$/\1/p" | head -n 1; }
want() { sed -n "s/^$1 //p" "$source/bad.expected"; }

echo "1..2"
command="$rundown check --json -o $build/bad.rdn $build/bad.lua"
report=$($command 2>&1)
status=$?
good=true
[ $status -eq 1 ] || { echo "# expected exit status 1, got $status"; good=false; }
for key in rule culprit code; do
    expected=$(want $key)
    [ -n "$expected" ] || continue
    got=$(field $key)
    case $key in
    # Compilers append to the names of functions that they specialise: Recurse.isra.0.
    culprit) case $got in "$expected" | "$expected".*) continue ;; esac ;;
    *) [ "$got" = "$expected" ] && continue ;;
    esac
    echo "# $key: expected $expected, got $got"
    good=false
done
result 1 "$name: bad is caught" $good
[ $good = true ] || explain "$report" "$command"

command="$rundown check -o $build/clean.rdn $build/clean.lua"
report=$($command 2>&1)
status=$?
good=true
[ $status -eq 0 ] || { echo "# expected exit status 0, got $status"; good=false; }
result 2 "$name: clean holds" $good
[ $good = true ] || explain "$report" "$command"
exit $failed
