#!/bin/sh
# Wrong usage is one line and exit status 2; help and lists go to standard output.
. tests/cli/support/tap.sh

refuses "no command" "no command given"
refuses "an unknown command is named" '"frobnicate"' frobnicate
refuses "an unknown option is named" "--frob" check --frob
refuses "an option of another command is unknown" "--seed" replay --seed 1 x.rdn
refuses "an option without its value" "needs a value" check --seed
refuses "a number that is none" '"x"' check --executions x
refuses "a number with a tail" '"5x"' check --executions 5x
refuses "a negative number" '"-1"' check --executions -1
refuses "a number out of range" "from 1 to 31" check --cpus 99
refuses "no time" "--time" check --time 0
refuses "a time that is none" "--time" check --time nan
refuses "an unknown system" "win10" check --os win95
refuses "an unknown strategy names those that there are" "dpor" check --strategy magic
refuses "a bound for a strategy that has none" "belongs to strategy bounded" check --strategy dpor --preemptions 2
refuses "a bound that is no number" "--preemptions" check --preemptions few
refuses "no jobs" "from 1 to 256" check --jobs 0
refuses "a verifier option that is known and not there is named" "deadlock detection" check --verifier 0x20
refuses "... by name too" "low resources simulation" check --verifier io,low-resources
refuses "a verifier option that nobody knows" '"frob"' check --verifier frob
refuses "verifier options that are no number" '"0x8z"' check --verifier 0x8z
refuses "nothing to check" "nothing to run" check
refuses "nothing to run" "nothing to run" run
refuses "nothing to replay" "expected one failure file" replay
refuses "two failures to replay" "got 2" replay a.rdn b.rdn
refuses "an unknown list" "expected one of" list colours
refuses "no list" "expected one of" list

for words in "--help" "--version" "check --help" "run --help" "replay -h" "list --help" "list checks" "list strategies" \
    "list verbs" "list exports"; do
    run $words
    good=true
    [ $status -eq 0 ] && [ -s "$work/stdout" ] && [ ! -s "$work/stderr" ] || good=false
    [ $good = true ] || explain $words
    result $good "rundown $words"
done

run list verbs
good=true
for verb in open close read write ioctl flush query load unload suspend resume terminate alert queue_apc delay start_device \
    query_remove cancel_remove remove_device surprise_remove power query_power query_capabilities wait cancel fail_allocations expect; do
    grep -q "^t:$verb(" "$work/stdout" || { good=false; echo "# no verb $verb"; }
done
result $good "every verb of the manual is listed"

run list exports
good=true
for export in KeSetEvent IofCallDriver IoCreateDevice ExAllocatePoolWithTag; do
    grep -q "^$export " "$work/stdout" || { good=false; echo "# no export $export"; }
done
result $good "well-known exports are listed with their IRQL"

"$RUNDOWN" list verbs >/dev/full 2>"$work/stderr"
status=$?
good=true
[ $status -eq 2 ] && [ "$(wc -l <"$work/stderr")" -eq 1 ] || good=false
result $good "a full disk behind standard output is told"
done_testing
