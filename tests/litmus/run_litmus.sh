#!/bin/sh
# Explores a litmus program for each line of its `expected`:  run_litmus.sh COUNT SOURCE_FOLDER BUILD_FOLDER
# A line is THREADS EXECUTIONS VERDICT [STATES [OPTIONS]]; see README.md. COUNT is count.c's program and its options.
set -u
count=$1 source=$2 build=$3
name=$(basename "$source")
lines=$(grep -v '^#' "$source/expected")
failed=0 number=0

echo "1..$(printf '%s\n' "$lines" | grep -c .)"
while read -r threads executions verdict states options; do
    number=$((number + 1))
    scenario=$build/$name-$threads.lua
    sed -e "s/COUNT/$threads/g" -e "s/PROGRAM/$name/" "$(dirname "$source")/scenario.lua" >"$scenario"
    # shellcheck disable=SC2086
    output=$($count $options "$scenario" 2>&1)
    status=$?
    line=$(printf '%s\n' "$output" | grep -E '^(holds|breaks) ')
    good=true
    [ $status -eq 0 ] || good=false
    [ "${line%% *}" = "$verdict" ] || { echo "# verdict: expected $verdict, got ${line%% *}"; good=false; }
    got=$(printf '%s\n' "$line" | cut -d' ' -f2)
    case $executions in
    [0-9]*) [ "$got" = "$executions" ] || { echo "# expected $executions executions, got $got"; good=false; } ;;
    esac
    got=$(printf '%s\n' "$line" | cut -d' ' -f4)
    [ "${states:--}" = - ] || [ "$got" = "$states" ] || { echo "# expected $states final states, got $got"; good=false; }
    if [ $good = true ]; then
        echo "# $line"
        echo "ok $number - $name with $threads threads $verdict${options:+ with $options}"
    else
        printf '%s\n' "$output" | sed 's/^/# /'
        echo "# again: $count $options $scenario"
        echo "not ok $number - $name with $threads threads $verdict${options:+ with $options}"
        failed=1
    fi
done <<LINES
$lines
LINES
exit $failed
