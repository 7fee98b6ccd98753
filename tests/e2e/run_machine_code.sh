#!/bin/sh
# Some variants differ in one machine instruction, which an optimiser may exchange for another:
#   run_machine_code.sh E2E_BUILD_FOLDER MAKE
# Looks at what each compiler makes of them at each level, in the builds that run_e2e.sh checks.
set -u
build=$1 make=$2
. tests/e2e/build.sh
objdump=x86_64-w64-mingw32-objdump
number=0 failed=0
check() { # description, condition's status
    number=$((number + 1))
    if [ "$2" -eq 0 ]; then echo "ok $number - $1"; else echo "not ok $number - $1"; failed=1; fi
}
# Instructions of one function, without addresses, bytes and padding.
code() {
    $objdump -d --no-show-raw-insn "$1" | awk -v name="<$2>:" '
        index($0, name) { on = 1; next }
        on && /^$/ { exit }
        on { sub(/^ *[0-9a-f]+:[ \t]*/, ""); if ($0 !~ /^(nop|cs nop|data16|xchg +%ax,%ax|int3)/) print }'
}

echo "1..16"
for build_name in x86_64-w64-mingw32-gcc-O0 x86_64-w64-mingw32-gcc-O2 clang-O0 clang-O2; do
    build_samples "$make" "$build" "${build_name%-O*}" "-${build_name##*-}"
    folder=$built/samples/000-apc-unload
    for routine in RemedyKernelRoutine RemedyRundownRoutine; do
        # CALL: the dereference is called, and the routine's own code goes on to its return.
        text=$(code "$folder/device-ref-call.sys" $routine)
        printf '%s\n' "$text" | grep -q '^call.*ObfDereferenceObject' &&
            printf '%s\n' "$text" | tail -n 1 | grep -q '^ret' &&
            ! printf '%s\n' "$text" | grep -q '^jmp'
        status=$?
        [ $status -eq 0 ] || printf '%s\n' "$text" | sed 's/^/# /'
        check "device-ref-call, $build_name: $routine calls the dereference and returns" $status
        # JMP: the last instruction, with no other way out.
        text=$(code "$folder/device-ref-jump.sys" $routine)
        printf '%s\n' "$text" | tail -n 1 | grep -q '^jmp.*ObfDereferenceObject' &&
            ! printf '%s\n' "$text" | grep -qE '^ret|^call.*ObfDereferenceObject'
        status=$?
        [ $status -eq 0 ] || printf '%s\n' "$text" | sed 's/^/# /'
        check "device-ref-jump, $build_name: $routine leaves by a jump to the dereference" $status
    done
done
exit $failed
