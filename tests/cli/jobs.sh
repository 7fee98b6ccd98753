#!/bin/sh
# A check of a real driver by several processes, in parts, and in several goes: always the same executions as in one.
. tests/cli/support/tap.sh

samples=$build/samples/004-remove-lock
scenario=$samples/acquire-twice-pended-work-item.lua # some thousand executions
buggy=$samples/completion-only.lua
last() { tail -n 1 "$1"; }
is() { # NAME CONDITION...
    name=$1
    shift
    good=true
    "$@" || good=false
    [ $good = true ] || explain "$name"
    result $good "$name"
}
claims_everything() { [ $status -eq 0 ] && [ "$(last "$work/stdout")" = "$expected" ]; }
in_here() { (cd "$work/here" && "$@"); }

run check --jobs 1 "$scenario"
expected=$(last "$work/stdout")
is "one job explores everything" grep -q ': every interleaving explored$' "$work/stdout"
run check --jobs 2 "$scenario"
is "two jobs explore the same executions" claims_everything

# Three clients that do not close their handles: a tree for some seconds.
mkdir -p "$work/long"
cp "$samples"/*.sys "$work/long"
cat >"$work/long/two.lua" <<'EOF'
os_version "win7"
driver "lower.sys"
driver "upper-acquire-twice.sys"
device ("upper", { "lower", "upper-acquire-twice" })
for i = 1, 3 do
  thread ("client" .. i, function (t)
    local h = t:open ([[\\.\Upper]], { kernel = true })
    t:ioctl (h, 0x222000)
  end)
end
thread ("pnp", function (t)
  t:remove_device "upper"
end)
EOF
# Under sanitizers the shorter one is long enough.
[ "${MODE:-release}" != release ] || scenario=$work/long/two.lua
run check --jobs 1 "$scenario"
expected=$(last "$work/stdout")
is "a longer check" grep -q ': every interleaving explored$' "$work/stdout"

# Workers killed at random moments: the coordinator is the parent of the others.
mkdir -p "$work/here"
(cd "$work/here" && exec "$RUNDOWN" check --jobs 2 --checkpoint killed "$scenario") >"$work/stdout" 2>"$work/stderr" </dev/null &
coordinator=$!
kills=0
for moment in 1 2 3 4 5 6 7 8 9 10; do
    sleep 0.3
    for worker in $(cat "/proc/$coordinator/task/$coordinator/children" 2>/dev/null); do
        kill -9 "$worker" 2>/dev/null && kills=$((kills + 1))
        break
    done
done
wait $coordinator
status=$?
echo "# $kills workers killed"
is "workers that are killed lose nothing" claims_everything

# The whole killed is the affair of kills.sh.
run check --checkpoint state "$scenario"
is "a check that is kept explores the same executions" claims_everything
run check --resume state "$scenario"
is "a finished one says so again" claims_everything

run check --checkpoint limited --executions 500 "$scenario"
is "a limit ends a check that is being kept" grep -q 'not finished: execution limit reached$' "$work/stdout"
run check --resume limited "$scenario"
is "... which goes on without it" claims_everything

scenario=$samples/acquire-twice-pended-work-item.lua
run check --jobs 1 "$scenario"
expected=$(last "$work/stdout")
run check --checkpoint limited --executions 500 "$scenario"

# What is no checkpoint of this check.
refuses "a checkpoint that is not there" "nothing" check --resume nothing "$scenario"
refuses "a checkpoint of another scenario" "another check" check --resume limited "$samples/acquire-twice.lua"
refuses "a checkpoint of the same with another option" "another check" check --faults 1 --resume limited "$scenario"
head -c 3000 "$work/here/limited" >"$work/here/short"
refuses "half a checkpoint" "damaged" check --resume short "$scenario"
tr '\000' '\001' <"$work/here/limited" >"$work/here/changed"
refuses "a changed checkpoint" "damaged" check --resume changed "$scenario"
refuses "any other file" "not a checkpoint" check --resume "$scenario" "$scenario"
refuses "a place where none can be written" "cannot write a checkpoint" check --checkpoint none/state "$scenario"
refuses "a checkpoint of samples" "belongs to strategy dpor" check --strategy pct --checkpoint x "$scenario"

# Parts.
for part in 1 2 3; do
    run check --json --shard $part/3 "$scenario"
    cp "$work/stdout" "$work/here/part$part"
done
run merge part1 part2 part3
is "three parts are the whole" claims_everything
run merge part3 part1
is "a missing part is named, and nothing claimed" grep -q 'not finished: part 2 of 3 is missing$' "$work/stdout"
run check --json --shard 1/3 --executions 5 "$scenario"
cp "$work/stdout" "$work/here/part1"
run merge part1 part2 part3
is "a part that did not end leaves nothing to claim" grep -q 'not finished: part 1 of 3: .*execution limit reached$' "$work/stdout"
for part in 1 2; do
    run check --all --json -o bug$part.rdn --shard $part/2 "$buggy"
    cp "$work/stdout" "$work/here/bug$part"
done
run merge bug1 bug2
is "violations of parts are counted together" [ $status -eq 1 ]
is "... each once" [ "$(grep -c ' times  rule: execute-unloaded-image  culprit: lower!' "$work/stdout")" -eq 2 ]
refuses "results of two checks" "another check" merge part1 bug2
refuses "one part twice" "twice" merge part1 part1
refuses "what is no result" "not a result" merge "$scenario"
refuses "no results" "nothing to merge" merge
refuses "part 0" "--shard" check --shard 0/3 "$scenario"
refuses "a part behind the last" "--shard" check --shard 4/3 "$scenario"
done_testing
