#!/bin/sh
# The line that a long check keeps up to date on a terminal: executions, rate, steps, depth, frontier and an estimate that calls itself one.
# script(1) makes the terminal. Nothing is shown to a file.
. tests/cli/support/tap.sh

samples=$build/samples/004-remove-lock
mkdir -p "$work/long" "$work/here"
cp "$samples"/*.sys "$work/long"
{
    printf 'os_version "win7"\ndriver "lower.sys"\ndriver "upper-acquire-twice.sys"\n'
    printf 'device ("upper", { "lower", "upper-acquire-twice" })\n'
    for i in 1 2 3 4; do
        printf 'thread ("client%s", function (t)\n  t:ioctl (t:open ([[\\\\.\\Upper]], { kernel = true }), 0x222000)\nend)\n' $i
    done
    printf 'thread ("pnp", function (t)\n  t:remove_device "upper"\nend)\n'
} >"$work/long/four.lua"
scenario=$work/long/four.lua

if ! command -v script >/dev/null; then
    echo "ok 1 - progress # SKIP script(1) is not there"
    echo 1..1
    exit 0
fi

# watch SECONDS OPTIONS...: the lines shown one after the other, in $work/lines.
watch() {
    seconds=$1
    shift
    (cd "$work/here" && script -qec "$RUNDOWN check --time $seconds $* $scenario" /dev/null </dev/null) |
        tr '\r' '\n' | tr -d '\033' | sed 's/^\[K//' >"$work/shown"
    grep ' executions, [0-9]* a second' "$work/shown" >"$work/lines"
}
is() { # NAME CONDITION...
    name=$1
    shift
    good=true
    "$@" || good=false
    [ $good = true ] || tail -n 5 "$work/shown" | sed 's/^/# /'
    result $good "$name"
}
line='^[0-9]+ executions, [0-9]+ a second, [0-9]+ steps, depth [0-9]+, frontier [0-9]+(, perhaps [0-9.e+-]+ % of the tree known now)?$'
every_line() { [ -s "$work/lines" ] && ! grep -vE "$line" "$work/lines"; }
# Numbers of all lines: executions, rate, steps, depth, frontier, estimate.
numbers() { sed -E 's/ executions,|a second,|steps,|,|depth|frontier|perhaps|% of.*//g' "$work/lines"; }
grows() { numbers | awk -v f="$1" '$f < last { bad = 1 } { last = $f } END { exit bad || NR < 2 }'; }
# The rate is what was counted over the time, so it is no further from the last line's executions than starting up and looking twice a
# second explain.
rate_is_true() { numbers | tail -n 1 | awk -v s="$1" '{ exit !($2 * s > $1 * 0.6 && $2 * (s - 2) < $1 * 1.6) }'; }
estimate_is_one() { numbers | awk '$6 != "" { n++; if ($6 <= 0 || $6 >= 100) bad = 1 } END { exit bad || n == 0 }'; }
somewhere_to_go() { numbers | awk '$4 < 1 || $5 < 1 { bad = 1 } END { exit bad || NR == 0 }'; }

for jobs in 1 2; do
    watch 5 --jobs $jobs
    is "$jobs jobs: every line has the rate, the depth, the frontier and an estimate" every_line
    is "... executions grow" grows 1
    is "... the rate is that of the whole time" rate_is_true 5
    is "... a search that goes on has depth and frontier" somewhere_to_go
    is "... the estimate is above 0 and below 100 %" estimate_is_one
    is "... the end says that it was not finished" grep -q 'exploration not finished: time limit reached' "$work/shown"
done
run check --time 2 --jobs 1 "$scenario"
is "no terminal, no progress" [ ! -s "$work/stderr" ]
done_testing
