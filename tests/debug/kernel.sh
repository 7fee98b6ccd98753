#!/bin/sh
# The debugger's kernel commands, each by what it must say of a driver that has one of everything (drivers/objects.c) and of one
# that has damaged what the commands walk (drivers/hostile.c).
. "${0%/*}/../cli/support/tap.sh"
drivers=$build/tests/debug/drivers
n='[0-9a-f]\{16\}'

prepare() { # scenario
    failure=$work/$(basename "$1" .lua).rdn
    timeout 300 "$RUNDOWN" check -o "$failure" "$1" >"$work/report" 2>&1
    [ -f "$failure" ] || { echo "# no failure: $(tail -n 1 "$work/report")"; echo "Bail out! $1"; exit 1; }
}
# says NAME COMMANDS PATTERN...: each pattern stands in the answer, in this order; the debugger ends with status 0.
says() {
    name=$1 commands=$2
    shift 2
    timeout 300 "$RUNDOWN" debug "$failure" -c ".echo =====; $commands" >"$work/all" 2>&1
    status=$?
    sed '1,/^=====$/d' "$work/all" >"$work/answer"
    cp "$work/answer" "$work/rest"
    good=true
    [ $status -eq 0 ] || { good=false; echo "# exit status $status"; }
    for pattern in "$@"; do
        if ! grep -q -- "$pattern" "$work/rest"; then
            echo "# '$pattern' is not in the answer to '$commands'"
            sed 's/^/#   /' "$work/answer" | head -n 40
            good=false
            break
        fi
        sed -i "0,/$(printf '%s' "$pattern" | sed 's,/,\\/,g')/d" "$work/rest"
    done
    result $good "$name"
}
# refused NAME COMMAND PATTERN: the command is answered by this one line.
refused() {
    timeout 300 "$RUNDOWN" debug "$failure" -c ".echo =====; $2" 2>&1 | sed '1,/^=====$/d' | grep -v '^[0-9a-f]*: kd> ' >"$work/answer"
    if [ "$(wc -l <"$work/answer")" -eq 1 ] && grep -q -- "$3" "$work/answer"; then
        result true "$1"
    else
        echo "# '$2' is answered by:"
        sed 's/^/#   /' "$work/answer" | head -n 20
        result false "$1"
    fi
}

prepare "$drivers/objects.lua"
says '!remlock counts the holders and shows the tags that the verifier knows' '!remlock objects!Lock' \
    'Removed              : FALSE' 'IoCount              : 2 (1 acquired)' "Acquired with Tag: $n"
says '!locks shows who owns a resource' '!locks' "Resource @ 0x$n    Exclusively owned" "Threads: $n-01<\*>" '1 locks currently held'
says '!locks takes the address of one resource' '!locks objects!Resource' 'Exclusively owned'
says '!timer shows when a timer is due and whose DPC it queues' '!timer' '10.0000000 *250 *objects!TimerRoutine' 'Total Timers: 1'
says '!dpcs says that none is queued' '!dpcs' 'No DPCs are queued'
says '!apc shows what a guarded region holds back' '!apc' 'Enumerating APCs in all processes' "^Process $n client" \
    "^    Thread $n ApcStateIndex 0 ApcListHead $n \[KERNEL\]" "^        KAPC @ $n" '^          Type           12' \
    "^          KernelRoutine  $n objects!ApcKernelRoutine+0"
says '!apc takes the address of an APC' '!apc objects!Apc' 'KAPC @' 'objects!ApcKernelRoutine'
says '!irp shows the stack locations and marks the current one' '!irp poi(objects!Irp)' 'Irp is active with 2 stacks 2 is current' \
    'cmd  flg cl Device   File     Completion-Context' '^ \[IRP_MJ_CREATE(0), 0\]' "^>\[IRP_MJ_READ(3), 0\]   0 41 $n .* Success pending" \
    '.Driver.objects	objects!Completion' 'Args: 00000055'
says '!irp ADDRESS 1 adds the other fields' '!irp poi(objects!Irp) 1' 'IoStatus.Status = 00000000' 'CancelRoutine = 0000000000000000'
says '!pool tells who allocated and who freed a block' '!pool poi(objects!FreedBlock) 2' '^\*.* size:   18  (Free) \*Free' \
    'Allocated on processor . by objects!Stop+0x' 'Freed on processor . by objects!Stop+0x' 'objects.sys (verified)'
says '!verifier 80 finds the block that holds an address' '!verifier 80 poi(objects!FreedBlock)+8' 'Log of recent kernel pool' \
    'freed on processor' 'objects!Stop' 'allocated on processor' 'objects!Stop'
says '!devobj takes a name' '!devobj Objects' "^Device object ($n) is for:" "^ Objects .Driver.objects DriverObject $n" \
    'RefCount 1 Type 00000022 Flags 00000040' 'DO_DEVICE_HAS_NAME'
says '!devstack of a device that stands alone' '!devstack \Device\Objects' "^> $n  .Driver.objects *$n  Objects"
says '!drvobj 3 lists devices and dispatch routines' '!drvobj objects 3' '^ .Driver.objects' 'Device Object list:' "^$n" \
    'DriverEntry: .*objects!DriverEntry' 'Dispatch routines:' '^\[00\] IRP_MJ_CREATE .*objects!Success' \
    '^\[0e\] IRP_MJ_DEVICE_CONTROL .*objects!Stop'
says '!object follows symbolic links and lists directories' '!object \DosDevices\Objects; !object \Device' 'SymbolicLink' \
    "Target String is '.Device.Objects'" "    $n  Device          Objects"
says '!thread lists the IRPs that the thread waits for' '!thread -1 6' "^THREAD $n .*RUNNING on processor" '^IRP List:' \
    "^    $n: (0006,[0-9a-f]*) Flags: 0" '^APCs disabled  *KernelApcDisable -[12]  SpecialApcDisable -1' 'objects!Stop+0x'
says '!thread with flag 2 alone leaves the stack out' '!thread -1 2; .echo end' '^Priority' '^5: kd> .echo end'
says '!process 0 0 lists all processes' '!process 0 0' 'NT ACTIVE PROCESS DUMP' 'Image: System' 'Image: client'
says '!process of the context, with threads and stacks' '!process -1 7' 'Image: client' "THREAD $n" 'objects!Stop+0x'
says '!stacks has one line a thread' '!stacks' '^Proc.Thread' 'System\]' 'Blocked *nt!ExpWorkerThread' 'client\]' 'RUNNING *nt!KeBugCheckEx'
says '!running shows the processor and its thread' '!running' 'System Processors:' "^   [0-9a-f]   $n  $n ( 8)"
says '!irql names the level' '!irql' 'Debugger saved IRQL for processor 0x[0-9a-f]* -- 0 (LOW_LEVEL)'
says '!verifier names every option that is on' '!verifier' 'Verify Level 81b' 'Special pool' 'Special irql' \
    'All pool allocations checked on unload' 'Io subsystem checking enabled' 'Miscellaneous checks enabled' 'Summary of All Verifier Statistics'
says '!verifier 1 lists the verified drivers' '!verifier 1' 'Driver Verification List' "^$n  Loaded  *00000000  *00000000  *objects.sys"
says '!verifier 200 THREAD shows that thread alone' '!verifier 200 @$thread' 'Displaying the log entries of thread' "Thread $n" \
    'nt!VerifierKeEnterCriticalRegion' 'objects!Stop'
says '!verifier 200 says when a thread is not in the log' '!verifier 200 1' 'The thread is not in the log'
refused '!verifier 100 without IRP logging' '!verifier 100' '^No IRP log: IRP logging (0x400) is not enabled'
says '!analyze -v names a bugcheck that nobody knows' '!analyze -v' 'BUGCHECK_E2 (e2)' "Arg1: $n" 'PROCESS_NAME:  client' \
    'STACK_TEXT:' 'objects!Stop' 'SYMBOL_NAME:  objects!Stop+0x' 'IMAGE_NAME:  objects.sys'
says '!analyze in short' '!analyze' 'BugCheck E2, {' 'Probably caused by : objects.sys ( objects!Stop+0x'
says '!analyze -show explains a code' '!analyze -show 139 3' 'KERNEL_SECURITY_CHECK_FAILURE (139)' 'Arg1: 0000000000000003'
says '!analyze waits for the violation' 'g-; !analyze -v' 'The system has not stopped yet'
says 'dt shows a driver its own structure' 'dt objects!_EXTENSION' '+0x000 Magic            : Uint4B' '+0x004 Small            : Int2B' \
    '+0x006 Low              : Pos 0, 3 Bits' '+0x006 High             : Pos 3, 5 Bits' '+0x008 Links            : _LIST_ENTRY' \
    '+0x028 Colour           : ' '+0x02c Name             : \[8\] Char'
says 'dt shows what is in it' 'dt objects!EXTENSION poi(poi(objects!Device)+40)' 'Magic            : 0x12345678' 'Small            : 0n-2' \
    'Low              : 0y101' 'High             : 0y10001' 'Text             : _UNICODE_STRING "a text"' \
    'Colour           : 2 ( GREEN )' 'Name             : \[8\] Char  "objects"'
says 'dt takes one field, or a path' 'dt nt!_ETHREAD Tcb.ApcState.ApcListHead[0] @$thread; dt nt!_KTHREAD SpecialApcDisable @$thread' \
    "Tcb.ApcState.ApcListHead\[0\] : _LIST_ENTRY \[ 0x$n - 0x$n \]" 'SpecialApcDisable : 0n-1'
says 'dt of a variable knows its type and place' 'dt objects!Timer' 'Header           : _DISPATCHER_HEADER' 'Period           : 0xfa'
says 'dt lists types' 'dt nt!_KWAIT*' 'nt!_KWAIT_BLOCK'
says 'dt -r descends' 'dt -r1 nt!_KAPC_STATE' '+0x000 ApcListHead      : \[2\] _LIST_ENTRY' '+0x020 Process '
refused 'dt of nothing known' 'dt objects!_NOTHING' '^Symbol _NOTHING not found'
refused 'dt of an image without debug information' 'dt hal!_X' 'not found\|no DWARF'
refused '!fltkd without a filter manager' '!fltkd.volumes' '^The filter manager is not loaded'

prepare "$drivers/hostile.lua"
says 'a device stack that is a circle is left' '!devstack poi(hostile!First)' 'runs in a circle' '!DevObj' "^> $n"
says 'a list of devices that is a circle is left' '!drvobj poi(poi(hostile!First)+8)' 'Device Object list:' "^$n  $n  (runs in a circle at $n)"
says 'pointers to nowhere are said' '!devobj poi(hostile!Wild); !devstack poi(hostile!Wild)' 'DriverObject 0123456789abcdef' \
    'its DEVOBJ_EXTENSION is not readable' 'is not readable)'
says 'a list that does not come back is cut' '!timer' 'is damaged behind' 'Total Timers: 1'
refused 'an IRP whose size cannot be is none' '!irp poi(hostile!Irp)' 'probably not an IRP'
for command in '!irp' '!devobj' '!devstack' '!drvobj' '!object' '!remlock' '!locks' '!pool' '!apc' '!thread'; do
    for address in 1 7fffffffffff 8000000000000000 fffff80003f00000 ffffffffffffffff; do
        [ "$command" = '!thread' ] && [ $address = ffffffffffffffff ] && continue
        refused "$command $address" "$command $address" 'nable to read\|is not\|Not a valid\|is neither\|probably not'
    done
done
for command in '!irp' '!devobj' '!drvobj' '!remlock' '!pool' 'dt' '!analyze -show'; do
    refused "$command alone asks for its operand" "$command" 'which\|Which'
done

prepare "$build/samples/000-apc-unload/bounded-wait.lua"
says 'an APC routine in an unloaded image is named' '!analyze -v' 'DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS (ce)' \
    'MODULE_NAME:  bounded-wait'

prepare "$drivers/queued.lua"
says '!dpcs lists the queued DPCs of each processor, first queued first' '!dpcs' '^CPU Type      KDPC       Function' \
    "^ 5: Normal  : 0x$n 0x$n queued!Routine" "^ 5: Normal  : 0x$n 0x$n queued!Routine"
says '... by the addresses that the driver gave' '? queued!First; ? queued!Second; !dpcs' 'Evaluate expression' 'Evaluate expression' 'queued!Routine'
first=$(sed -n '/^[0-9a-f]*: kd> ? queued!First/{n;s/.* = //;s/`//;p;}' "$work/answer")
second=$(sed -n '/^[0-9a-f]*: kd> ? queued!Second/{n;s/.* = //;s/`//;p;}' "$work/answer")
says '... in that order' '!dpcs' "Normal  : 0x$first " "Normal  : 0x$second "
says '!verifier 100 shows each device its IRPs, with the sender' '!verifier 100' '^IRP log:' 'up to 0x14 entries in the log of each device' \
    "^IRP $n IRP_MJ_DEVICE_CONTROL.0 to device $n" "^Thread $n" "^$n nt!IopSendRequest+0x" "^IRP $n IRP_MJ_CREATE.0 to device" \
    "^IRP $n IRP_MJ_DEVICE_CONTROL.0 to device $n" "^$n queued!Control+0x"
irp=$(grep -o "^IRP $n IRP_MJ_CREATE" "$work/answer" | grep -o "$n")
says '!verifier 100 IRP shows that one alone' "!verifier 100 $irp; .echo end" "^IRP $irp IRP_MJ_CREATE" '^end'
good=true
[ -n "$irp" ] && [ "$(grep -c "^IRP $n" "$work/answer")" -eq 1 ] || good=false
result $good '... and no other'
# Each nonvolatile register has a number of its own at the call; the callees have overwritten all but rbp.
says '.frame /r shows the nonvolatile registers as they were at the call' 'r; .frame /r 2; r rbx; ? @r15; .frame /r 0' \
    ' rbx=0\{16\} ' ' rsi=0\{16\} rdi=0\{16\}$' 'r12=0\{16\} r13=0\{16\}$' 'r14=0\{16\} r15=0\{16\}$' \
    '^02 .* queued!WithKnownRegisters+0x' ' rbx=1\{16\} ' ' rsi=3\{16\} rdi=4\{16\}$' ' rbp=2\{16\}$' 'r12=5\{16\} r13=6\{16\}$' \
    'r14=7\{16\} r15=8\{16\}$' '^queued!WithKnownRegisters+0x' '^rbx=1\{16\}$' '= 88888888`88888888$' '^00 ' ' rbx=0\{16\} '
says '... and a frame further out has what its own callee saved' '.frame /r 3; ? @rbx == queued!First' '^03 .* queued!Control+0x' '= 00000000`00000001$'
says '!irql at DISPATCH_LEVEL' '!irql' '2 (DISPATCH_LEVEL)'
says 'du shows wide text, da narrow text' 'du queued!Wide; da queued!Narrow' '  "wide text"$' '  "narrow text"$'
says 'dp shows pointers, dqs their names' 'dp queued!Pointers l2; dqs queued!Pointers l2' '^[0-9a-f`]*  [0-9a-f`]\{17\} [0-9a-f`]\{17\}$' \
    ' queued!Narrow$' ' queued!DriverEntry$'
says 'qd ends the session as q does' '.echo before; qd; .echo behind' '^before$'
good=true
! grep -q '^behind$' "$work/answer" || good=false
result $good '... and nothing runs behind it'

# Seed 002's two screens: the request in its thread's list, and its special kernel APC that a fast mutex holds back.
prepare "$build/samples/002-threaded-irp/fast-mutex.lua"
says 'before the mutex is released, the APC of the request is queued and the request is in its thread'"'"'s list' \
    'bp nt!ExReleaseFastMutex; g-; .echo now; !apc; !thread -1 2' '^now' '^\*\*\* Enumerating APCs in all processes' "^Process $n" \
    "^    Thread $n ApcStateIndex 0 ApcListHead $n \[KERNEL\]" "^        KAPC @ $n" '^          Type           12' \
    "^          KernelRoutine  $n nt!IopCompleteRequest+0" "^          RundownRoutine $n nt!IopAbortRequest+0" \
    "^THREAD $n " '^IRP List:' "^    $n: (0006,"
says 'behind the end of the frame, the driver that built the request is named' '!analyze -v' 'DRIVER_INVALID_STACK_ACCESS (dc)' \
    'MODULE_NAME:  upper-fast-mutex'
prepare "$build/samples/001-load-unload/register-first.lua"
says 'the two threads of a load that meets an unload both show' '!stacks; !process 0 6' 'nt!' 'register-first!'
sed 's/win7/win8/' "$drivers/objects.lua" >"$work/objects-win8.lua"
cp "$drivers/objects.sys" "$work/"
prepare "$work/objects-win8.lua"
says '!verifier from Windows 8 on' '!verifier 1' '^Verify Flags Level 0x0000081b' '  STANDARD FLAGS:' '\[X\] (0x00000000) Automatic Checks' \
    '\[X\] (0x00000001) Special pool' '\[ \] (0x00000020) Deadlock detection' 'ADDITIONAL FLAGS:' '\[ \] (0x00000400) IRP logging' \
    '\[X\] Indicates flag is enabled' "^MODULE: 0x$n objects.sys (Loaded)" 'Current Pool Allocations:   ( 0x00000000 / 0x00000000 )'
done_testing
