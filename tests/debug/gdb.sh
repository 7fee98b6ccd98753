#!/bin/sh
# gdb over a failure: `rundown debug --gdb` speaks its remote protocol. A driver's code is executed after it was unloaded; gdb
# looks at that moment and walks back from it.
. tests/cli/support/tap.sh

if ! command -v gdb >/dev/null; then
    echo "1..0 # SKIP gdb is not installed"
    exit 0
fi
"$RUNDOWN" check -o "$work/f.rdn" "$build/samples/004-remove-lock/completion-only.lua" >/dev/null 2>&1
script=$PWD/debug/rundown-gdb.py

# serve FAILURE: $server waits on $port.
serve() {
    : >"$work/server" # here: the line of the session before must not be taken for this one's
    timeout 150 "$RUNDOWN" debug --gdb 0 "$work/$1.rdn" >"$work/server" 2>&1 &
    server=$!
    tries=0
    until grep -q '^Waiting for gdb' "$work/server" || [ $tries -eq 1200 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    port=$(sed -n 's/^Waiting for gdb: target remote 127.0.0.1://p' "$work/server")
}
# session NAME [FAILURE]: gdb runs $work/NAME.gdb; what it says is in $work/NAME. $ended: rundown's exit status.
session() {
    serve "${2:-f}"
    { echo 'set pagination off'; echo 'set confirm off'; echo 'set width 0'; echo "target remote 127.0.0.1:$port"
      cat "$work/$1.gdb"; echo 'detach'; echo 'quit'; } >"$work/input"
    (cd "$work" && timeout 300 gdb -nx -q <"$work/input" >"$work/$1" 2>&1) || kill $server 2>/dev/null
    wait $server
    ended=$?
}
# said FILE PATTERN NAME
said() {
    if grep -qE -- "$2" "$work/$1"; then
        result true "$3"
    else
        echo "# no line has: $2"
        sed 's/^/# /' "$work/$1"
        result false "$3"
    fi
}

cat >"$work/look.gdb" <<'END'
info threads
info registers rsp eflags cs st0
p $pc
bt 2
info sharedlibrary
x/2i $pc
x/2i IofCallDriver
thread find pnp
set $rax = 1
monitor k
END
session look
said look '^LowerDeviceControl .*lower.c:[0-9]+' "gdb stands at the violation, with the driver's own source line"
said look '^\*.*Thread .*"client".*on processor' "threads are the guest's, with their names and processors"
said look '"pnp" \(pnp, switched out\) +Ki' "a thread that is switched out stands in the function that gave the processor away"
said look '^cs +0x10 ' "registers are the machine's"
said look '^st0 +<unavailable>' "registers that the machine does not have are unavailable"
said look '^#1 .* IofCallDriver .*irp.c' "gdb walks the stack into the kernel"
said look 'Yes .*upper-completion-only.sys' "drivers are libraries, with their symbols"
said look 'Cannot access memory' "code of an unloaded driver cannot be read"
said look '<IofCallDriver>:' "code that is there can"
said look 'Could not write register' "what was recorded cannot be changed"
said look 'nt!IofCallDriver\+' "monitor runs the debugger's own commands"
[ $ended -eq 0 ] && result true "detaching ends the session" || result false "detaching ends the session"

cat >"$work/walk.gdb" <<'END'
set $end = $pc
reverse-stepi
x/i $pc
p $pc != $end
stepi
p/x $pc == $end
break LowerDeviceControl
reverse-continue
delete
watch -l *(int *)&((PLOWER_EXTENSION)DeviceObject->DeviceExtension)->RemoveLock.Common.IoCount
continue
reverse-continue
delete
echo to the end\n
continue
p $pc == $end
echo to the beginning\n
reverse-continue
p $pc
END
session walk
said walk 'ret' "reverse-stepi goes to the instruction before the violation"
said walk '^\(gdb\) \$1 = 1' "it is another one"
said walk '^\(gdb\) \$2 = 0x1' "stepi comes back to the same place"
said walk 'hit Breakpoint 1, LowerDeviceControl \(' "reverse-continue meets a breakpoint in a driver that is gone at the violation"
grep -E '^(Old|New) value' "$work/walk" >"$work/values"
printf 'Old value = 1\nNew value = 2\nOld value = 2\nNew value = 1\n' >"$work/expected"
if cmp -s "$work/values" "$work/expected"; then
    result true "a watchpoint sees the change forwards and undone backwards"
else
    sed 's/^/# /' "$work/walk"
    result false "a watchpoint sees the change forwards and undone backwards"
fi
sed -n '/to the end/,$p' "$work/walk" >"$work/ends"
said ends '^\(gdb\) \$3 = 1' "continue goes to the violation"
sed -n '/to the beginning/,$p' "$work/walk" >"$work/begin"
said begin 'No more reverse-execution history' "reverse-continue goes to the beginning"
said begin 'KiSystemStartup' "which is the kernel's first instruction"

# Breakpoints and watchpoints of every kind, around a request that is counted by a remove lock.
cat >"$work/points.gdb" <<'END'
hbreak LowerDeviceControl
reverse-continue
delete
set $count = (int *)&((PLOWER_EXTENSION)DeviceObject->DeviceExtension)->RemoveLock.Common.IoCount
echo read\n
rwatch *$count
continue
delete
echo access\n
awatch *$count
continue
reverse-continue
reverse-continue
delete
echo steps\n
tbreak LowerDeviceControl
reverse-continue
next
next
reverse-next
echo call\n
reverse-finish
x/i $pc
stepi
END
session points
part() { sed -n "/(gdb) $2\$/,/(gdb) $3\$/p" "$work/$1"; }
said points 'Hardware assisted breakpoint 1 at' "hbreak sets a breakpoint"
said points 'hit Breakpoint 1, LowerDeviceControl \(' "... that is met backwards"
part points read access >"$work/read"
said read 'hit Hardware read watchpoint 2' "rwatch stops at a read"
said read '^Value = 1$' "... with the value"
said read 'IoAcquireRemoveLockEx \(' "... in whoever reads"
part points access steps | grep -E '^(Value|Old value|New value) = ' | tr '\n' ' ' >"$work/access"
good=true
[ "$(cat "$work/access")" = 'Old value = 1 New value = 2 Old value = 2 New value = 1 Value = 1 ' ] ||
    { good=false; sed 's/^/# /' "$work/points"; }
result $good "awatch stops at the change, at the change undone, and at the read before it"
part points steps call >"$work/steps"
said steps 'hit Temporary breakpoint 4, LowerDeviceControl' "tbreak, met backwards"
said steps '^\(gdb\) 0x[0-9a-f]+	[0-9]+|^\(gdb\) [0-9]+	' "next and reverse-next go line by line"
part points call quit >"$work/call"
said call 'Run back to call of #0  .*LowerDeviceControl \(' "reverse-finish goes back"
said call '<IofCallDriver\+[0-9]+>:	call ' "... in front of the call"
said call '^\(gdb\) LowerDeviceControl \(' "which stepi enters"

# Stacks of drivers without debug information, and of all threads, by .pdata: gdb's and the debugger's own are the same.
mkdir "$work/bare"
for image in lower.sys upper-completion-only.sys; do
    x86_64-w64-mingw32-strip -o "$work/bare/$image" "$build/samples/004-remove-lock/$image"
done
cp "$build/samples/004-remove-lock/completion-only.lua" "$work/bare/"
"$RUNDOWN" check -o "$work/bare.rdn" "$work/bare/completion-only.lua" >/dev/null 2>&1
cat >"$work/stack.gdb" <<END
source $script
bt
echo their own\\n
monitor k
echo switched out\\n
thread find pnp
thread apply all -q bt
echo back\\n
thread 4
up 2
p \$pc != 0
break IoReleaseRemoveLockEx
reverse-continue
bt
END
session stack bare
frames() { sed -n 's/^\((gdb) \)*#[0-9]* *\(0x[0-9a-f]* in \)*\([A-Za-z?][A-Za-z0-9_?]*\).*/\3/p'; }
sed -n '/their own/q;p' "$work/stack" | frames >"$work/gdbs"
sed -n '/their own/,/switched out/p' "$work/stack" | sed -n '/^[0-9a-f`]* [0-9a-f`]* /p; /^(Inline/p' >"$work/ours"
good=true
[ "$(wc -l <"$work/ours")" -gt 8 ] && [ "$(grep -c . "$work/gdbs")" -ge "$(wc -l <"$work/ours")" ] || good=false
tail -n 2 "$work/gdbs" | head -n 1 | grep -qx KiStartSystemThread || good=false
[ $good = true ] || sed 's/^/# /' "$work/stack"
result $good "through a driver without symbols and the kernel's assembly down to where the thread began"
sed -n '/switched out/,/(gdb) back/p' "$work/stack" >"$work/all"
good=true
[ "$(grep -c ' KiStartSystemThread () ' "$work/all")" -ge 6 ] && ! grep -q 'corrupt stack' "$work/all" || { good=false; sed 's/^/# /' "$work/all"; }
result $good "every thread's stack has its beginning"
sed -n '/(gdb) back/,$p' "$work/stack" >"$work/back"
said back 'hit Breakpoint 1, IoReleaseRemoveLockEx' "a breakpoint in the kernel, met backwards"
said back '^#1 +0x[0-9a-f]+ in \?\? \(\)' "... called by code that has no name"
said back '^#[0-9]+ .* in KiStartSystemThread \(\)' "... and unwound none the less"

# One session, on the loopback interface alone.
cat >"$work/second.sh" <<END
hex=\$(printf '%04X' \$(sed -n 's/^Waiting for gdb: target remote 127.0.0.1://p' "$work/server"))
timeout 20 gdb -nx -q -batch -ex "target remote 127.0.0.1:\$(printf '%d' 0x\$hex)" >"$work/second" 2>&1 || echo refused >>"$work/second"
END
echo "shell sh $work/second.sh" >"$work/one.gdb"
echo 'kill' >>"$work/one.gdb"
session one
said second 'Connection refused|timed out' "a second client is refused"
said one 'Inferior 1 \(Remote target\) killed' "gdb kills"
[ $ended -eq 0 ] && result true "... which ends the session" || result false "... which ends the session"
serve f
hex=$(printf '%04X' "$port")
awk -v port="$hex" '$4 == "0A" { split($2, a, ":"); if (a[2] == port) print a[1] }' /proc/net/tcp /proc/net/tcp6 >"$work/listening"
good=true
[ "$(cat "$work/listening")" = 0100007F ] || { good=false; sed 's/^/# /' "$work/listening"; }
result $good "it listens on 127.0.0.1 and nowhere else"
timeout 60 "$RUNDOWN" debug --gdb "$port" "$work/f.rdn" >/dev/null 2>"$work/taken"
[ $? -eq 2 ] && [ "$(wc -l <"$work/taken")" -eq 1 ] && grep -q "^rundown: --gdb: cannot listen on port $port of 127.0.0.1: " "$work/taken" &&
    result true "a port that somebody listens on is refused in one line" || result false "a port that somebody listens on is refused in one line"
# What gdb would not send: garbage, wrong sums, packets that never end, numbers that are none. Each packet gets its answer.
cat >"$work/raw.py" <<'END'
import gdb, os, socket
s = socket.create_connection(("127.0.0.1", int(os.environ["PORT"])))
s.settimeout(20)
def ask(data):
    s.sendall(data)
    got = b""
    while b"#" not in got[-3:-2] and got not in (b"-", b"+"):
        got += s.recv(1)
        if got == b"+":
            got = b""
    return got
def packet(text):
    return b"$" + text + b"#%02x" % (sum(text) % 256)
def says(name, data, good):
    answer = ask(data)
    print(("good " if good(answer) else "bad %r " % answer) + name)
error = lambda a: a.startswith(b"$E")
empty = lambda a: a == b"$#00"
says("a wrong sum is asked for again", b"$g#00", lambda a: a == b"-")
says("noise between packets", b"\x00\xffnoise$qC#b4", lambda a: a.startswith(b"$QC"))
says("a packet that is too long is asked for again", b"$" + b"m" * 9000 + b"#00", lambda a: a == b"-")
says("a packet that nobody knows", packet(b"!@%^"), empty)
says("an empty packet", packet(b""), empty)
for bad in (b"m", b"m,", b"mzz,4", b"m0,", b"m11111111111111111,1", b"p", b"pffff", b"Hg", b"Hgzz", b"T", b"T99999", b"Z0", b"Z2,0,0",
            b"Z2,ffffffffffffffff,2", b"vCont;", b"vCont;x", b"vCont;s:77777777", b"qXfer:libraries:read::", b"qXfer:libraries:read::ffffffffff,1",
            b"qThreadExtraInfo,", b"qRcmd,zz", b"G00", b"M0,1:00", b"X0,0:", b"qXfer:features:read:no.xml:0,10"):
    says("refused: " + bad.decode(), packet(bad), error)
says("memory that is not there", packet(b"m0,8"), error)
says("still there", packet(b"qC"), lambda a: a.startswith(b"$QC"))
s.sendall(packet(b"k"))
END
PORT=$port timeout 120 gdb -nx -batch -x "$work/raw.py" >"$work/raw" 2>&1
wait $server
ended=$?
good=true
[ "$(grep -c '^good' "$work/raw")" -eq 32 ] && ! grep -vq '^good' "$work/raw" || { good=false; sed 's/^/# /' "$work/raw"; }
result $good "every broken packet is answered"
[ $ended -eq 0 ] && result true "packet k ends the session" || result false "packet k ends the session"
serve f
PORT=$port gdb -nx -batch -ex 'python import os, socket; socket.create_connection(("127.0.0.1", int(os.environ["PORT"]))).close()' >/dev/null 2>&1
wait $server
ended=$?
[ $ended -eq 0 ] && result true "a client that goes away ends the session" || result false "a client that goes away ends the session"
done_testing
