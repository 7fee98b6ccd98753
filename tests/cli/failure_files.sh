#!/bin/sh
# Failure files from check to replay: the same report, the same bytes, and nothing that is damaged or that no longer
# fits is replayed.
. tests/cli/support/tap.sh

sample=$build/samples/004-remove-lock
mkdir -p "$work/here/drivers"
cp "$sample"/*.sys "$sample"/completion-only.lua "$sample"/acquire-twice.lua "$work/here/drivers"

run check drivers/completion-only.lua
cp "$work/stdout" "$work/report"
good=true
[ $status -eq 1 ] || good=false
[ -f "$work/here/completion-only.rdn" ] || good=false
grep -q '^rule: execute-unloaded-image  culprit: lower!' "$work/stdout" || good=false
grep -q '^INTERLEAVING:' "$work/stdout" || good=false
[ ! -s "$work/stderr" ] || good=false
[ $good = true ] || explain check
result $good "a violation is reported and written to NAME.rdn here"

cp "$work/here/completion-only.rdn" "$work/first.rdn"
run check drivers/completion-only.lua
good=true
cmp -s "$work/first.rdn" "$work/here/completion-only.rdn" || good=false
result $good "checking again writes the same bytes"

run replay completion-only.rdn
good=true
[ $status -eq 1 ] && grep -q '^reproduced' "$work/stdout" && [ ! -s "$work/stderr" ] || good=false
[ $good = true ] || explain replay
result $good "the failure is reproduced"

# Up to the interleaving's end both reports say the same.
sed '/^failure file:/,$d; /^explored:/,$d' "$work/report" >"$work/a"
sed '/^reproduced/,$d' "$work/stdout" >"$work/b"
good=true
cmp -s "$work/a" "$work/b" || { good=false; diff "$work/a" "$work/b" | head -n 20 | sed 's/^/# /'; }
result $good "the replay's report is the report of the check"

(cd / && "$RUNDOWN" replay "$work/here/completion-only.rdn") >"$work/stdout" 2>"$work/stderr"
status=$?
good=true
[ $status -eq 1 ] || good=false
[ $good = true ] || explain replay
result $good "the failure is reproduced from another folder"

mkdir -p "$work/elsewhere"
cp "$work/first.rdn" "$work/here/drivers"/*.sys "$work/elsewhere"
(cd / && "$RUNDOWN" replay "$work/elsewhere/first.rdn") >"$work/stdout" 2>"$work/stderr"
status=$?
good=true
[ $status -eq 1 ] || good=false
[ $good = true ] || explain replay
result $good "the failure is reproduced where its drivers lie beside it"

run replay --json completion-only.rdn
good=true
[ $status -eq 1 ] && grep -q '"rule": "execute-unloaded-image"' "$work/stdout" || good=false
result $good "the replay's JSON has the rule"

# Damage.
file=$work/first.rdn
size=$(wc -c <"$file")
here=$work/here
refuses "a missing failure file" "none.rdn" replay none.rdn
refuses "a folder as a failure file" "drivers" replay drivers
for at in 0 1 20 $((size / 4)) $((size / 2)) $((size * 3 / 4)) $((size - 40)); do
    cp "$file" "$here/damaged.rdn"
    printf '\001' | dd of="$here/damaged.rdn" bs=1 seek=$at conv=notrunc 2>/dev/null
    refuses "a byte destroyed at $at" "damaged.rdn" replay damaged.rdn
done
for part in 2 3 10; do
    head -c $((size / part)) "$file" >"$here/damaged.rdn"
    refuses "cut to 1/$part" "damaged.rdn" replay damaged.rdn
done
: >"$here/damaged.rdn"
refuses "empty" "damaged.rdn" replay damaged.rdn
sed 's/"decisions": "\([0-9]*\)/"decisions": "9/' "$file" >"$here/damaged.rdn"
refuses "decisions changed by hand" "damaged" replay damaged.rdn
sed 's/"rundown": 1/"rundown": 2/' "$file" >"$here/damaged.rdn"
refuses "another version" "version 2" replay damaged.rdn
cp "$sample/acquire-twice.lua" "$here/damaged.rdn"
refuses "a scenario as a failure file" "damaged.rdn" replay damaged.rdn
rm "$here/damaged.rdn"

# Drivers that are not what they were.
cp "$file" "$here/first.rdn"
printf 'x' >>"$here/drivers/lower.sys"
refuses "a changed driver" "has changed" replay first.rdn
rm "$here/drivers/lower.sys"
refuses "a missing driver" "lower.sys" replay first.rdn
cp "$sample/lower.sys" "$here/drivers"
mkdir -p "$work/guest"
cp "$build"/guest/*.exe "$build"/guest/*.dll "$build"/guest/*.sys "$work/guest"
printf 'x' >>"$work/guest/hal.dll"
refuses "another guest kernel" "another build" replay first.rdn --kernel "$work/guest/ntoskrnl.exe"

# A clean check writes nothing.
rm -f "$here"/*.rdn
run check drivers/acquire-twice.lua
good=true
[ $status -eq 0 ] || good=false
[ -z "$(ls "$here" | grep rdn)" ] || good=false
tail -n 1 "$work/stdout" | grep -q '^no violation in [0-9]* executions: every interleaving explored$' || good=false
[ $good = true ] || explain check
result $good "a clean check ends with its claim and writes no file"
done_testing
