# Sourced by the tests of this folder, behind tests/cli/support/tap.sh: failures to look at, and what a script printed.
samples=$build/samples

# failure NAME SCENARIO: $work/NAME.rdn.
failure() {
    "$RUNDOWN" check "$2" -o "$work/$1.rdn" >"$work/found" 2>&1 || true
    [ -s "$work/$1.rdn" ] || { cat "$work/found"; echo "Bail out! no failure in $2"; exit 1; }
}
# debug NAME COMMANDS: leaves what they printed in $work/stdout, $status.
debug() {
    commands=$2
    "$RUNDOWN" debug "$work/$1.rdn" -c "$2" >"$work/stdout" 2>"$work/stderr" </dev/null
    status=$?
}
# says NAME PATTERN: a line matches (extended regular expression).
says() {
    good=true
    [ "$status" -eq 0 ] || good=false
    grep -qE -- "$2" "$work/stdout" || good=false
    [ $good = true ] || { echo "# commands: $commands"; echo "# exit status $status, no line matches: $2"; sed 's/^/# /' "$work/stdout" "$work/stderr"; }
    result $good "$1"
}
# says_not NAME PATTERN
says_not() {
    good=true
    ! grep -qE -- "$2" "$work/stdout" || good=false
    [ $good = true ] || { echo "# commands: $commands"; echo "# a line matches: $2"; sed 's/^/# /' "$work/stdout"; }
    result $good "$1"
}
# answer N: what the Nth command printed, without its prompt line.
answer() {
    awk -v n="$1" '/^[0-9]+: kd> / { k++; next } k == n' "$work/stdout"
}
