#!/bin/sh
# Does anybody notice when the kernel is wrong? Builds the kernel with one seeded mistake at a time (`list`), in a folder of
# its own, and runs the test drivers that should fail. A mutant is killed when a test fails, a run ends otherwise than
# it should, or its time is up.
#   run_mutants.sh RUNDOWN BUILD GUEST_TESTS_SOURCES
# COMPILE and LINK (environment) are the commands that build the kernel; KILLS is the number that must be killed.
set -u
rundown=$1 build=$2 tests=$3
here=$(dirname "$0")
work=$build/tests/mutants
mkdir -p "$work"
killed=0 total=0 number=0 failed=0
lines=$(grep -v '^#' "$here/list")

# Builds the mutant of one file: the other objects are the kernel's own.
mutate() { # name, file, sed expression
    source=guest/ntos/$2
    folder=$work/$1
    rm -rf "$folder"
    mkdir -p "$folder"
    sed "$3" "$source" >"$folder/$(basename "$2")"
    if cmp -s "$source" "$folder/$(basename "$2")"; then
        echo "# $1: the sed expression changes nothing in $source"
        return 1
    fi
    object=$build/guest/ntos/${2%.c}.o
    $COMPILE -c "$folder/$(basename "$2")" -o "$folder/mutant.o" 2>"$folder/log" || { sed 's/^/# /' "$folder/log"; return 1; }
    $LINK -o "$folder/ntoskrnl.exe" $(printf '%s\n' $OBJECTS | sed "s|^$object\$|$folder/mutant.o|") "$build/guest/ntoskrnl.def" \
        2>"$folder/log" || { sed 's/^/# /' "$folder/log"; return 1; }
    cp "$build/guest/hal.dll" "$folder/"
}

echo "1..2"
tab=$(printf '\t')
while IFS=$tab read -r name file expression drivers; do
    total=$((total + 1))
    if ! mutate "$name" "$file" "$expression"; then
        failed=1
        continue
    fi
    by=
    for driver in $drivers; do
        mkdir -p "$work/$name/run"
        cp "$build/tests/guest/$driver.sys" "$work/$name/run/"
        if ! timeout 20 sh "$tests/run_guest.sh" "$tests" "$rundown" "$work/$name/run/$driver.sys" \
            --kernel "$work/$name/ntoskrnl.exe" >"$work/$name/$driver.log" 2>&1; then
            by=$driver
            break
        fi
    done
    if [ -n "$by" ]; then
        killed=$((killed + 1))
        rm -rf "${work:?}/$name"
    else
        echo "# survives: $name ($file), seen by: $drivers"
    fi
done <<LINES
$lines
LINES
[ $failed -eq 0 ] && echo "ok 1 - every mutant could be built" || echo "not ok 1 - every mutant could be built"
if [ $killed -ge "$KILLS" ]; then
    echo "ok 2 - $killed of $total mutants of the kernel are noticed"
else
    echo "not ok 2 - $killed of $total mutants of the kernel are noticed, $KILLS must be"
    failed=1
fi
exit $failed
