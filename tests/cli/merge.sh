#!/bin/sh
# What the results of parts may claim together, on results written here: everything only if all parts of one check are there, each went
# to its end, and all divided the whole alike.
. tests/cli/support/tap.sh
mkdir -p "$work/here"

# part NUMBER OF [FIELD...]: a part that found nothing; later fields replace those before.
part() {
    number=$1 parts=$2
    shift 2
    check=c finished=true sharing=s executions=10 claim='every interleaving explored' bounds='' more=''
    for field in "$@"; do
        eval "${field%%=*}=\${field#*=}"
    done
    printf '{"subject": "x.lua", "check": "%s", "shard": %s, "shards": %s, "finished": %s, "sharing": "%s", "executions": %s,
 "redundant": 1, "claim": "%s", "covered": "win7", "bounds": "%s"%s}\n' \
        "$check" "$number" "$parts" "$finished" "$sharing" "$executions" "$claim" "$bounds" "$more"
}
violation() { # KEY COUNT
    printf ', "key": "%s", "count": %s, "rule": "%s", "symbol": "a!b", "failure_file": "x.rdn"' "$1" "$2" "$1"
}
merged() { # NAME STATUS LAST_LINE FILE...
    name=$1 wanted=$2 line=$3
    shift 3
    run merge "$@"
    good=true
    [ "$status" -eq "$wanted" ] && [ "$(tail -n 1 "$work/stdout")" = "$line" ] || good=false
    [ $good = true ] || { echo "# expected $wanted: $line"; explain merge "$@"; }
    result $good "$name"
}
has() {
    good=true
    grep -qF -- "$2" "$work/stdout" || { good=false; explain "$1"; }
    result $good "$1"
}

cd "$work/here" || exit 2
for i in 1 2 3; do
    part $i 3 executions=$((10 * i)) >p$i
done
cd - >/dev/null || exit 2
merged "all parts are the whole" 0 "no violation in 60 executions: every interleaving explored" p1 p2 p3
merged "in any order" 0 "no violation in 60 executions: every interleaving explored" p3 p1 p2
for missing in 1 2 3; do
    merged "part $missing is missed" 0 \
        "no violation in $((60 - 10 * missing)) executions: exploration not finished: part $missing of 3 is missing" \
        $(echo p1 p2 p3 | sed "s/p$missing//")
done
for cut in 1 2 3; do
    part $cut 3 finished=false claim='exploration not finished: time limit reached' executions=5 >"$work/here/cut"
    merged "part $cut that did not end leaves nothing to claim" 0 \
        "no violation in $((65 - 10 * cut)) executions: exploration not finished: part $cut of 3: exploration not finished: time limit reached" \
        $(echo p1 p2 p3 | sed "s/p$cut/cut/")
done
for other in 2 3; do
    part $other 3 sharing=t executions=$((10 * other)) >"$work/here/other"
    merged "part $other that divided otherwise leaves nothing to claim" 0 \
        "no violation in 60 executions: exploration not finished: part $other found other shared locations than part 1, so the parts may not fit together; check it without --shard" \
        $(echo p1 p2 p3 | sed "s/p$other/other/")
done

part 1 2 bounds=', with at most 1 early timer' >"$work/here/b1"
part 2 2 bounds=', with at most 1 early timer' >"$work/here/b2"
merged "bounds are claimed with the whole" 0 "no violation in 20 executions: every interleaving explored, with at most 1 early timer" b1 b2

{
    part 1 2 more="$(violation hang 3)"
    part 1 2 more="$(violation double-free 1)"
} >"$work/here/v1"
{
    part 2 2 more="$(violation stack 2)"
    part 2 2 more="$(violation hang 4)"
} >"$work/here/v2"
merged "violations of all parts are counted, each once" 1 "3 distinct violations in 20 executions: every interleaving explored" v1 v2
has "... with how often any part met it" "       7 times  rule: hang  culprit: a!b  (x.rdn)"
has "... also those that only one met" "       2 times  rule: stack  culprit: a!b  (x.rdn)"
part 2 2 >"$work/here/v2"
merged "a part without any does not hide those of others" 1 "2 distinct violations in 20 executions: every interleaving explored" v2 v1

part 2 3 check=d >"$work/here/alien"
refuses "a part of another check" "another check" merge p1 alien p3
part 2 4 >"$work/here/fourth"
refuses "a part of another division" "one of 4 parts" merge p1 fourth p3
refuses "one part twice" "twice" merge p1 p2 p2 p3
part 4 3 >"$work/here/outside"
refuses "a part that is none of the whole" "not a result" merge p1 outside
done_testing
