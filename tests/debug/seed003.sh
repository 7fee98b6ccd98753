#!/bin/sh
# The session of seed 003 ("Leaving the do-not-disturb sign on the door"), line by line: the same findings whatever the drivers are
# called, whoever compiled them and wherever they are loaded. Addresses are taken from what the debugger says, as a person would.
. "${0%/*}/../cli/support/tap.sh"
samples=$build/samples/003-critical-region
clang=$build/tests/debug/clang
number='[0-9a-f]\{16\}'

# ask COMMAND: what the debugger answers, without the greeting, in $work/out.
ask() {
    timeout 300 "$RUNDOWN" debug "$failure" -c ".echo =====; $1" 2>&1 | sed '1,/^=====$/d' >"$work/answer"
    cp "$work/answer" "$work/out"
}
# finds PATTERN...: each stands in the answer, in this order.
finds() {
    for pattern in "$@"; do
        if ! grep -q -- "$pattern" "$work/out"; then
            problem="$problem# $label: '$pattern' is not in the answer to '$question'
$(sed 's/^/#   /' "$work/answer" | head -n 40)
"
            return
        fi
        sed -i "0,/$(printf '%s' "$pattern" | sed 's,/,\\/,g')/d" "$work/out"
    done
}
question() {
    question=$1
    ask "$1"
    shift
    finds "$@"
}
# take REGEX: what it matches first in the answer to the last question asked again.
take() {
    ask "$question"
    grep -o -- "$1" "$work/out" | head -n 1
}
concluded() {
    [ -z "$problem" ] || printf '%s' "$problem"
    if [ -z "$problem" ]; then result true "$1"; else result false "$1"; fi
    problem=
}
# prepare LABEL VARIANT FOLDER RENAMES OPTIONS: a failure of the scenario with the drivers of that folder, renamed by a sed script.
prepare() {
    label="$1 $2"
    here=$work/$(printf '%s' "$label" | tr ' ' -)
    mkdir -p "$here"
    for image in "$3"/*.sys; do
        cp "$image" "$here/$(basename "$image" | sed "$4")"
    done
    sed "$4" "$samples/$2.lua" >"$here/$2.lua"
    failure=$here/failure.rdn
    # shellcheck disable=SC2086
    timeout 300 "$RUNDOWN" check $5 -o "$failure" "$here/$2.lua" >"$here/report" 2>&1
    [ -f "$failure" ] || problem="$problem# $label: no failure: $(tail -n 1 "$here/report")
"
}

# The second dump: 0x20 with the log. $1 the server's module, $2 the filter's.
thread_exit() {
    question '!analyze -v' 'KERNEL_APC_PENDING_DURING_EXIT (20)' 'Arg1: 0000000000000000, The address of the APC found pending' \
        "Arg2: 000000000000ffff, The thread's APC disable count" 'Arg3: 0000000000000000, The current IRQL' 'Arg4: 0000000000000001' \
        'nt!KeBugCheckEx' "SYMBOL_NAME:  $2!FilterLookUp" "MODULE_NAME:  $2" "IMAGE_NAME:  $2.sys" \
        "FAILURE_BUCKET_ID:  0x20_.*$2!FilterLookUp"
    question '!thread -1 e' "^THREAD $number  Cid [0-9a-f]*\.[0-9a-f]*  Teb: 0000000000000000 Win32Thread: 0000000000000000 RUNNING on processor" \
        '^Not impersonating' "^Owning Process            $number       Image:         System" \
        '^Attached Process          N/A            Image:         N/A' '^Context Switch Count  .*IdealProcessor: ' \
        "^Win32 Start Address $1!ServerWorkerThread" "^Stack Init $number Current $number" "^Base $number Limit $number Call" \
        '^Priority [0-9]* BasePriority [0-9]* UnusualBoost 0 ForegroundBoost 0' 'Child-SP          RetAddr           Call Site' \
        'nt!KeBugCheckEx' 'nt!PspExitThread' 'nt!PsTerminateSystemThread' "$1!ServerWorkerThread" 'nt!PspSystemThreadStartup'
    thread=$(take "^THREAD $number" | cut -d' ' -f2)
    question '!verifier' 'Verify Level 800 ... enabled options are:' '      Miscellaneous checks enabled'
    question "!verifier 200" 'Enter/Leave Critical Region log:' 'There are up to 0x80 entries in the log.' \
        'Displaying all the log entries.' '^====*$' "^Thread $thread" "^$number nt!VerifierKeEnterCriticalRegion+0x" \
        "^$number $2!FilterLookUp+0x"
    question "dt nt!_KTHREAD KernelApcDisable $thread" '+0x1c4 KernelApcDisable : 0n-1'
    concluded "$label: !analyze, !thread -1 e, !verifier and the log lead from the exiting thread to the call"
}

# The count was changed by inlined code: the log is empty, as in the seed's third dump, and !analyze still names the driver.
inlined() {
    question '!verifier 200' 'Enter/Leave Critical Region log:' 'The log is empty.'
    question '!analyze -v' 'KERNEL_APC_PENDING_DURING_EXIT (20)' "MODULE_NAME:  $1"
    concluded "$label: with an empty log the change itself names the driver"
}

# The last dump: 0xC4/0xC5. $1 the dispatch routine that is called, $2 the driver object of its device.
dispatch() {
    question '!verifier' 'Verify Level 810 ... enabled options are:' '      Io subsystem checking enabled' '      Miscellaneous checks enabled'
    question '!analyze -v' 'DRIVER_VERIFIER_DETECTED_VIOLATION (c4)' \
        'Arg1: 00000000000000c5, Thread APC disable count changed by driver dispatch routine.' \
        "Arg2: $number, Driver dispatch routine address." 'Arg3: 000000000000ffff, Current thread APC disable count.' \
        'Arg4: 0000000000000000, Thread APC disable count before calling driver dispatch routine.' "MODULE_NAME:  $3"
    routine=$(take "^Arg2: $number" | cut -d' ' -f2)
    question '.bugcheck' 'Bugcheck code 000000C4' 'Arguments 00000000`000000c5'
    question 'kn' '^ # Child-SP          RetAddr           Call Site' '^00 .*nt!KeBugCheckEx' '^01 .*nt!VfBugCheckNoStackUsage' \
        '^02 .*nt!VfAfterCallDriver' '^03 .*nt!IovCallDriver'
    question "ln $routine" "$1" 'Exact match'
    question '.frame /r 2' '^02 .*nt!VfAfterCallDriver' '^rax=' '^rip=' '^iopl=0' '^nt!VfAfterCallDriver+0x'
    # rcx is saved in a register that calls preserve: which one, the code says.
    question 'u nt!VfAfterCallDriver l10' '^nt!VfAfterCallDriver:' 'mov     r[a-z0-9]*,rcx'
    register=$(take 'mov     r[a-z0-9]*,rcx' | sed 's/mov *\(r[a-z0-9]*\),rcx/\1/')
    question ".frame /r 2; ? $register + 0xa0" 'Evaluate expression: '
    state=$(take 'Evaluate expression: .*' | sed 's/.* = //')
    question "dq $state l1" "^$(printf '%s' "$state" | sed 's/`/`/')  [0-9a-f]*\`[0-9a-f]*"
    device=$(take "^[0-9a-f]*\`[0-9a-f]*  [0-9a-f]*\`[0-9a-f]*" | sed 's/.*  //')
    plain=$(printf '%s' "$device" | tr -d '`')
    question "!devobj $device" "^Device object ($plain) is for:" " $2 DriverObject $number" \
        '^Current Irp 00000000 RefCount [0-9]* Type [0-9a-f]\{8\} Flags [0-9a-f]\{8\}' "^DevExt $number DevObjExt $number" \
        '^ExtensionFlags (0x[0-9a-f]\{8\})' '^Characteristics (0x' '^Device queue is not busy.'
    question "!devstack $device" '  !DevObj  *!DrvObj  *!DevExt  *ObjectName' "^> $plain  $2 "
    concluded "$label: from the bugcheck's parameters to the device of the call, by the saved state"
}

minifilter() {
    question "!devobj $device" "^AttachedTo (Lower) $number .FileSystem.MemFs"
    question "!devstack $device" "^> $plain  .FileSystem.fltmgr" "^  $number  .FileSystem.MemFs"
    question "!fltkd.volume $device" "^FLT_VOLUME: $number \"" "^   FLT_OBJECT: $number  \[04000000\] Volume" \
        '^      RundownRef               : 0x' '^      PointerCount             : 0x' '^      PrimaryLink              : \[' \
        "^   DeviceObject             : $plain" "^   DiskDeviceObject         : $number" "^   InstanceList             : ($number)" \
        "^      FLT_INSTANCE: $number \"$1 Instance\" \"[0-9.]*\""
    instance=$(take "FLT_INSTANCE: $number" | sed 's/.* //')
    question "!fltkd.instance $instance" "^FLT_INSTANCE: $instance \"$1 Instance\"" "   Volume                   : $number" \
        "   Filter                   : $number \"$1\""
    filter=$(take "   Filter                   : $number" | sed 's/.* //')
    question "!fltkd.filter $filter" "^FLT_FILTER: $filter \"$1\"" "FLT_INSTANCE: $instance"
    question '!fltkd.volumes' '^Volume List:' "FLT_VOLUME: $number"
    question '!fltkd.filters' '^Filter List:' "^   FLT_FILTER: $number \"$1\"" "^      FLT_INSTANCE: $instance"
    concluded "$label: from the filter manager's device to the minifilter's instance"
}

problem=
prepare gcc thread-exit "$samples" ''
thread_exit server filter-forgets
prepare renamed thread-exit "$samples" 's/filter-forgets/quiet/g; s/server\.sys/srv9.sys/g'
thread_exit srv9 quiet
prepare clang thread-exit "$clang" ''
thread_exit server filter-forgets
prepare elsewhere thread-exit "$samples" '' '--base 0xfffff80002400000'
thread_exit server filter-forgets
prepare gcc inlined "$samples" ''
inlined filter-inlined
prepare gcc dispatch "$samples" ''
dispatch 'filter-forgets!FilterDispatch' '.Driver.filter-forgets' filter-forgets
prepare renamed dispatch "$samples" 's/filter-forgets/quiet/g; s/server\.sys/srv9.sys/g'
dispatch 'quiet!FilterDispatch' '.Driver.quiet' quiet
prepare clang dispatch "$clang" ''
dispatch 'filter-forgets!FilterDispatch' '.Driver.filter-forgets' filter-forgets
prepare elsewhere dispatch "$samples" '' '--base 0xfffff80002400000'
dispatch 'filter-forgets!FilterDispatch' '.Driver.filter-forgets' filter-forgets
prepare gcc minifilter "$samples" ''
dispatch 'fltmgr!FltpDispatch' '.FileSystem.fltmgr' minifilter
minifilter minifilter
prepare renamed minifilter "$samples" 's/minifilter/baddriver/g'
dispatch 'fltmgr!FltpDispatch' '.FileSystem.fltmgr' baddriver
minifilter baddriver
prepare clang minifilter "$clang" ''
dispatch 'fltmgr!FltpDispatch' '.FileSystem.fltmgr' minifilter
minifilter minifilter
prepare elsewhere minifilter "$samples" '' '--base 0xfffff80002400000'
dispatch 'fltmgr!FltpDispatch' '.FileSystem.fltmgr' minifilter
minifilter minifilter
done_testing
