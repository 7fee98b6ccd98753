#!/bin/sh
# Explores a litmus program for each line of its `expected`:  run_litmus.sh RUNDOWN SOURCE_FOLDER BUILD_FOLDER
# A line is THREADS EXECUTIONS VERDICT; see README.md.
set -u
rundown=$1 source=$2 build=$3
name=$(basename "$source")
lines=$(grep -v '^#' "$source/expected")
failed=0 number=0
field() { printf '%s\n' "$report" | sed -n "s/^.*\"$1\": *\"\{0,1\}\([^\",}]*\).*$/\1/p" | head -n 1; }

echo "1..$(printf '%s\n' "$lines" | grep -c .)"
while read -r threads executions verdict; do
    number=$((number + 1))
    scenario=$build/$name-$threads.lua
    sed -e "s/COUNT/$threads/g" -e "s/PROGRAM/$name/" "$(dirname "$source")/scenario.lua" >"$scenario"
    command="$rundown check --json -o $build/$name.rdn $scenario"
    report=$($command 2>&1)
    status=$?
    good=true
    case $verdict in holds) wanted=0 ;; *) wanted=1 ;; esac
    [ $status -eq $wanted ] || { echo "# expected exit status $wanted, got $status"; good=false; }
    got=$(field executions)
    case $executions in
    [0-9]*)
        [ "$got" = "$executions" ] || { echo "# expected $executions executions, got $got"; good=false; } ;;
    esac
    if [ $good = true ]; then
        echo "ok $number - $name with $threads threads $verdict ($got executions, $(field redundant) redundant)"
    else
        printf '%s\n' "$report" | head -n 40 | sed 's/^/# /'
        echo "# again: $command"
        echo "not ok $number - $name with $threads threads $verdict"
        failed=1
    fi
done <<LINES
$lines
LINES
exit $failed
