#!/bin/sh
# gdb over a failure: `rundown debug --gdb` speaks its remote protocol. A driver's code is executed after it was unloaded; gdb
# looks at that moment and walks back from it.
. tests/cli/support/tap.sh

if ! command -v gdb >/dev/null; then
    echo "1..0 # SKIP gdb is not installed"
    exit 0
fi
"$RUNDOWN" check -o "$work/f.rdn" "$build/samples/004-remove-lock/completion-only.lua" >/dev/null 2>&1

# session NAME: gdb runs $work/NAME.gdb; what it says is in $work/NAME. $ended: rundown's exit status.
session() {
    "$RUNDOWN" debug --gdb 0 "$work/f.rdn" >"$work/server" 2>&1 &
    server=$!
    tries=0
    until grep -q '^Waiting for gdb' "$work/server" || [ $tries -eq 1200 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    port=$(sed -n 's/^Waiting for gdb: target remote 127.0.0.1://p' "$work/server")
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
done_testing
