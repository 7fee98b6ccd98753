#!/bin/sh
# A violation and its clean twin:  run_check.sh RUNDOWN SOURCE_FOLDER BUILD_FOLDER
# bad.expected has lines "rule NAME", "culprit FUNCTION", "code 0xNN" and "argN 0xNN" (N from 1); only the first is
# compulsory; "note TEXT" must stand anywhere in the report. Lines "all KEY VALUE" say what is different with every option
# on (-: not asked). A file `verifier` holds Driver Verifier options: both twins run with them, and bad must get past its
# rule without. From the environment: with VERIFIER set both run with those options instead, and nothing else is asked;
# CHECK_OPTIONS go to every run (another kernel); CHECK_FAILURES is another folder for failure files.
set -u
rundown=$1 source=$2 build=$3
name=$(basename "$source")
failure=${CHECK_FAILURES:-$build}/${VERIFIER:+all-}
failed=0
result() { # number, description, true or false
    if [ "$3" = true ]; then echo "ok $1 - $2"; else echo "not ok $1 - $2"; failed=1; fi
}
explain() { printf '%s\n' "$1" | sed 's/^/# /'; echo "# again: $2"; }
# The value of a key at any depth of the report's JSON, the first in the file.
field() { printf '%s\n' "$report" | sed -n "s/^.*\"$1\": *\"\{0,1\}\([^\",}]*\).*$/\1/p" | head -n 1; }
# Argument N of the violation.
argument() {
    printf '%s\n' "$report" | sed -n '/"arguments"/,/^ \]/s/^ *"value": "\([0-9a-f]*\)".*$/0x\1/p' | sed -n "$1p"
}
# With every option on, another rule may be the first to see the mistake: lines "all KEY VALUE" (-: not asked).
want() {
    if [ -n "${VERIFIER:-}" ] && grep -q "^all $1 " "$source/bad.expected"; then
        sed -n "s/^all $1 //p" "$source/bad.expected" | sed 's/^-$//'
    else
        sed -n "s/^$1 //p" "$source/bad.expected"
    fi
}
# Is the report in $report the one that bad.expected asks for?
is_expected() {
    good=true
    [ $status -eq 1 ] || { echo "# expected exit status 1, got $status"; good=false; }
    for key in rule culprit code arg1 arg2 arg3 arg4; do
        expected=$(want $key)
        [ -n "$expected" ] || continue
        case $key in arg*) got=$(argument ${key#arg}) ;; *) got=$(field $key) ;; esac
        case $key in
        # Compilers append to the names of functions that they specialise: Recurse.isra.0.
        culprit) case $got in "$expected" | "$expected".*) continue ;; esac ;;
        *) [ "$got" = "$expected" ] && continue ;;
        esac
        echo "# $key: expected $expected, got $got"
        good=false
    done
    expected=$(want note)
    [ -z "$expected" ] || printf '%s\n' "$report" | grep -qF -- "$expected" ||
        { echo "# note: expected $expected, found none"; good=false; }
}

if [ -n "${VERIFIER:-}" ] && [ -f "$source/not-with-all" ]; then
    echo "1..0 # skipped: $(cat "$source/not-with-all")"
    exit 0
fi
options= own=
if [ -f "$source/verifier" ]; then
    own=$(cat "$source/verifier")
    options=" --verifier $own"
fi
[ -z "${VERIFIER:-}" ] || options=" --verifier $VERIFIER"

others=${CHECK_OPTIONS:-}
options="$options${others:+ $others}"

if [ -n "$own" ] && [ -z "${VERIFIER:-}" ]; then echo "1..3"; else echo "1..2"; fi
command="$rundown check --json $options -o ${failure}bad.rdn $build/bad.lua"
report=$($command 2>&1)
status=$?
is_expected
result 1 "$name: bad is caught${options:+ with$options}" $good
[ $good = true ] || explain "$report" "$command"

command="$rundown check $options -o ${failure}clean.rdn $build/clean.lua"
report=$($command 2>&1)
status=$?
good=true
[ $status -eq 0 ] || { echo "# expected exit status 0, got $status"; good=false; }
result 2 "$name: clean holds${options:+ with$options}" $good
[ $good = true ] || explain "$report" "$command"

if [ -n "$own" ] && [ -z "${VERIFIER:-}" ]; then
    command="$rundown check --json --verifier none $others -o ${failure}without.rdn $build/bad.lua"
    report=$($command 2>&1)
    status=$?
    good=true
    [ "$(field rule) $(field code) $(argument 1)" = "$(want rule) $(want code) $(want arg1)" ] && good=false
    [ $status -eq 0 ] || [ $status -eq 1 ] || good=false
    result 3 "$name: bad gets past this rule without the verifier" $good
    [ $good = true ] || explain "$report" "$command"
fi
exit $failed
