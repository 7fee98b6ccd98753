#!/bin/sh
# Every sample's verdict under every strategy:  run_sweep.sh RUNDOWN SAMPLES_FOLDER WORK_FOLDER SCALE TABLE...
# The tables are those of run_e2e.sh (their codes and culprits are not looked at). What holds must hold under any strategy; what breaks must be found by dpor and by
# bounded (the default's claim is complete, and these bugs need two preemptions at most), while a sample of schedules may
# miss it. The reason is dpor's: a variant may have several violations (001's register-first has), and another strategy may meet
# another one first. SCALE multiplies the executions that the limited strategies get; at 1, samples of what
# breaks are left out, since they prove little.
set -u
rundown=$1 samples=$2 work=$3 scale=$4
shift 4
number=0 failed=0
mkdir -p "$work"
field() { printf '%s\n' "$report" | sed -n "s/^.*\"$1\": *\"\{0,1\}\([^\",}]*\).*$/\1/p" | head -n 1; }
complain() { problem="$problem# $*; again: $command
"; }

# One exploration: is a violation "never", "always" or "maybe" found?
explore() { # found, options...
    found=$1
    shift
    command="$rundown check --json -o $work/sweep.rdn $* $scenario"
    report=$($command 2>&1)
    status=$?
    case $found$status in
    never0 | maybe0) return ;;
    always1 | maybe1)
        case "$* |$rule|" in
        *--strategy* | *"|$(field rule)|"*) ;;
        *) complain "found $(field rule), not $rule" ;;
        esac
        ;;
    *) complain "exit status $status" ;;
    esac
}

echo "1..$(cat "$@" | grep -vc '^#')"
while read -r sample variant verdict rule codes culprits options; do
    scenario=$samples/$sample/${variant%%:*}.lua problem= seeds=$scale
    sure=always sampled=maybe enough=4000
    case $verdict in holds | none) sure=never sampled=never enough=1000 ;; esac
    # shellcheck disable=SC2086
    {
        explore $sure $options
        explore $sure --strategy bounded --preemptions 2 --executions $((enough * scale)) $options
        [ "$scale$sure" != 1always ] || seeds=0
        for bound in 0 1; do
            [ $seeds -eq 0 ] || explore $sampled --strategy bounded --preemptions $bound --executions $((300 * scale)) $options
        done
        for seed in $(seq 1 $seeds); do
            explore $sampled --strategy random --seed "$seed" --executions $((50 * scale)) $options
            explore $sampled --strategy pct --seed "$seed" --executions $((50 * scale)) $options
        done
    }
    number=$((number + 1))
    [ -z "$problem" ] || { printf '%s' "$problem"; printf 'not '; failed=1; }
    echo "ok $number - $sample/$variant $verdict under every strategy"
done <<LINES
$(cat "$@" | grep -v '^#')
LINES
exit $failed
