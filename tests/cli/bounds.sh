#!/bin/sh
# Early interrupts, early timers and failing allocations are bounded separately: a bug that needs two of a kind is not found with a
# bound of one, and the claim says what was left out. No bound leaves anything else out.
. tests/cli/support/tap.sh

mkdir -p "$work/drivers"
cp "$build/tests/cli/drivers/choices.sys" "$work/drivers"
scenario() { # NAME CODE...: a thread for each
    {
        echo 'driver "choices.sys"'
        file=$work/drivers/$1.lua
        shift
        for code in "$@"; do
            printf 'thread ("t%s", function (t)\n  local h = t:open ([[\\\\.\\Choices]], { kernel = true })\n  t:ioctl (h, %s)\nend)\n' \
                "$code" "$code"
        done
    } >"$work/scenario"
    mv "$work/scenario" "$file"
}
scenario interrupts 0x222000 0x222004
scenario timers 0x222008
scenario faults 0x22200C

says() { # NAME STATUS PATTERN FILE
    good=true
    [ "$status" -eq "$2" ] && grep -qE -- "$3" "$work/$4" || good=false
    [ $good = true ] || { echo "# expected status $2 and: $3"; explain "$1"; }
    result $good "$1"
}

last_line() { tail -n 1 "$work/stdout" >"$work/last"; }
check() { run check -o found.rdn "$@"; last_line; }

for kind in "interrupts:early interrupt" "timers:early timer" "faults:failing allocation"; do
    option=${kind%%:*} what=${kind#*:}
    file=$work/drivers/$option.lua
    if [ "$option" != faults ]; then
        check "$file"
        says "$option: without a bound the bug is found" 1 'first violation in execution' last
        check --$option 0 "$file"
        says "... without ${what}s it is not, and the claim says so" 0 "every interleaving explored, without ${what}s\$" last
    else
        check "$file"
        says "$option: none fails by default" 0 'every interleaving explored$' last
        says "... which is told" 0 '^covered: .*no failing allocations' stdout
    fi
    check --$option 1 "$file"
    says "... with at most one it is not" 0 "every interleaving explored, with at most 1 $what\$" last
    check --$option 2 "$file"
    says "... with two it is" 1 'first violation in execution' last
    run replay found.rdn
    says "... and replays without the option" 1 'rule: bugcheck' stdout
    for strategy in pct random pos; do
        check --$option 1 --strategy $strategy --executions 400 --seed 3 "$file"
        says "... $strategy keeps the bound of one and names it" 0 "sampled .*, with at most 1 $what\$" last
    done
    check --$option 1 --strategy bounded --preemptions 2 "$file"
    says "... bounded too" 0 "at most 2 preemptions explored, with at most 1 $what\$" last
done

both=$work/drivers/interrupts.lua
check --timers 3 --interrupts 1 --faults 0 "$both"
says "bounds are named together" 0 'explored, with at most 3 early timers, with at most 1 early interrupt$' last
says "what they mean stands above" 0 \
    '^covered: .*; timers only when nothing else can run, at most 3 times earlier; APC and DPC interrupts only when their processor waits, at most 1 time earlier; no failing allocations' \
    stdout
check --timers 0 --all "$work/drivers/timers.lua"
says "the claim of --all has them" 0 'explored, without early timers$' last
check --interrupts 2 --all "$both"
says "... with violations too" 1 'distinct violation.*explored, with at most 2 early interrupts$' stdout

check --interrupts 1 --checkpoint state "$both"
says "a check within a bound can be kept" 0 'with at most 1 early interrupt$' last
refuses "... but not be resumed with another one" "another check" check --interrupts 2 --resume state "$both"
refuses "... or with none" "another check" check --resume state "$both"
check --interrupts 1 --resume state "$both"
says "... only with the same" 0 'every interleaving explored, with at most 1 early interrupt$' last
for part in 1 2; do
    run check --json --interrupts 1 --shard $part/2 "$both"
    cp "$work/stdout" "$work/here/part$part"
done
run merge part1 part2
says "merged parts claim no more than they had" 0 'every interleaving explored, with at most 1 early interrupt$' stdout
run check --json --interrupts 0 --shard 2/2 "$both"
cp "$work/stdout" "$work/here/part2"
refuses "parts within other bounds do not fit together" "another check" merge part1 part2

printf 'driver "choices.sys"\nthread ("t", function (t)\n  t:fail_allocations (1)\nend)\n' >"$work/drivers/says.lua"
check "$work/drivers/says.lua"
says "allocations that the scenario lets fail are told" 0 'explored, with failing allocations as the scenario says$' last
refuses "early timers that are no number" "--timers" check --timers few "$both"
refuses "early interrupts below none" "--interrupts" check --interrupts -1 "$both"
refuses "run takes no bound" "--timers" run --timers 1 "$both"
done_testing
