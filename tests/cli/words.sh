#!/bin/sh
# Shapes of a report that no sample has: exception and context records, arguments that cannot be believed, names from a PDB, a
# terminal or none.
. tests/cli/support/tap.sh
drivers=$build/tests/cli/drivers

has() {
    good=true
    grep -qE -- "$2" "$work/stdout" || { good=false; echo "# no line matches: $2"; }
    result $good "$1"
}
hasnot() {
    good=true
    ! grep -qE -- "$2" "$work/stdout" || { good=false; echo "# a line matches: $2"; }
    result $good "$1"
}

run check "$drivers/records.sys"
has "an unhandled exception has its name" '^SYSTEM_THREAD_EXCEPTION_NOT_HANDLED \(7e\)$'
has "its arguments are named" '^Arg3: [0-9a-f]{16}, Exception Record Address$'
has "the exception record" '^EXCEPTION_RECORD:  fffff8[0-9a-f]{10}$'
has "where it happened, by symbol" '^ExceptionAddress: [0-9a-f]{16} \(records!DriverEntry\+0x[0-9a-f]+ \[records\.c @ [0-9]+\]\)$'
has "the code, with its name" '^   ExceptionCode: c0000005 \(Access violation\)$'
has "the parameters" '^   Parameter\[1\]: 0000000000000018$'
has "what was attempted" '^Attempt to write to address 0000000000000018$'
has "the context record" '^CONTEXT:  fffff8[0-9a-f]{10}$'
has "registers as WinDbg lays them out" '^rax=1122334455667788 rbx=0{16} rcx=0{16}$'
has "the last register" '^r14=0{16} r15=0000000000000f15$'
has "flags in letters" '^iopl=0 nv up ei pl zr na pe nc$'
has "segments" '^cs=0010  ss=0018  ds=0000  es=0000  fs=0000  gs=0000  efl=00000246$'
good=true
[ "$(sed -n '/^STACK_TEXT of the context:/,/^$/p' "$work/stdout" | sed -n 3p | grep -c ' records!DriverEntry+0x')" = 1 ] || good=false
result $good "the context's stack begins where the exception happened"
has "the culprit is the context's function, not the caller of KeBugCheckEx" '^rule: unhandled-exception  culprit: records!DriverEntry\+'
has "the bucket" '^FAILURE_BUCKET_ID:  0x7E_records!DriverEntry$'

run check --json "$drivers/records.sys"
for key in '"exception_record": \{' '"code": "c0000005"' '"context": \{' '"r15": "f15"' '"meaning": "Access violation"'; do
    has "JSON: $key" "$key"
done

run check "$drivers/norecords.sys"
has "records that are none: the name stands" '^SYSTEM_THREAD_EXCEPTION_NOT_HANDLED_M \(1000007e\)$'
has "... the arguments stand as they are" '^Arg4: 4141414141414141, Context Record Address$'
hasnot "... and nothing is made up" '^(EXCEPTION_RECORD|CONTEXT):'

# A driver built with clang and lld: names and lines come from the PDB beside it.
run check "$drivers/pdb.sys"
has "functions from a PDB" '^rule: .*  culprit: pdb!TouchNothing'
has "lines from a PDB" ' pdb!DriverEntry\+0x[0-9a-f]+ \[pdb\.c @ [0-9]+\]$'
mkdir -p "$work/alone"
cp "$drivers/pdb.sys" "$work/alone"
run check "$work/alone/pdb.sys"
hasnot "without the PDB there are none" 'TouchNothing'
has "... but the offset in the image" '^rule: .*  culprit: pdb\+0x[0-9a-f]+$'

run list checks
has "checks are listed with their bugchecks" '^execute-unloaded-image  +0xCE 0xD4 '
has "rules that the kernel enforces too" '^apc-disable-count-at-exit  +0x20 '
has "sub-codes" '^double-free  +0xC2, 0x7 '

# Colours are for terminals: script(1) makes one.
if command -v script >/dev/null; then
    colours() { script -qec "$1" /dev/null </dev/null | grep -c "$(printf '\033')\[1;31m"; }
    good=true
    [ "$(colours "$RUNDOWN check $drivers/records.sys")" -ge 1 ] || good=false
    result $good "a terminal gets colours"
    good=true
    [ "$(NO_COLOR=1 colours "$RUNDOWN check $drivers/records.sys")" -eq 0 ] || good=false
    result $good "unless NO_COLOR is set"
fi
done_testing
