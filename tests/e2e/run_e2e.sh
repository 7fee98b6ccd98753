#!/bin/sh
# The samples' verdicts, by reason, whatever built the drivers:
#   run_e2e.sh RUNDOWN BUILD_FOLDER MAKE COMPILER OPTIMISATION     with and without symbols
#   run_e2e.sh RUNDOWN BUILD_FOLDER MAKE moved                     under other file names and at another base address
# What is expected says samples/*/verdicts; the scenarios of verdicts-further are run with two of these builds.
set -u
rundown=$1 build=$2 make=$3 compiler=$4 optimisation=${5:-}
. tests/e2e/build.sh
expected=$build/verdicts
failure=$build/$compiler$optimisation.rdn
number=0 failed=0
field() { printf '%s\n' "$report" | sed -n "s/^.*\"$1\": *\"\{0,1\}\([^\",}]*\).*$/\1/p" | head -n 1; }

# Checks one scenario against its line: description, scenario, verdict, rule, codes, culprits, options...
verdict() {
    description=$1 scenario=$2 verdict=$3 rule=$4 codes=$5 culprits=$6
    shift 6
    number=$((number + 1))
    command="$rundown check --json $* -o $failure $scenario"
    report=$($command 2>&1)
    status=$?
    good=true
    case $verdict in holds | none) wanted=0 ;; *) wanted=1 ;; esac
    [ $status -eq $wanted ] || { echo "# expected exit status $wanted, got $status"; good=false; }
    case "|$rule|" in
    '|-|' | *"|$(field rule)|"*) ;;
    *) echo "# rule: expected $rule, got $(field rule)"; good=false ;;
    esac
    case "|$codes|" in
    '|-|' | *"|$(field code)|"*) ;;
    *) echo "# code: expected $codes, got $(field code)"; good=false ;;
    esac
    if [ "$culprits" != - ]; then
        function=$(field culprit | sed 's/^.*!//; s/+.*$//')
        case "|$culprits|" in
        *"|$function|"*) ;;
        *) echo "# culprit: expected $culprits, got $(field culprit)"; good=false ;;
        esac
    fi
    if [ $good = true ]; then
        echo "ok $number - $description $verdict"
    else
        printf '%s\n' "$report" | head -n 60 | sed 's/^/# /'
        echo "# again: $command"
        echo "not ok $number - $description $verdict"
        failed=1
    fi
}

# The same drivers under other file names, wherever a scenario names them; ours keep theirs.
rename_sample() { # from folder, to folder
    mkdir -p "$2"
    for f in "$1"/*.sys; do cp "$f" "$2/x$(basename "$f")"; done
    for f in "$1"/*.lua; do
        sed -e 's/\([a-z-]*\)\.sys"/x\1.sys"/g' -e 's/"xfltmgr\.sys"/"fltmgr.sys"/' -e 's/\(load\|unload_filter\) "\([a-z-]*\)"/\1 "x\2"/' \
            -e '/^device/s/"\(lower\)"/"x\1"/' -e '/^device/s/"\(upper-[a-z-]*\)"/"x\1"/' "$f" >"$2/$(basename "$f")"
    done
}

all() { # table, description, samples folder, keep culprits?, options...
    table=$1 what=$2 folder=$3 names=$4
    shift 4
    while read -r sample variant wanted rule codes culprits options; do
        [ "$names" = yes ] || culprits=-
        # shellcheck disable=SC2086
        verdict "$sample/$variant $what" "$folder/$sample/${variant%%:*}.lua" "$wanted" "$rule" "$codes" "$culprits" \
            $options "$@" </dev/null
    done <<LINES
$(cat "$table")
LINES
}

mkdir -p "$build"
variants=$(grep -c . "$expected.table")
further=$(grep -c . "$expected-further.table")
if [ "$compiler" = moved ]; then
    echo "1..$((variants * 2))"
    build_samples "$make" "$build" x86_64-w64-mingw32-gcc -O2
    for sample in $(cut -d' ' -f1 "$expected.table" | sort -u); do
        rename_sample "$built/samples/$sample" "$build/renamed/$sample"
    done
    all "$expected.table" renamed "$build/renamed" yes
    all "$expected.table" "at another base" "$built/samples" yes --base 0xFFFFF80001850000
    exit $failed
fi
case $compiler$optimisation in
*gcc-O2 | clang-O0) echo "1..$((variants * 2 + further))" ;;
*) echo "1..$((variants * 2))"; further= ;;
esac
build_samples "$make" "$build" "$compiler" "$optimisation"
all "$expected.table" "by $compiler $optimisation" "$built/samples" yes
[ -z "$further" ] || all "$expected-further.table" "by $compiler $optimisation" "$built/samples" yes
strip_samples "$make" "$build" "$compiler" "$optimisation"
all "$expected.table" "by $compiler $optimisation stripped" "$built/samples" no
exit $failed
