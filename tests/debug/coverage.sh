#!/bin/sh
# Every command that .help lists is run by a test of this folder: a new one without a test fails here, by its name.
. "${0%/*}/../cli/support/tap.sh"
. tests/debug/support/debug.sh
failure long "$build/tests/debug/drivers/long.lua"

# What the scripts give the debugger: `debug FAILURE COMMANDS`, `question COMMANDS`, and `says` and `refused NAME COMMANDS` of
# kernel.sh. Commands stand between semicolons; the number of k5, bp1 and ~0s belongs to the argument.
awk -v quote="'" '
function string(text, from,   rest, close_at, q) { # the quoted string that begins first; what follows is left in Rest
    rest = substr(text, from)
    match(rest, "[\"" quote "]")
    if (RSTART == 0) { Rest = ""; return "" }
    q = substr(rest, RSTART, 1)
    rest = substr(rest, RSTART + 1)
    close_at = index(rest, q)
    if (close_at == 0) close_at = length(rest) + 1
    Rest = substr(rest, close_at + 1)
    return substr(rest, 1, close_at - 1)
}
{ at = 0 }
$1 == "debug" || $1 == "question" || $1 == "ask" { commands = string($0, 1); at = 1 }
($1 == "says" || $1 == "refused") && FILENAME ~ /kernel\.sh$/ { string($0, 1); commands = string(Rest, 1); at = 1 }
at {
    n = split(commands, each, ";")
    for (i = 1; i <= n; i++) {
        sub(/^ +/, "", each[i])
        split(each[i], word, " ")
        print word[1]
        sub(/[0-9]+s?$/, "", word[1])
        print word[1]
        print substr(word[1], 1, 1) == "?" ? "?" : word[1]
    }
}' tests/debug/*.sh | sort -u >"$work/run"

# .help has the names of a command first, then its syntax in capitals or brackets, or blanks.
"$RUNDOWN" debug "$work/long.rdn" -c '.echo =====; .help' 2>/dev/null </dev/null | sed '1,/^=====$/d; /^[0-9]*: kd> /d' |
    sed 's/  .*//' | awk '{ for (i = 1; i <= NF && $i !~ /^[[A-Z]/; i++) print $i }' | sort -u >"$work/list"
for expected in k g- '?' '~' ba !analyze !whowrote .frame dt; do
    grep -qxF -- "$expected" "$work/list" || echo "Bail out! .help does not list '$expected'"
done
while read -r name; do
    good=true
    grep -qxF -- "$name" "$work/run" || good=false
    result $good "a test runs $name"
done <"$work/list"
done_testing
