#!/bin/sh
# The verdict table: runs every scenario of every sample, compares what it says with the sample's `verdicts` by reason
# (verdict, rule, bugcheck code, culprit), and the table in samples/README.md with what was found.
#   run_verdicts.sh RUNDOWN BUILT_SAMPLES          TAP
#   run_verdicts.sh RUNDOWN BUILT_SAMPLES --bless  writes the table into samples/README.md
# The table's executions are those of the compiler that built the samples; they are written, but a difference in them is only
# mentioned, since another compiler or kernel moves them.
set -u
rundown=$1 built=$2 bless=${3:-}
readme=samples/README.md
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
table=$work/table number=0 bad=0
field() { sed -n "s/^ \"$1\": *\"\{0,1\}\([^\",]*\).*$/\1/p" "$work/report" | head -n 1; }

say() { # true or false, name
    number=$((number + 1))
    if [ "$1" = true ]; then echo "ok $number - $2"; else echo "not ok $number - $2"; bad=1; fi
}
differs() { # what, wanted, found
    [ "$2" != - ] || return 1
    case "|$2|" in *"|$3|"*) return 1 ;; esac
    echo "# $1: expected $2, got $3"
}

# One row: sample, name, verdict, rule, code, culprit, options...
row() {
    sample=$1 name=$2 wanted=$3 rule=$4 code=$5 culprit=$6
    shift 6
    scenario=$built/$sample/${name%%:*}.lua
    command="$rundown check --jobs 1 --json $* -o $work/failure.rdn $scenario"
    $command >"$work/report" 2>"$work/errors" </dev/null
    status=$?
    found_rule=$(field rule) found_code=$(field code) found_culprit=$(field culprit | sed 's/^.*!//; s/+.*$//')
    case $status:$found_rule in
    1:hang) verdict=hangs ;;
    1:*) verdict=breaks ;;
    0:*) verdict=none; grep -q '"claim": "every interleaving' "$work/report" && verdict=holds ;;
    *) verdict="exit status $status" ;;
    esac
    good=true
    differs verdict "$wanted" "$verdict" && good=false
    differs rule "$rule" "${found_rule:--}" && good=false
    differs code "$code" "$found_code" && good=false
    differs culprit "$culprit" "$found_culprit" && good=false
    if [ $good = false ]; then
        sed 's/^/# /' "$work/errors" | head -n 5
        echo "# again: $command"
    fi
    say $good "$sample/$name $wanted"
    [ "$found_code" != 0x0 ] || found_code=
    printf '| `%s/%s` | %s | %s | %s | %s | %s |\n' "$sample" "$name" "$verdict" "${found_rule:+\`$found_rule\`}" \
        "$found_code" "${found_culprit:+\`$found_culprit\`}" "$(field executions)" >>"$table"
}

begin='<!-- verdicts: written by make bless-verdicts -->' end='<!-- end of verdicts -->'
printf '%s\n' "$begin" '| variant | verdict | rule | bugcheck | culprit | executions |' '|---|---|---|---|---|---|' >"$table"
for folder in samples/*/; do
    sample=$(basename "$folder")
    [ -f "$folder/verdicts" ] || { say false "$sample has a file \`verdicts\`"; continue; }
    while read -r name wanted rule code culprit options; do
        case $name in '' | '#'*) continue ;; esac
        row "$sample" "$name" "$wanted" "$rule" "$code" "$culprit" $options
    done <<LINES
$(cat "$folder/verdicts" "$folder/verdicts-further" 2>/dev/null)
LINES
    for scenario in "$built/$sample"/*.lua; do
        name=$(basename "$scenario" .lua)
        grep -qs "^$name[: ]" "$folder/verdicts" "$folder/verdicts-further" ||
            say false "$sample/$name has a line in ${folder}verdicts or verdicts-further"
    done
done
echo "$end" >>"$table"

# Without the executions: what is compared.
reasons() { sed 's/ [0-9]* |$/ |/'; }
if [ "$bless" = --bless ]; then
    [ $bad -eq 0 ] || { echo "the samples do not say what their verdicts files expect: nothing written" >&2; exit 1; }
    awk -v begin="$begin" -v end="$end" -v table="$table" '
        $0 == begin { while ((getline line < table) > 0) print line; inside = 1 }
        !inside { print }
        $0 == end { inside = 0 }' "$readme" >"$work/readme" && cat "$work/readme" >"$readme"
    exit
fi
sed -n "/^$begin\$/,/^$end\$/p" "$readme" >"$work/old"
reasons <"$work/old" >"$work/old.reasons"
reasons <"$table" >"$work/new.reasons"
if cmp -s "$work/old.reasons" "$work/new.reasons"; then
    say true "samples/README.md has the table of verdicts"
    cmp -s "$work/old" "$table" || echo "# other numbers of executions than in $readme: make bless-verdicts writes them"
else
    diff -u "$work/old.reasons" "$work/new.reasons" | sed 's/^/# /'
    echo "# the table in $readme is stale: make bless-verdicts"
    say false "samples/README.md has the table of verdicts"
fi
echo "1..$number"
exit $bad
