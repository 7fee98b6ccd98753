#!/bin/sh
# Does anybody notice when the kernel is wrong? Builds the kernel with one seeded mistake at a time and runs the test
# drivers on it until one notices. Prints TAP: one line a mutant, then one for the number killed.
#   run_mutants.sh RUNDOWN BUILD GUEST_TESTS_SOURCES [NAME...]
# With NAMEs only the mutants whose names contain one of them are tried, and the number is not asked for; `make check T=NAME`
# is the same. COMPILE, LINK and OBJECTS (environment) build the kernel, IMAGES are the test drivers.
#
# A mutant is killed when a driver that passes on the kernel as it is fails, ends otherwise than it should, or needs more
# than LIMIT seconds (the slowest needs a fifth of one, alone). Only the patched object is compiled, with the kernel's common headers
# compiled once for all; the rest is linked as it lies in BUILD.
set -u
rundown=$1 build=$2 tests=$3
shift 3
REQUIRED_MUTANTS=30
REQUIRED_KILLS=27
LIMIT=20
here=$(dirname "$0")
work=$build/tests/mutants/work
log=$work/log

# The value of a header line "# KEY: VALUE" of a patch.
header() { # patch, key
    sed -n "s/^# $2: //p;/^--- /q" "$1"
}

# Why DRIVER's run on the kernel in FOLDER is no pass, in one line; empty if it is one.
complaint() { # driver, folder
    timeout "$LIMIT" sh "$tests/run_guest.sh" "$tests" "$rundown" "$work/drivers/$1.sys" --kernel "$2/ntoskrnl.exe" \
        >"$log" 2>&1
    status=$?
    [ "$status" -ne 0 ] || return 0
    failed=$(sed -n 's/^not ok [0-9]* - //p' "$log" | head -n 1)
    last=$(sed -n 's/^ok [0-9]* - //p' "$log" | tail -n 1)
    if [ "$status" -eq 124 ]; then
        echo "$1: out of time behind ${last:-its start}"
    elif [ -n "$failed" ]; then
        echo "$1: $failed"
    else
        rule=$(sed -n 's/^# rule: *\([a-z-]*\).*/\1/p' "$log" | head -n 1)
        echo "$1: ${rule:-the run ends} behind ${last:-its start}"
    fi
}

# Whether a driver can be asked: what it says on the kernel as it is decides. That is found out when it is first wanted.
can_be_asked() { # driver
    [ -f "$work/asked/$1" ] || complaint "$1" "$work/original" >"$work/asked/$1"
    [ ! -s "$work/asked/$1" ]
}

# The same for a check of tests/checks, with a violation and its twin.
check_complaint() { # check
    CHECK_OPTIONS="--kernel $work/kernel/ntoskrnl.exe" CHECK_FAILURES=$work timeout "$LIMIT" sh tests/checks/run_check.sh "$rundown" "tests/checks/$1" \
        "$build/tests/checks/$1" >"$log" 2>&1 && return 0
    sed -n 's/^not ok [0-9]* - //p' "$log" | sed -n '1s/ with .*//p'
}

# The kernel with one source compiled anew from FOLDER, at KERNEL/ntoskrnl.exe. Says what went wrong, in one line.
build_kernel() { # source, folder, kernel
    # Headers beside the source are found as they are for the original.
    if ! $COMPILE -w -include "$work/common.h" -iquote "$(dirname "$1")" -c "$2/$1" -o "$work/anew.o" 2>"$log"; then
        echo "the patched $1 does not compile"
        return 1
    fi
    if ! $LINK -o "$3/ntoskrnl.exe" \
        $(printf '%s\n' $OBJECTS | sed "s|^$build/${1%.c}\.o\$|$work/anew.o|") "$build/guest/ntoskrnl.def" 2>"$log"; then
        echo "the kernel with the patched $1 does not link"
        return 1
    fi
}

build_mutant() { # patch
    file=$(sed -n 's/^+++ b\///p' "$1")
    case $file in
    guest/ntos/*.c) ;;
    *) echo "it does not patch exactly one source of guest/ntos"; return 1 ;;
    esac
    [ -f "$file" ] || { echo "there is no $file"; return 1; }
    rm -rf "$work/tree"
    mkdir -p "$work/tree/$(dirname "$file")"
    cp "$file" "$work/tree/$file"
    if ! patch -s -f -l -p1 -d "$work/tree" <"$1" >"$log" 2>&1; then
        echo "the patch does not apply to $file any more"
        return 1
    fi
    build_kernel "$file" "$work/tree" "$work/kernel"
}

# One mutant: its line, without number.
try_mutant() { # name, patch
    trouble=$(build_mutant "$2") || { echo "not ok - $1: $trouble"; sed 's/^/# /' "$log"; return; }
    checks=$(header "$2" checks)
    for check in $checks; do
        [ -f "$build/tests/checks/$check/bad.sys" ] || { echo "not ok - $1: there is no check $check"; return; }
        by=$(check_complaint "$check")
        [ -z "$by" ] || { echo "ok - $1 is killed by $by"; return; }
    done
    [ -z "$checks" ] || { echo "not ok - $1 is noticed by nobody ($(sed -n '1s/^# //p' "$2"))"; return; }
    for driver in $(header "$2" tests); do
        [ -f "$work/drivers/$driver.sys" ] || { echo "not ok - $1: there is no test driver $driver"; return; }
    done
    for driver in $(header "$2" tests) $drivers; do
        case " $tried " in *" $driver "*) continue ;; esac
        tried="$tried $driver"
        can_be_asked "$driver" || continue
        by=$(complaint "$driver" "$work/kernel")
        if grep -q 'exit status 2)' "$log"; then
            echo "not ok - $1: rundown refuses to run it"
            sed 's/^/# /' "$log"
            return
        fi
        [ -z "$by" ] || { echo "ok - $1 is killed by $by"; return; }
    done
    why=$(header "$2" survives)
    if [ -n "$why" ]; then
        echo "ok - $1 # TODO survives: $why"
    else
        echo "not ok - $1 is noticed by nobody ($(sed -n '1s/^# //p' "$2"))"
    fi
}

# What tests/run is asked for by name, unless it is this whole program.
filter=$(printf '%s' "${RUNDOWN_TEST:-}" | tr '[:upper:]' '[:lower:]')
if [ $# -eq 0 ] && [ -n "$filter" ]; then
    case $build/tests/mutants/mutants.run in *"$filter"*) ;; *) set -- "$filter" ;; esac
fi
patches=
for patch in "$here"/*.patch; do
    [ $# -gt 0 ] || patches="$patches $patch"
    for pattern in "$@"; do
        case $(basename "$patch") in *"$pattern"*) patches="$patches $patch"; break ;; esac
    done
done
if [ -z "$patches" ]; then
    echo "ok 1 - no mutant # SKIP none has such a name"
    echo "1..1"
    exit 0
fi

rm -rf "$work"
mkdir -p "$work/drivers" "$work/kernel" "$work/original" "$work/asked"
for folder in kernel original; do cp "$build/guest/hal.dll" "$build"/guest/*.sys "$work/$folder/"; done
echo '#include "guest/include/ntos.h"' >"$work/common.h"
$COMPILE -w -x c-header -c "$work/common.h" -o "$work/common.h.gch" || { echo "Bail out! The kernel's headers cannot be compiled"; exit 1; }
build_kernel guest/ntos/ke/apc.c . "$work/original" || { sed 's/^/# /' "$log"; echo "Bail out! The kernel cannot be built"; exit 1; }
drivers=
for image in $IMAGES; do
    drivers="$drivers $(basename "$image" .sys)"
    cp "$image" "$work/drivers/"
done

number=0 killed=0 survivors=0 failed=0
for patch in $patches; do
    name=$(basename "$patch" .patch)
    number=$((number + 1))
    tried=
    line=$(try_mutant "$name" "$patch")
    case $line in
    "not ok"*) failed=1 ;;
    *"# TODO survives"*) survivors=$((survivors + 1)) ;;
    *) killed=$((killed + 1))
       [ -z "$(header "$patch" survives)" ] || echo "# $name: its \"survives\" line is out of date" ;;
    esac
    printf '%s\n' "$line" | sed "1s/ - / $number - /"
done
if [ $# -eq 0 ]; then
    number=$((number + 1))
    verdict=ok
    if [ $((number - 1)) -lt $REQUIRED_MUTANTS ] || [ $killed -lt $REQUIRED_KILLS ]; then
        verdict="not ok" failed=1
    fi
    echo "$verdict $number - $killed of $((number - 1)) mutants are killed, at least $REQUIRED_KILLS of $REQUIRED_MUTANTS must be"
fi
for driver in $drivers; do
    [ ! -s "$work/asked/$driver" ] || echo "# not asked, since it fails on the kernel as it is: $(cat "$work/asked/$driver")"
done
[ $survivors -eq 0 ] || echo "# $survivors survive, for the reason given"
echo "1..$number"
exit $failed
