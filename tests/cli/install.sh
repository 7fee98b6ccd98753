#!/bin/sh
# What `make install` leaves behind works from there, without the build folder.
. tests/cli/support/tap.sh

${MAKE:-make} -s install BUILD="$build" PREFIX="$work/prefix" >"$work/log" 2>&1
status=$?
[ $status -eq 0 ] || sed 's/^/# /' "$work/log"
result "$([ $status -eq 0 ] && echo true || echo false)" "make install succeeds"

for file in bin/rundown lib/rundown/guest/ntoskrnl.exe lib/rundown/guest/hal.dll lib/rundown/guest/memfs.sys include/rundown/abi/hypercall.h \
    include/rundown/wdk/apc.h share/man/man1/rundown.1; do
    result "$([ -s "$work/prefix/$file" ] && echo true || echo false)" "$file is installed"
done

RUNDOWN=$work/prefix/bin/rundown
run check "$build/samples/004-remove-lock/acquire-twice.lua"
[ $status -eq 0 ] || explain check
result "$([ $status -eq 0 ] && echo true || echo false)" "the installed program finds its kernel"
done_testing
