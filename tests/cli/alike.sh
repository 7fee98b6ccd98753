#!/bin/sh
# Threads that run the same steps are explored in one order, and the claim says so; what one of them alone could tell is not lost.
. tests/cli/support/tap.sh

mkdir -p "$work/drivers"
cp "$build/tests/cli/drivers/alike.sys" "$work/drivers"
scenario() { # NAME THREAD:CODE...; EXTRA stands behind
    file=$work/drivers/$1.lua
    shift
    {
        echo 'driver "alike.sys"'
        for thread in "$@"; do
            printf 'thread ("%s", function (t)\n  local h = t:open ([[\\\\.\\Alike]], { kernel = true })\n  t:ioctl (h, %s)\nend)\n' \
                "${thread%%:*}" "${thread#*:}"
        done
        echo "$extra"
    } >"$file"
}
member() { sed -n "s/^ *\"$1\": *\"\{0,1\}\(.*[^\",]\)\"\{0,1\},*\$/\1/p" "$work/stdout" | head -n 1; }
check() {
    run check --json -o found.rdn "$@"
    executions=$(member executions) claim=$(member claim)
}
expect() { # NAME CONDITION...
    name=$1
    shift
    good=true
    "$@" || good=false
    [ $good = true ] || { echo "# executions $executions, claim: $claim"; explain "$name"; }
    result $good "$name"
}
extra=
scenario count a:0x222000 b:0x222000
scenario three a:0x222000 b:0x222000 c:0x222000
scenario other a:0x222000 b:0x222008
scenario collide a:0x222004 b:0x222004
scenario ids a:0x222008 b:0x222008
extra='thread ("d", function (t) t:suspend "a" t:resume "a" end)'
scenario named a:0x222000 b:0x222000

check "$work/drivers/count.lua"
expect "the claim names threads that were taken in one order" [ "$claim" = \
    'every interleaving explored, equal threads (a and b) in one order' ]
one=$executions
check --no-symmetry "$work/drivers/count.lua"
expect "--no-symmetry takes them in every order" [ "$claim" = 'every interleaving explored' ]
expect "... which is twice as many for two" [ "$executions" -eq $((2 * one)) ]
check "$work/drivers/three.lua"
expect "three are named as three" [ "$claim" = 'every interleaving explored, equal threads (a, b and c) in one order' ]
one=$executions
check --no-symmetry "$work/drivers/three.lua"
expect "... and several times as many in every order" [ "$executions" -gt $((2 * one)) ]
check --jobs 2 "$work/drivers/three.lua"
expect "two jobs explore as many as one" [ "$executions" -eq "$one" ]
check "$work/drivers/other.lua"
expect "threads with other steps are not equal" [ "$claim" = 'every interleaving explored' ]
check "$work/drivers/named.lua"
expect "nor are those that a step names" [ "$claim" = 'every interleaving explored' ]
check --cpus 2 "$work/drivers/count.lua"
expect "nor those that share processors" [ "${claim#*equal}" = "$claim" ]
check "$work/drivers/collide.lua"
expect "equal threads that collide are found" [ "$status" -eq 1 ]
run replay found.rdn
expect "... and replayed" [ "$status" -eq 1 ]
check "$work/drivers/ids.lua"
expect "a driver that compares their numbers sees them in every order" [ "$status" -eq 1 ]
run check --checkpoint search --executions 1 "$work/drivers/three.lua"
refuses "a checkpoint of one is not taken for the other" "search" check --no-symmetry --resume search "$work/drivers/three.lua"
done_testing
