#!/bin/sh
# Does anybody notice when the explorer skips an interleaving? Builds the programs that use a host source with one seeded mistake in it
# and runs the tests that the patch names until one notices. Prints TAP.
#   run_host_mutants.sh BUILD NAME...    those whose names contain one of NAMEs; "all": every one
#   run_host_mutants.sh BUILD            only whether every patch still applies
# COMPILE, LINK, LIBRARIES and OBJECTS_program (environment) are make's; a patch's "# tests:" names programs of OBJECTS_*,
# litmus runs or scripts of tests/cli, with what they are linked from.
set -u
build=$1
shift
LIMIT=${HOST_MUTANT_LIMIT:-120}
work=$PWD/$build/tests/mutants/host-work
log=$work/log

header() { # patch, key
    sed -n "s/^# $2: //p;/^--- /q" "$1"
}

# Links PROGRAM with the changed object in front of the libraries, or in place of the object that it is.
link_program() { # key, place
    objects=$(eval "printf '%s\n' \"\$OBJECTS_$1\"" | tr ' ' '\n' | sed "s|^$build/host/${source%.c}\.o\$||")
    rm -f "$work/root/$build/$2"
    # shellcheck disable=SC2086
    $LINK -o "$work/root/$build/$2" "$work/changed.o" $objects $LIBRARIES 2>>"$log"
}

# The test's command in the shadow tree, whose build folder has the changed programs.
run_test() { # test
    case $1 in
    cli/*) link_program rundown rundown && (cd "$work/root" && BUILD=$build timeout "$LIMIT" sh "tests/$1.sh") ;;
    litmus/*) link_program compare tests/litmus/generated/compare && (cd "$work/root" && timeout "$LIMIT" sh "$build/tests/$1.run") ;;
    *) link_program "$1" "tests/unit/$1" && (cd "$work/root" && timeout "$LIMIT" "$build/tests/unit/$1") ;;
    esac >"$log" 2>&1 </dev/null
}

apply() { # patch
    source=$(sed -n 's/^+++ b\///p' "$1")
    [ -f "$source" ] || { echo "it does not patch exactly one source"; return 1; }
    rm -rf "$work/tree"
    mkdir -p "$work/tree/$(dirname "$source")"
    cp "$source" "$work/tree/$source"
    patch -s -f -l -p1 -d "$work/tree" <"$1" >"$log" 2>&1 || { echo "the patch does not apply to $source any more"; return 1; }
}

try_mutant() { # name, patch
    $COMPILE -w -c "$work/tree/$source" -o "$work/changed.o" 2>"$log" || { echo "not ok - $1: the changed $source does not compile"; return; }
    for test in $(header "$2" tests); do
        run_test "$test"
        status=$?
        if grep -q '^/usr/bin/ld\|undefined reference' "$log"; then
            echo "not ok - $1: $test cannot be linked"
            return
        fi
        if [ $status -ne 0 ]; then
            by=$(sed -n 's/^not ok [0-9]* - //p' "$log" | head -n 1)
            if [ -z "$by" ] && [ $status -eq 124 ]; then
                by="needs too long"
            elif [ -z "$by" ] && [ $status -ge 128 ]; then
                by="ends with status $status"
            elif [ -z "$by" ]; then
                echo "not ok - $1: $test cannot be run (status $status)"
                sed 's/^/# /' "$log" | head -n 5
                return
            fi
            echo "ok - $1 is killed by $test: $by"
            return
        fi
    done
    echo "not ok - $1 is noticed by nobody ($(sed -n '1s/^# //p' "$2"))"
}

filter=$(printf '%s' "${RUNDOWN_TEST:-}" | tr '[:upper:]' '[:lower:]')
case $filter in
'') ;;
*host*) [ $# -gt 0 ] || set -- all ;;
*) [ $# -gt 0 ] || set -- "$filter" ;;
esac

rm -rf "$work"
mkdir -p "$work/root"
if [ $# -gt 0 ]; then
    for entry in *; do
        [ "$entry" = "$build" ] || ln -s "$PWD/$entry" "$work/root/$entry"
    done
    mkdir "$work/root/$build" "$work/root/$build/tests"
    for entry in "$build"/*; do
        case $entry in */tests | */rundown) ;; *) ln -s "$PWD/$entry" "$work/root/$entry" ;; esac
    done
    for entry in "$build"/tests/*; do
        case $entry in */unit | */mutants) ;; *) cp -rs "$PWD/$entry" "$work/root/$build/tests/" ;; esac
    done
    mkdir -p "$work/root/$build/tests/unit"
fi

number=0 failed=0
for patch in tests/mutants/host/*.patch; do
    name=$(basename "$patch" .patch)
    wanted=$([ $# -eq 0 ] && echo true || echo false)
    for pattern in "$@"; do
        case $name in *"$pattern"*) wanted=true ;; esac
        [ "$pattern" != all ] || wanted=true
    done
    $wanted || continue
    number=$((number + 1))
    if ! trouble=$(apply "$patch"); then
        line="not ok - $name: $trouble"
    elif [ $# -eq 0 ]; then
        line="ok - $name applies"
    else
        source=$(sed -n 's/^+++ b\///p' "$patch")
        line=$(try_mutant "$name" "$patch")
    fi
    case $line in "not ok"*) failed=1 ;; esac
    printf '%s\n' "$line" | sed "1s/ - / $number - /"
done
[ $number -gt 0 ] || { number=1; echo "ok 1 - no mutant # SKIP none has such a name"; }
echo "1..$number"
exit $failed
