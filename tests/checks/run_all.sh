#!/bin/sh
# Every check with every option of the verifier on: bad drivers keep their own rule, clean ones stay clean.
#   run_all.sh RUNDOWN BUILD_FOLDER NAME...      One line of TAP a check.
set -u
rundown=$1 build=$2
shift 2
failed=0 number=0
for name in "$@"; do
    number=$((number + 1))
    if said=$(VERIFIER=all sh tests/checks/run_check.sh "$rundown" "tests/checks/$name" "$build/$name" 2>&1); then
        echo "ok $number - $name: its own rule, and nothing else, with every option"
    else
        echo "not ok $number - $name: its own rule, and nothing else, with every option"
        printf '%s\n' "$said" | sed 's/^# again/again/;s/^/# /'
        failed=1
    fi
done
echo "1..$number"
exit $failed
