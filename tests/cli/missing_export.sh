#!/bin/sh
# NT exports no routine that takes an APC back, and neither does our kernel: a driver that imports one is stopped with its
# name where it calls it.
set -u
build=${BUILD:-build}
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
failed=0
result() { if [ "$3" = true ]; then echo "ok $1 - $2"; else echo "not ok $1 - $2"; failed=1; fi; }

cat >"$work/private.def" <<DEF
LIBRARY ntoskrnl.exe
EXPORTS
KeRemoveQueueApc
KeFlushQueueApc
DEF
echo "1..3"
good=true
"$build/rundown" list exports >"$work/exports"
grep -q '^KeInsertQueueApc ' "$work/exports" || good=false
if grep -E '^(KeRemoveQueueApc|KeFlushQueueApc)\b' "$work/exports"; then good=false; fi
result 1 "KeRemoveQueueApc and KeFlushQueueApc are not exported" $good

x86_64-w64-mingw32-dlltool -d "$work/private.def" -l "$work/libprivate.a" || exit 2
number=1
for routine in KeRemoveQueueApc KeFlushQueueApc; do
    number=$((number + 1))
    cat >"$work/caller.c" <<C
__declspec(dllimport) char $routine(void *, unsigned char);
long DriverEntry(void *DriverObject, void *RegistryPath)
{
    (void)RegistryPath;
    return $routine(DriverObject, 0);
}
C
    x86_64-w64-mingw32-gcc -nostdlib -shared -Wl,--subsystem,native -Wl,--entry,DriverEntry -Wl,--exclude-all-symbols \
        -o "$work/caller.sys" "$work/caller.c" -L"$work" -lprivate || exit 2
    "$build/rundown" check -o "$work/f.rdn" "$work/caller.sys" >"$work/out" 2>&1
    status=$?
    good=true
    [ $status -eq 3 ] || { echo "# exit status $status"; good=false; }
    grep -q "$routine" "$work/out" || good=false
    [ $good = true ] || sed 's/^/# /' "$work/out"
    result $number "a driver that calls $routine is stopped with that name" $good
done
exit $failed
