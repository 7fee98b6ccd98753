#!/bin/sh
# `kill -9` at twenty random moments, resumed each time: the same result set. Once on a check that holds and once on one that
# collects violations, with one job and two by turns. A check that comes to its end before it is killed must already have the
# result, and begins again, so that there are twenty kills on any machine. KILL_SEED gives other moments.
. tests/cli/support/tap.sh

samples=$build/samples/004-remove-lock
KILLS=20
seed=${KILL_SEED:-1}
mkdir -p "$work/here" "$work/drivers"
cp "$samples"/*.sys "$work/drivers"

# Three clients that do not close their handles: a tree for some seconds.
scenario_of() { # UPPER
    cat >"$work/drivers/$1.lua" <<EOF
os_version "win7"
driver "lower.sys"
driver "upper-$1.sys"
device ("upper", { "lower", "upper-$1" })
for i = 1, 3 do
  thread ("client" .. i, function (t)
    local h = t:open ([[\\\\.\\Upper]], { kernel = true })
    t:ioctl (h, 0x222000)
  end)
end
thread ("pnp", function (t)
  t:remove_device "upper"
end)
EOF
    echo "$work/drivers/$1.lua"
}

# What a check found, from its JSON: the verdict, the claim, each violation that it met, and where none was how many executions there
# are. (With violations, executions that growth made void count too, and how many these were depends on when it was killed.)
result_set() {
    sed -n 's/^ *"\(verdict\|claim\|key\|shared_locations\)": /\1 /p' "$work/stdout" | sort -u
    grep -q '"verdict": "violation"' "$work/stdout" || sed -n 's/^ *"executions": /executions /p' "$work/stdout"
}

begin() { # JOBS OPTIONS...: $whole is its process
    jobs=$1
    shift
    if [ -f "$work/here/state" ]; then set -- "$@" --resume state; else set -- "$@" --checkpoint state; fi
    (cd "$work/here" && exec "$RUNDOWN" check --json --jobs "$jobs" "$@") >"$work/stdout" 2>"$work/stderr" </dev/null &
    whole=$!
}

# Waits for the end; whether the result is that of the first run.
ends_alike() {
    wait $whole 2>/dev/null
    status=$?
    alike
}
alike() {
    result_set >"$work/now"
    [ $status -eq $expected ] && cmp -s "$work/first" "$work/now"
}

kill_and_resume() { # NAME OPTIONS...
    name=$1
    shift
    run check --json --jobs 1 "$@"
    expected=$status
    result_set >"$work/first"
    good=true
    grep -q '^claim "every interleaving explored"' "$work/first" || good=false
    kills=0 resumed=0 ends=0
    rm -f "$work/here/state"
    for moment in $(awk -v seed="$seed" -v n=$KILLS 'BEGIN { srand(seed); for (i = 0; i < n; i++) printf "%.2f\n", 0.05 + 0.8 * rand() }'); do
        while :; do
            [ ! -f "$work/here/state" ] || resumed=$((resumed + 1))
            begin $((1 + kills % 2)) "$@"
            sleep "$moment"
            kill -9 $whole 2>/dev/null
            wait $whole 2>/dev/null
            status=$?
            [ $status -ne 137 ] || break
            ends=$((ends + 1))
            [ $ends -lt 200 ] || break 2 # too short a check for this machine
            alike || good=false
            rm -f "$work/here/state"
        done
        kills=$((kills + 1))
    done
    begin 2 "$@"
    ends_alike || good=false
    echo "# killed $kills times at random moments (seed $seed), resumed $resumed times, came to its end $ends times before"
    [ $good = true ] || { diff "$work/first" "$work/now" | sed 's/^/# /'; explain "$name"; }
    result $good "$name"
    good=true
    [ $kills -eq $KILLS ] && [ $resumed -ge 10 ] || good=false
    result $good "... twenty times, and most of them in the middle of it"
}

kill_and_resume "a check that holds, killed and resumed, explores the same executions" "$(scenario_of acquire-twice)"
kill_and_resume "one that collects violations, killed and resumed, finds the same ones" --all -o found.rdn \
    "$(scenario_of completion-only)"
done_testing
