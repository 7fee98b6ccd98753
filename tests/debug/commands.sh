#!/bin/sh
# Looking around at the moment of the violation, in WinDbg's words and columns.
. tests/cli/support/tap.sh
. tests/debug/support/debug.sh
failure dispatch "$samples/003-critical-region/dispatch.lua"
failure lock "$samples/004-remove-lock/completion-only.lua"
address='[0-9a-f]{8}`[0-9a-f]{8}'

debug dispatch 'k'
says "a session begins with the bugcheck and its arguments" '^BugCheck C4, \{c5, [0-9a-f]+, ffff, 0\}$'
says "each command stands behind the processor's prompt" '^[0-9]+: kd> k$'
says "k has WinDbg's columns" '^Child-SP          RetAddr           Call Site$'
says "k names the frames" "^$address $address nt!VfAfterCallDriver\+0x"
says "k ends where the thread began" "^$address 00000000.00000000 nt!KiStartSystemThread\+0x"
debug dispatch 'kn 2; kb 1; kv 1'
says "kn numbers the frames" "^00 $address $address nt!KeBugCheckEx"
says "kb shows four home slots" "^$address $address : $address $address $address $address : nt!KeBugCheckEx"
debug dispatch 'r; r rcx; r @eax, cl; r rip=5; r rax = 5; r foo'
says "r shows the registers in WinDbg's lines" '^rax=[0-9a-f]{16} rbx=[0-9a-f]{16} rcx=[0-9a-f]{16}$'
says "r shows the flags" '^iopl=0         nv up [ed]i [a-z]{2} [a-z]{2} [a-z]{2} [a-z]{2} [a-z]{2}$'
says "r ends with the symbol of the instruction" '^nt!KeBugCheckEx\+0x[0-9a-f]+:$'
says "r takes a register" '^rcx=00000000000000c4$'
says "r takes parts of registers" '^cl=00000000000000c4$'
says "registers cannot be changed" '^Registers cannot be changed: the execution is a recording$'
says "an unknown register is one line" "^Bad register error at 'foo'$"

debug dispatch '.frame /r 3; r rip; .frame; .frame 63'
says ".frame prints the frame as kn does" "^03 $address $address nt!IovCallDriver\+0x"
says ".frame /r stands behind the call" '^nt!IovCallDriver\+0x[0-9a-f]+:$'
says ".frame /r shows the instruction" "^$address [0-9a-f]+ +[a-z]+ "
says "a frame that is not there changes nothing" '^Cannot find frame 0x63, previous scope unchanged$'
good=true
[ "$(answer 2 | sed 's/rip=//')" = "$(answer 1 | sed -n 's/^rip=\([0-9a-f]*\).*/\1/p')" ] || good=false
result $good "the chosen frame's registers are what later commands see"
# The driver keeps the device object in a nonvolatile register over the call; the callee's frame restores it.
debug dispatch '.frame /r 0; .frame /r 2; ? @rsp'
good=true
[ "$(answer 1 | sed -n 's/.*rsp=\([0-9a-f]*\).*/\1/p')" != "$(answer 2 | sed -n 's/.*rsp=\([0-9a-f]*\).*/\1/p')" ] || good=false
result $good "registers are unwound"

debug dispatch 'u nt!VfAfterCallDriver l3; ub; uf server!ServerProcessPacket; uf server!ServerExecuteRead; u 0; u server!ServerExecuteRead l20'
says "u heads a function with its name" '^nt!VfAfterCallDriver:$'
says "u has address, bytes and MASM's operands" "^$address 4883ec[0-9a-f]{2} +sub     rsp,[0-9a-f]+h?$"
says "ub ends in front of the instruction" ' +call +nt!'"|vmcall"
says "calls are named" "call    server!ServerExecuteRead \($address\)"
says "conditions have WinDbg's names" ' (je|jne|js|jns|jl|jge) +server!ServerExecuteRead\+0x'
says "imports are named" "call    qword ptr \[server!__imp_IofCallDriver \($address\)\]"
says "no code is one line" '^00000000`00000000 \?\?  '

debug dispatch 'ub nt!IofCallDriver; ub server; ub 5'
says "ub shows what is in front of a function" ' +(ret|jmp|call|nop|int 3|ud2)'
good=true
[ "$(grep -c '^ub: no instruction is known to end here$' "$work/stdout")" -eq 2 ] || good=false
result $good "ub says when there is nothing in front"
debug lock '!tt 60; u lower!DriverEntry l2; u l2'
good=true
[ "$(answer 2 | grep -c '^fffff')" -eq 2 ] && [ "$(answer 3 | grep -c '^fffff')" -eq 2 ] || good=false
result $good "u tells a module whose name begins with l from a count"

debug dispatch '? fffffa804b729790 + 0xa0; ? 0n10 + 10; ? nt!KeSetEvent == nt!KeSetEvent; ? 1 + 2 * 3; ? (1+2)*3; ? poi(@rsp) == qwo(rsp); ? -1; ? fffff880`05078b08 & ff; ? 10 mod 3; ? 0y101 << 4; ? not 0; ? 1 > 2'
says "the seed's expression" '^Evaluate expression: -6046048151504 = fffffa80`4b729830$'
good=true
i=0
for want in -6046048151504 26 1 7 9 1 -1 8 1 80 -1 0; do
    i=$((i + 1))
    [ "$(answer $i | sed 's/Evaluate expression: \([-0-9]*\) = .*/\1/')" = $want ] || { good=false; echo "# expression $i: wanted $want, got $(answer $i)"; }
done
result $good "precedence, radix, readers, comparisons"
debug dispatch '? ; ? 1 +; ? (1; ? nt!NoSuchName; ? 1/0; ? poi(0); ? 5 5'
says "an unknown name is one line" "^Couldn't resolve error at 'nt!NoSuchName'$"
says "a missing operand" '^Numeric expression missing from'
says "a missing parenthesis" '^Missing \)'
says "division by zero" '^Divide by zero'
says "memory that is not there" '^Memory access error at .00000000.00000000'
says "what is left over" "^Extra character error at '5'$"

debug dispatch 'dq @rsp l1; dd @rsp l2; dw rsp l2; db nt l2; dps @rsp l8; dq 0 l1; da nt l2; dq'
says "dq" "^$address  $address$"
says "dd" "^$address  [0-9a-f]{8} [0-9a-f]{8}$"
says "dw" "^$address  [0-9a-f]{4} [0-9a-f]{4}$"
says "db has characters too" "^$address  4d 5a +MZ$"
says "memory that is not mapped" '^00000000`00000000  \?{8}`\?{8}$'
says "da" "\"MZ\"$"
debug dispatch '.frame 1; dps @rsp-8 l1'
says "dps names return addresses" "^$address  $address nt!VfBugCheckNoStackUsage\+0x"

debug dispatch 'ln nt!IofCallDriver; ln nt!IofCallDriver+5; ln 0; x nt!Ke*Event; x server!server*; x nt!NoSuch*; lm'
says "ln on a function: the name and the next one" "^\($address\)   nt!IofCallDriver   \|  \($address\)   nt!"
says "ln: exact matches" '^    nt!IofCallDriver$'
says "ln inside a function" "^\($address\)   nt!IofCallDriver\+0x5 "
says "ln of nothing" '^There is no symbol at 00000000.00000000$'
says "x finds exports" "^$address +nt!KeSetEvent$"
says "x finds static functions, whatever the letters' case" "^$address +server!ServerExecuteRead$"
says "x finds nothing" "^x: no symbol matches 'nt!NoSuch\*'$"
says "lm lists modules" "^$address $address   server "
debug lock 'lm; k 1; u . l1; db . l1'
says "lm lists unloaded modules" "^$address $address   lower\.sys$"
says "a stack in an unloaded image" '<Unloaded_lower\.sys>\+0x[0-9a-f]+ \(lower!LowerDeviceControl'
says "there is no code in it any more" "^$address  \?\?"

debug lock '~; ~0s; k 1; .thread; ~99s; ~x; .thread 5'
says "~ lists processors with their threads" '^\. +[0-9]+  [0-9a-f]{16} client '
says "~Ns goes to another processor" '^0: kd> k 1$'
says ".thread comes back" '^Implicit thread is now [0-9a-f]{16}$'
says "no such processor" '^99 is not a valid processor number$'
says "no such thread" '^0000000000000005 is not a thread object$'
thread=$(answer 1 | awk '/ client / { print $(NF > 3 && $1 == "." ? 3 : 2) }')
debug lock "~0s; .thread $thread; k 1; ? @\$thread == $thread"
says ".thread takes a thread object" '^Evaluate expression: 1 = '
# A thread that waits was switched out.
debug lock '!thread' # of the other commands; here only stacks count
debug lock "~0s; .echo one; .echo \"two; three\"; * a comment; .echo four"
says "semicolons separate" '^one$'
says "quotes keep a semicolon" '^two; three$'
says "a comment is none of our business" '^four$'

debug lock ".logopen $work/log; .echo into the log; .logclose; .echo not in it; .logclose; .logopen; .logopen $work/none/log"
says "no log to close" '^No log file is open$'
says "a log that cannot be written" "^Cannot open '"
good=true
grep -q '^into the log$' "$work/log" && ! grep -q '^not in it$' "$work/log" || good=false
result $good "the log holds what is said while it is open"
debug lock '.help; .help g; .help nope; nope; q; .echo behind q'
says ".help names commands with their syntax" '^g g- t t- p p- gu gu- ta pa \[ADDRESS'
says "an unknown command is one line" "^Unknown command 'nope'; .help lists them$"
says_not "q ends the session" '^behind q$'
done_testing
