#!/bin/sh
# Seed 001's two stacks: what the report of samples/001-load-unload/register-first shows of the thread that crashed and of the
# thread that was still in DriverEntry, frame by frame, in the document's order.
#   run_two_stacks.sh RUNDOWN SAMPLES_FOLDER BUILD_FOLDER
set -u
rundown=$1 scenario=$2/001-load-unload/register-first.lua build=$3
failed=0 number=0
mkdir -p "$build"
command="$rundown check --jobs 1 -o $build/two-stacks.rdn $scenario"
text=$($command 2>&1)

# The functions of the first stack on which one of them is this, topmost first.
stack() {
    printf '%s\n' "$text" | awk -v wanted="$1" '
        /^Child-SP/ { frames = ""; inside = 1; next }
        inside && !/^(fffff|\(Inline)/ { if (index(frames, " " wanted " ")) { print frames; exit } inside = 0 }
        inside { sub(/^([^ ]+ [^ ]+ |\(Inline Function\) [^ ]+ )/, ""); sub(/[+ ].*$/, ""); frames = frames " " $0 " " }'
}
say() { # true or false, name
    number=$((number + 1))
    if [ "$1" = true ]; then
        echo "ok $number - $2"
    else
        printf '%s\n' "$text" | head -n 100 | sed 's/^/# /'
        echo "# again: $command"
        echo "not ok $number - $2"
        failed=1
    fi
}
# The functions stand on the stack in this order; others may stand between them.
shows() { # name, stack, functions...
    name=$1 rest=$2 good=true
    shift 2
    for frame; do
        case $rest in
        *" $frame "*) rest=${rest#*" $frame "} ;;
        *) echo "# missing, or at another place: $frame"; good=false; break ;;
        esac
    done
    say $good "$name"
}
# ... and nothing between them.
adjoins() { # name, stack, functions...
    name=$1 stack=" $2 " good=false
    shift 2
    wanted=
    for frame; do wanted="$wanted $frame "; done
    case $stack in *"$wanted"*) good=true ;; *) echo "# expected $wanted, got $stack" ;; esac
    say $good "$name"
}

echo "1..5"
case $text in *"rule: invalid-address  culprit: register-first!StopWorkerQueues"*) good=true ;; *) good=false ;; esac
say $good "the unload callback crashes in StopWorkerQueues"
case $text in "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (7e)"*) good=true ;; *) good=false ;; esac
say $good "as an exception that nobody handles in a system thread"
shows "the unloading worker: from the bugcheck down to its thread's start" "$(stack nt!KeBugCheckEx)" \
    nt!KeBugCheckEx nt!PspUnhandledExceptionInSystemThread nt!__C_specific_handler nt!RtlpExecuteHandlerForException \
    nt!RtlDispatchException nt!KiDispatchException nt!KiExceptionDispatch nt!KiPageFault register-first!StopWorkerQueues \
    register-first!UnloadCallback fltmgr!FltpDoUnloadFilter fltmgr!FltpSyncOpWorker nt!ExpWorkerThread \
    nt!PspSystemThreadStartup nt!KiStartSystemThread
adjoins "the crash interrupted StopWorkerQueues, which the unload callback had called" "$(stack nt!KeBugCheckEx)" \
    nt!KiPageFault register-first!StopWorkerQueues register-first!UnloadCallback
adjoins "the loading worker: DriverEntry is creating its queue's thread" "$(stack nt!PsCreateSystemThread)" \
    nt!PsCreateSystemThread register-first!SetupReadWorkQueue register-first!SetupWorkerQueues register-first!DriverEntry \
    nt!IopLoadDriver nt!IopLoadUnloadDriver nt!ExpWorkerThread nt!PspSystemThreadStartup nt!KiStartSystemThread
exit $failed
