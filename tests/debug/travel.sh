#!/bin/sh
# Moving through the execution, forwards and backwards.
. tests/cli/support/tap.sh
. tests/debug/support/debug.sh
failure lock "$samples/004-remove-lock/completion-only.lua"
failure dispatch "$samples/003-critical-region/dispatch.lua"
failure hang "$samples/000-apc-unload/counter-wait-suspended.lua"
failure long "$build/tests/debug/drivers/long.lua"

# same_state NAME N M: commands N and M printed the same hash, and no walk had to be repaired.
same_state() {
    good=true
    [ -n "$(answer "$2")" ] && [ "$(answer "$2")" = "$(answer "$3")" ] || good=false
    answer "$3" | grep -q ', 0 repairs$' || good=false
    [ $good = true ] || { echo "# commands: $commands"; sed 's/^/# /' "$work/stdout"; }
    result $good "$1"
}
debug lock '!hash; bu lower!DriverEntry; g-; k 1; t 5; p 3; bc *; g; !hash'
says "going back to the first instruction of DriverEntry" 'lower!DriverEntry'
same_state "... and forward again ends in the same state" 1 9
# Step by step: back over every instruction of the violating thread's request, then on to DriverEntry and its first instruction, and
# forwards the same way.
debug lock '!hash; t- 0n400; !tt; bu lower!DriverEntry; g-; !tt; r rip; ? @rip == lower!DriverEntry; t- 0n30; t 0n30; !tt; bc *; t 0n300; g; !hash'
same_state "stepping back hundreds of times, to DriverEntry, and forwards again ends in the same state" 1 15
good=true
[ "$(answer 6)" = "$(answer 11)" ] && answer 8 | grep -q ' 00000000`00000001$' || good=false
[ "$(answer 2 | grep -cE '^[0-9a-f`]{17} ')" -eq 400 ] || good=false
[ $good = true ] || sed 's/^/# /' "$work/stdout"
result $good "... each step shows its instruction, and steps back and forth at DriverEntry come to the same position"
for name in lock dispatch hang; do
    debug $name '!hash; !tt 0:0; !hash; t 20; !tt 33; t; !tt 66; p; p; !tt 100; !hash; !tt 0; !hash'
    same_state "$name: the end is the end however it was reached" 1 11
    same_state "$name: the beginning is the beginning" 3 13
done
debug lock '!hash; !tt 0:0; ba w8 @rsp; bd 0; be 0; g; g; g; g; g; g; g; bc *; ba r1 nt!KeNumberProcessors; g; g; bc *; g; !hash'
says "watching each instruction changes nothing" '^State [0-9a-f]{32}, 0 repairs$'
debug lock '!hash; !tt 10:0; !hash; t 3; t- 3; !hash; g; !hash'
same_state "t and t- are inverse" 3 6
same_state "... and the end stays the same" 1 8

debug lock 't-; t-; t'
says "t- steps back from the violation" '^nt!IoReleaseRemoveLockEx\+0x'
debug lock 'p-; gu-; gu-; k 1'
says "p- goes back over the call" 'call +qword ptr \[lower!__imp_IoReleaseRemoveLockEx'
says "gu- goes back to the caller's call" '^nt!IofCallDriver\+0x'
debug lock 'bu lower!LowerDeviceControl; g-; gu; p; p-; r rip'
says "g- stops at a breakpoint before now" '^Breakpoint 0 hit$'
says "... in front of its instruction" '^lower!LowerDeviceControl:$'
says "g ends at the violation" '^The end of the execution: '
debug dispatch '!tt 0:0; bu server!DriverEntry; g; gu; bc *; g-; g-'
says "gu comes back to the caller" '^nt!IopLoadDriver\+0x'
says "g- without breakpoints goes to the beginning" '^The beginning of the execution$'
says "nothing is before it" '^This is the beginning of the execution$'
debug dispatch 'bu server!ServerExecuteRead; g-; pa server!ServerExecuteRead+4; g; g'
says "nothing is behind the end" '^This is the end of the execution: '
debug dispatch '!tt 0:0; g nt!IopLoadDriver; ta nt!IoCreateDevice; k 3'
says "g goes to an address" '^nt!IopLoadDriver:$'
says "ta traces to an address, whatever is called" '^nt!IoCreateDevice:$'
debug dispatch 'bu server!ServerExecuteRead; g-; !tt; !positions; !tt 5:0; !tt 50; !tt 1000:0; !tt 5:FFFFFFFF; !tt x; !tt 200'
says "!tt says where it is" '^Time Travel Position: [0-9A-F]+:[0-9A-F]+$'
says "!positions knows the present" '^>[0-9A-F]+:[0-9A-F]+ +[0-9]+ +here$'
says "!tt goes to a position" '^Time Travel Position: 5:0$'
says "no such position" '^!tt: there is no position 1000:0$'
says "no such instruction in the step" '^!tt: there is no position 5:FFFFFFFF$'
says "no position at all" "^!tt: neither a position"

debug lock 'bu nt!IofCallDriver "k 1; g"; bl; !tt 0:0; g'
says "bl lists commands" '^ 0 e [0-9a-f`]+ 0001 \(0001\)  nt!IofCallDriver k 1; g$'
good=true
[ "$(grep -c '^Breakpoint 0 hit' "$work/stdout")" -ge 3 ] || good=false
result $good "a breakpoint's commands go on"
debug lock 'bu nt!IofCallDriver; bp /w "@rcx == 0" nt!IoCreateDevice; bl; !tt 0:0; g; bd 0; g; be 0; bc 1; bl; bc *; bl; bc 3'
says "bl shows the condition" '/w "@rcx == 0"'
says "a condition that never holds never stops" '^The end of the execution'
says "no such breakpoint" "^bc: there is no breakpoint '3'$"
debug lock 'bp nt!NoSuch; bp; ba; ba q4 nt; ba w4; bp nt!IofCallDriver "x'
says "a breakpoint nowhere" "^Couldn't resolve error at 'nt!NoSuch'$"
says "ba wants an access" '^ba: expected e, r or w'
debug lock '!tt 0:0; bu nt!IofCallDriver 3; g; bl'
says "passes are counted" '^Breakpoint 0 hit$'

# The return address was written by the call.
debug lock 'bu lower!LowerDeviceControl; g-; !whowrote @rsp l8; r rip; ba w8 @rsp; bc 0; g-; !whowrote fffff88000010000'
says "!whowrote finds the last write" '^nt!IofCallDriver\+0x'
says "... with the thread" '^Position [0-9A-F]+:[0-9A-F]+, processor [0-9]+, thread [0-9a-f]{16} client$'
says "... and stays where it was" '^rip=[0-9a-f]+$'
says "ba w stops there too" '^Breakpoint 1 hit$'
# The counter of the long execution is written by one instruction, with an operand that names it.
debug long '!whowrote long!Turns l4; !positions'
says "!whowrote names function, source line and the instruction that writes" '^long!LongDispatch.*\[long\.c @ [0-9]+\]:$'
says "... which has the address as its operand" ' (lock )?(inc|add|xadd) .*long!Turns'
place=$(sed -n 's/^Go there: !tt //p' "$work/stdout")
debug long "!tt $place; dd long!Turns l1; t; dd long!Turns l1; !whowrote long!Turns l4; t-; !tt"
good=true
[ -n "$place" ] && [ "$(sed -n 's/.*  0000000\([9a]\)$/\1/p' "$work/stdout" | tr -d '\n')" = 9a ] || good=false
result $good "at that position the write is about to happen, and t makes it happen"
good=true
[ "$(sed -n 's/^Go there: !tt //p' "$work/stdout")" = "$place" ] || good=false
result $good "one instruction behind the write, the write is the last one before now"
says "t- behind the write goes to its position" "^Time Travel Position: $place$"
debug long "!tt $place; !whowrote long!Turns l4"
good=true
[ "$(sed -n 's/^Go there: !tt //p' "$work/stdout")" != "$place" ] && grep -q '^Go there' "$work/stdout" || good=false
result $good "at its own position the write is not yet in the past"
# By the pages' dirty bytes and by looking at each instruction: data, a stack, a page that is written all the time, one that never is.
both() { # NAME FAILURE EXPRESSIONS
    good=true
    for what in $3; do
        debug "$2" "!whowrote $what l8; !whowrote /e $what l8; !hash"
        [ -n "$(answer 1)" ] && [ "$(answer 1)" = "$(answer 2)" ] && answer 3 | grep -q ' 0 repairs$' || {
            good=false
            echo "# $2 $what:"
            sed 's/^/# /' "$work/stdout"
        }
    done
    result $good "$1"
}
both "a search that reads dirty bytes finds what one that looks at every instruction finds" long \
    'long!Turns nt!KeNumberProcessors'
both "... also where threads take turns" lock '@rsp @rsp+100 @rsp-100 nt!KeNumberProcessors @$thread @$thread+8 @$thread+1c0 @r12 @rdi'
both "... and in a hang" hang '@rsp @rsp+48 @$thread @$thread+40 nt!KiTimerList'
# ba likewise, against t- and t around what !whowrote says.
debug long "!tt 0; ba w4 long!Turns; g; g; g; !tt; g-; g-; !tt; bc *; g; ba w4 long!Turns; g-; !tt"
good=true
[ "$(answer 14 | sed 's/.*: //')" = "$place" ] || good=false
result $good "ba w met backwards stands at the position that !whowrote says"
good=true
[ "$(grep -c '^Breakpoint 0 hit$' "$work/stdout")" -eq 6 ] || good=false
result $good "ba w is met on every way"
# The first instruction of the scenario's first step lies at a checkpoint.
debug lock '!positions'
begin=$(sed -n 's/^\([0-9A-F]*:0\) .*the scenario.s threads begin$/\1/p' "$work/stdout")
debug lock "!tt $begin; r rip"
rip=$(sed -n 's/^rip=//p' "$work/stdout")
debug lock "!tt $begin; t; bp $rip; g-; !tt"
says "a breakpoint at the very place of a checkpoint is met backwards" "^Time Travel Position: $begin$"
debug dispatch '!whowrote 0; !whowrote; !whowrote nope'
says "!whowrote of no memory" '^!whowrote: no such memory'

debug long '!jumps 0n20; !hash; !tt 50; t; !tt 100; !hash'
says "jumps come back to the same state" 'the same state again$'
same_state "a long execution: the same" 2 6
milliseconds=$(answer 1 | sed 's/.*median \([0-9]*\).*/\1/')
good=true
# Thirty times the bar (make bench measures it): the tests share their processors with others, and run under sanitizers.
[ "${milliseconds:-9999}" -lt 3000 ] || { good=false; answer 1; }
result $good "a jump in tens of millions of instructions takes no time to speak of"
done_testing
