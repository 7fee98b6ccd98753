#!/bin/sh
# What a report says, in the words and the layout that a driver engineer knows, and the same facts as JSON.
. tests/cli/support/tap.sh
samples=$build/samples

# has NAME PATTERN: a line of the report matches (extended regular expression).
has() {
    good=true
    grep -qE -- "$2" "$work/stdout" || { good=false; echo "# no line matches: $2"; }
    result $good "$1"
}

run check "$samples/004-remove-lock/completion-only.lua"
has "the bugcheck has its name and code" '^DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS \(ce\)$'
has "four arguments of sixteen digits" '^Arg4: [0-9a-f]{16}'
has "arguments are explained" '^Arg1: [0-9a-f]{16}, [A-Z]'
has "one line for grep" '^rule: execute-unloaded-image  culprit: lower!LowerDeviceControl\+0x[0-9a-f]+$'
has "the module" '^MODULE_NAME:  lower$'
has "the image" '^IMAGE_NAME:  lower\.sys$'
has "the bucket" '^FAILURE_BUCKET_ID:  0xCE_lower!LowerDeviceControl$'
has "the source line" '^FAULTING_SOURCE:  .*lower\.c @ [0-9]+$'
has "the thread" '^THREAD_NAME:  client \(processor [0-9]+, IRQL 0\)$'
has "stack columns as WinDbg prints them" '^Child-SP          RetAddr           Call Site$'
has "addresses with a backtick" '^[0-9a-f]{8}`[0-9a-f]{8} [0-9a-f]{8}`[0-9a-f]{8} <Unloaded_lower\.sys>\+0x'
has "kernel frames" ' nt!IofCallDriver\+0x'
has "an explanation below the name" '^A driver was unloaded while the system still held something of it'
has "the thread as !thread shows it" '^THREAD [0-9a-f]{16}  Cid [0-9a-f]{4}\.[0-9a-f]{4}  client  RUNNING on processor [0-9]+$'
has "the other thread and why it waits" '^THREAD [0-9a-f]{16}  Cid [0-9a-f]{4}\.[0-9a-f]{4}  pnp  WAIT: \(Executive\)$'
has "the object that it waits for, with its type" '^    fffff880[0-9a-f]{8}  NotificationEvent$'
has "where it started" '^    Start Address nt!RdScenarioThread$'
has "the same in words" '^    waiting for an event at stack of pnp'
has "the worker that unloads the driver above, in the driver's routine" '^THREAD .*  delayed worker  RUNNING on processor'
has "... with the kernel's frames on the driver's behalf" ' nt!IopInvokeUnload\+0x'
has "inlined functions as WinDbg shows them" '^\(Inline Function\) --------`-------- nt![A-Za-z]+ \[[a-z]+\.c @ [0-9]+\]$'
has "steps, switches and preemptions" '^This schedule has [0-9]+ steps and [0-9]+ switches of processors, [0-9]+ of them preemptions\.$'
has "unloaded modules" '^[0-9a-f`]{17} [0-9a-f`]{17}   lower\.sys$'
has "a column for each thread" '^   #  client +pnp +delayed worker$'
has "the verb of the scenario" 't:remove_device upper'
has "the completion routine" '-> upper-completion-only!'
has "the unload routine" 'DriverUnload -> lower!LowerUnload'
has "the end of the image" 'image lower\.sys unloaded'
has "the failing step" '\*\*\* executes lower!'
has "what was explored" '^explored: .*strategy dpor: [0-9]+ executions, [0-9]+ steps, [0-9]+ shared locations; first violation in execution [0-9]+$'
good=true
[ "$(sed -n '/^INTERLEAVING:/,/^failure file:/p' "$work/stdout" | grep -c '^ *[0-9][0-9]*  ')" -le 60 ] || good=false
result $good "at most sixty rows"
good=true
! grep -q "$(printf '\033')" "$work/stdout" || good=false
result $good "no colours in a pipe"
good=true
awk 'length($0) > 200 { bad = 1 } END { exit bad }' "$work/stdout" || good=false
result $good "no overlong lines"

run check "$samples/000-apc-unload/bounded-wait.lua"
has "the stall that the schedule assumes" '^This schedule assumes a stall: target runs no instruction for 10(\.[0-9]+)? s\.$'
has "the timer" 'timer expires at 10(\.[0-9]+)? s'
has "the APC routine" 'APC (kernel|rundown) routine ->'

run check --all "$samples/000-apc-unload/counter-wait-suspended.lua" -o "$work/here/hang.rdn"
has "a hang is called so" '^HANG$'
has "a hang has a rule" '^rule: hang  culprit: counter-wait!RemedyUnload'
has "who waits for whom" '^    (suspended|waiting) for '
has "a suspended thread says so" '^THREAD .*  target  WAIT: \(Suspended\)$'
has "the bucket of a hang" '^FAILURE_BUCKET_ID:  HANG_counter-wait!RemedyUnload$'

run check --json "$samples/000-apc-unload/counter-wait.lua"
for key in '"verdict": "violation"' '"rule": "execute-unloaded-image"' '"code": "0xce"' '"image": "counter-wait.sys"' \
    '"thread": "target"' '"bucket": "0xCE_counter-wait!RemedyRundownRoutine"' \
    '"notes": \[\]' '"start": "nt!RdScenarioThread"' '"cid": "[0-9a-f]{4}\.[0-9a-f]{4}"' '"wait_type": "' '"preemptions": [0-9]' \
    '"explanation": "' '"interleaving": \[' '"failure_file": "counter-wait.rdn"' '"strategy": "dpor"'; do
    has "JSON: $key" "$key"
done
rm -f "$work/here"/*.rdn

run check --all --executions 3000 "$samples/004-remove-lock/completion-only.lua" -o "$work/here/all.rdn"
good=true
[ $status -eq 1 ] && [ -f "$work/here/all.rdn" ] || good=false
reports=$(grep -c '^rule: ' "$work/stdout")
files=$(ls "$work/here" | grep -c '^all.*\.rdn$')
[ "$reports" -eq "$files" ] && [ "$reports" -ge 1 ] || good=false
[ $good = true ] || explain check --all
result $good "--all gives a report and a failure file for each distinct violation"
for file in "$work/here"/all*.rdn; do
    run replay "$file"
    good=true
    [ $status -eq 1 ] && grep -q '^reproduced' "$work/stdout" || good=false
    [ $good = true ] || explain replay "$file"
    result $good "$(basename "$file") of --all is reproduced"
done

for strategy in dpor bounded pct; do
    run check --strategy $strategy --executions 2000 --seed 7 "$samples/004-remove-lock/completion-only.lua"
    good=true
    [ $status -eq 1 ] && grep -q '^rule: execute-unloaded-image  culprit: lower!' "$work/stdout" || good=false
    [ $good = true ] || explain check --strategy $strategy
    result $good "strategy $strategy finds the bug"
done

run check --strategy random --executions 50 --seed 7 "$samples/004-remove-lock/acquire-twice.lua"
good=true
[ $status -eq 0 ] && tail -n 1 "$work/stdout" | grep -q '^no violation in 50 executions: .*seed 7' || good=false
! tail -n 1 "$work/stdout" | grep -q 'every interleaving' || good=false
[ $good = true ] || explain check random
result $good "sampling claims no more than a sample"
done_testing
