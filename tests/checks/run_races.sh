#!/bin/sh
# What a report says of a race: between which events, on which object, what is waited for and what would order them. By content; of
# drivers that differ in nothing else (races/), of the samples, and of failures that are no race.
#   run_races.sh RUNDOWN RACES_FOLDER SAMPLES_FOLDER
set -u
rundown=$1 races=$2 samples=$3
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
count=0 bad=0
result() { # true or false, name
    count=$((count + 1))
    if [ "$1" = true ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; bad=1; fi
}
# The paragraph of a report on one line, without source places.
paragraph() { sed -n '/^RACE:/,/^$/p' "$1" | sed 1d | tr '\n' ' ' | sed 's/ \[[^]]*\]//g; s/  *$//'; }
check() { # scenario, options...
    scenario=$1
    shift
    command="$rundown check --jobs 1 $* -o $work/failure.rdn $scenario"
    $command >"$work/report" 2>&1 </dev/null
    text=$(paragraph "$work/report")
}
# says NAME PATTERN...: the paragraph has all of them (extended regular expressions).
says() {
    name=$1 good=true
    shift
    for pattern; do
        printf '%s\n' "$text" | grep -qE -- "$pattern" || { good=false; echo "# missing: $pattern"; }
    done
    [ $good = true ] || { echo "# $text"; echo "# again: $command"; }
    result $good "$name"
}
says_nothing() { # name
    good=true
    [ -z "$text" ] && grep -q '^rule: ' "$work/report" || { good=false; echo "# $text"; echo "# again: $command"; }
    result $good "$1"
}

# --- one driver, several ways of waiting ---
out='so from outside of it: when nt!PspSystemThreadStartup has got back from [a-z]*!Thread\.$'
check "$races/event.lua"
says "an event set too early" 'delayed worker unloads event\.sys when event!CheckDriverUnload has returned, and thread [0-9a-f]+ executes event!Thread' \
    'waits for an event at event!Finished \(KeWaitForSingleObject, called at event!Wait\+0x[0-9a-f]+\) until thread [0-9a-f]+.s KeSetEvent, called at event!Leave' \
    'that KeSetEvent of thread [0-9a-f]+ would have to come behind its last instruction in event\.sys' "$out"
check "$races/semaphore.lua"
says "a semaphore released too early" 'waits for a semaphore at semaphore!Finished .*KeReleaseSemaphore, called at semaphore!Leave' "$out"
check "$races/rundown.lua"
says "rundown protection released too early" 'waits for a rundown reference at rundown!Rundown \(ExWaitForRundownProtectionRelease, called at rundown!Wait.*ExReleaseRundownProtection, called at rundown!Leave' "$out"
check "$races/polled.lua"
says "a flag set too early, and where it is read" 'goes on \(read of polled!Finished at polled!Wait.*\) only behind thread [0-9a-f]+.s write to polled!Finished at polled!Leave' "$out"
check "$races/timed.lua"
says "a wait that ended by its timeout, and the signal that came too late for it" 'Nothing that thread [0-9a-f]+ does on its way there is waited for' \
    'wait of delayed worker for an event at timed!Finished \(KeWaitForSingleObject, called at timed!Wait.*\) ended because its time was over' \
    'signals it later, by KeSetEvent, called at timed!Leave' 'would have to wait, without a time limit'
check "$races/delay.lua"
says "a delay" 'lets time pass \(KeDelayExecutionThread, called at delay!Wait.*\), which orders nothing' 'would have to wait, without a time limit'
check "$races/unwaited.lua"
says "no wait at all" 'Nothing that thread [0-9a-f]+ does on its way there is waited for by delayed worker\. To order them'
check "$races/block.lua"
says "a block: who freed it, who uses it, who allocated it" "client frees pool block [0-9a-f]+ 'Chek' \\(allocated at block!CheckBody" \
    'block!GiveUp.*, and thread [0-9a-f]+ reads there at block!Use' 'behind its last access to the block\.$'
check "$races/pointer.lua"
says "a pointer read before it is written" 'client writes pointer!Current at pointer!Publish.*, and thread [0-9a-f]+ reads it at pointer!Use.* before that has come' \
    'thread [0-9a-f]+ would have to wait for something that client does behind its write\.$'
check "$races/taken_back.lua"
says "a pointer read when it has been taken back" 'client writes taken_back!Current at taken_back!TakeBack.*reads it at taken_back!Use.* when that has come' \
    'client would have to wait for something that thread [0-9a-f]+ does behind its last use of what it read\.$'
check "$races/one_order.lua"
says_nothing "two threads whose order is always the same: no race"

# --- the samples ---
check "$samples/000-apc-unload/bounded-wait.lua"
says "000: the unload routine's wait ends by its timeout" 'bounded-wait!ApcUnload has returned, and target executes bounded-wait!Remedy' \
    'an event at bounded-wait!NoneOutstanding \(KeWaitForSingleObject, called at bounded-wait!RemedyUnload.*its time was over' 'target signals it later, by KeSetEvent'
check "$samples/000-apc-unload/counter-wait.lua"
says "000: the counter goes down before the routine has returned" 'goes on \(read of counter-wait!Outstanding at counter-wait!RemedyUnload' \
    "target's write to counter-wait!Outstanding at counter-wait!RemedyRundownRoutine" 'when nt!KeRundownApcQueues has got back from'
check "$samples/000-apc-unload/device-ref-call.lua"
says "000: the reference is dropped before the routine has returned" "cannot get there before target's ObfDereferenceObject, called at device-ref-call!Remedy" \
    'from outside of it: when nt!Ki?[A-Za-z]+ has got back from device-ref-call!Remedy'
check "$samples/001-load-unload/register-first.lua"
says "001: the queue is stopped before it knows its thread" 'delayed worker [0-9a-f]+ writes register-first!ReadQueue\+0x20 at register-first!SetupReadWorkQueue' \
    'delayed worker [0-9a-f]+ reads it at register-first!StopWorkerQueues.* before that has come'
check "$samples/001-load-unload/event-and-delay.lua"
says "001: DriverEntry's event comes before its return, and a delay orders nothing" 'KeWaitForSingleObject, called at event-and-delay!BeforeUnload.*KeSetEvent, called at event-and-delay!DriverEntry' \
    'lets time pass \(KeDelayExecutionThread, called at event-and-delay!BeforeUnload' 'when nt!IopLoadDriver has got back from event-and-delay!DriverEntry'
check "$samples/004-remove-lock/completion-only.lua"
says "004: the remove lock is released under the lower driver's routine" 'unloads lower\.sys when lower!LowerUnload has returned, and client executes lower!' \
    "waits for a remove lock at .*\\(IoReleaseRemoveLockAndWaitEx, called at lower!LowerPnp.*client's IoReleaseRemoveLockEx, called at lower!" \
    'when nt!IofCallDriver has got back from lower!LowerDeviceControl\.$'
same=$text
check "$samples/002-threaded-irp/fast-mutex.lua"
says_nothing "002: one thread alone: no race"
check "$samples/002-threaded-irp/fast-mutex-pends.lua"
says_nothing "002: a hang is no race"
check "$samples/003-critical-region/dispatch.lua"
says_nothing "003: a region that nobody left is no race"

# --- the same whatever the names, and wherever it is printed ---
mkdir "$work/renamed"
for f in "$samples"/004-remove-lock/*.sys; do cp "$f" "$work/renamed/x$(basename "$f")"; done
sed -e 's/"\(lower\|upper-[a-z-]*\)\(\.sys\)\{0,1\}"/"x\1\2"/g' "$samples/004-remove-lock/completion-only.lua" >"$work/renamed/s.lua"
check "$work/renamed/s.lua"
good=true
[ "$(printf '%s\n' "$text" | sed 's/xlower/lower/g; s/xupper/upper/g')" = "$same" ] || { good=false; printf '# %s\n' "$same" "$text"; }
result $good "renamed drivers: the same but for the names"
for place in "$samples/004-remove-lock/completion-only" "$samples/001-load-unload/register-first" "$races/timed" "$races/block"; do
    check "$place.lua"
    sed -n '/^RACE:/,/^$/p' "$work/report" | sed '1d' >"$work/first"
    "$rundown" replay "$work/failure.rdn" </dev/null | sed -n '/^RACE:/,/^$/p' | sed '1d' >"$work/second"
    "$rundown" debug "$work/failure.rdn" -c 'g-; g; !analyze -v; q' </dev/null | sed -n '/^RACE:/,/^$/p' | sed '1d' >"$work/third"
    good=false
    [ -s "$work/first" ] && cmp "$work/first" "$work/second" && cmp "$work/first" "$work/third" && good=true
    result $good "$(basename "$place"): replay and the debugger say the same, byte for byte"
done
check "$races/timed.lua" --json
good=true
for line in '"object": "image"' '"reason": "only time was waited for"' '"function": "Wait"' '"calls": "nt!KeWaitForSingleObject"' '"function": "Leave"'; do
    sed -n '/^ "race": {/,/^ }/p' "$work/report" | grep -qF "$line" || { good=false; echo "# missing: $line"; }
done
result $good "as JSON: object, reason and places"
check "$races/one_order.lua" --json
good=true
! grep -q '"race"' "$work/report" || good=false
result $good "as JSON: no race, no key"
echo "1..$count"
exit $bad
