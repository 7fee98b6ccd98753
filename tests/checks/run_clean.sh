#!/bin/sh
# Clean twins hold under every strategy, with every option of the verifier on:  run_clean.sh RUNDOWN BUILD_FOLDER slice|whole NAME...
# slice: every fourth twin under one strategy, in turn; whole: every twin under each. One line of TAP a twin.
set -u
rundown=$1 build=$2 part=$3
shift 3
work=$(mktemp) || exit 2
trap 'rm -f "$work"' EXIT
failed=0 number=0 index=0

options() { # number of a strategy
    case $1 in
    0) echo "--strategy random --executions 20" ;;
    1) echo "--strategy pct --executions 20" ;;
    2) echo "--strategy pos --executions 20" ;;
    3) echo "--strategy bounded --preemptions 0 --executions 200" ;;
    4) echo "--strategy bounded --preemptions 1 --executions 200" ;;
    esac
}

for name in "$@"; do
    index=$((index + 1))
    [ ! -f "tests/checks/$name/not-with-all" ] || continue
    strategies="0 1 2 3 4"
    if [ "$part" = slice ]; then
        [ $((index % 4)) -eq 0 ] || continue
        strategies=$((index / 4 % 5))
    fi
    number=$((number + 1)) verdict=ok said=
    for strategy in $strategies; do
        command="$rundown check --verifier all $(options "$strategy") -o $build/$name/strategy.rdn $build/$name/clean.lua"
        if ! $command >"$work" 2>&1; then
            verdict="not ok" failed=1
            said="$said
# again: $command
$(sed 's/^/# /' "$work" | head -n 40)"
        fi
    done
    echo "$verdict $number - $name: clean holds under $(for s in $strategies; do options "$s" | cut -d' ' -f2-4 | sed 's/ --executions//;s/ --preemptions//'; done | paste -sd, - | sed 's/,/, /g')$said"
done
echo "1..$number"
exit $failed
