# Sourced by the tests of this folder: TAP, a scratch folder, and the check that bad input is refused in one line.
# $BUILD is the build folder; $RUNDOWN becomes the program's absolute path.
: "${BUILD:=build}"
case $BUILD in
/*) build=$BUILD ;;
*) build=$PWD/$BUILD ;;
esac
RUNDOWN=$build/rundown
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
count=0 bad=0

result() { # true or false, name
    count=$((count + 1))
    if [ "$1" = true ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        bad=1
    fi
}
done_testing() {
    echo "1..$count"
    exit $bad
}
# run ARGS...: in $work/here; leaves $status, $work/stdout, $work/stderr.
run() {
    mkdir -p "$work/here"
    (cd "$work/here" && "$RUNDOWN" "$@") >"$work/stdout" 2>"$work/stderr" </dev/null
    status=$?
}
explain() {
    echo "# command: rundown $*"
    echo "# exit status $status"
    sed 's/^/# stdout: /' "$work/stdout" | head -n 20
    sed 's/^/# stderr: /' "$work/stderr" | head -n 20
}
# refuses NAME PATTERN ARGS...: exit status 2, nothing on stdout, one line on stderr that has PATTERN, no file written.
refuses() {
    name=$1 pattern=$2
    shift 2
    mkdir -p "$work/here"
    ls -lR "$work/here" >"$work/before"
    run "$@"
    ls -lR "$work/here" >"$work/after"
    good=true
    [ "$status" -eq 2 ] || good=false
    [ ! -s "$work/stdout" ] || good=false
    [ "$(wc -l <"$work/stderr")" -eq 1 ] || good=false
    grep -q '^rundown: ' "$work/stderr" || good=false
    grep -qF -- "$pattern" "$work/stderr" || good=false
    cmp -s "$work/before" "$work/after" || good=false
    [ $good = true ] || explain "$@"
    result $good "$name"
}
