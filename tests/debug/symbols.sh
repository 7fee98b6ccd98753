#!/bin/sh
# Names, lines and types from a PDB, and where it is looked for: one driver built with DWARF and with a PDB (tests/debug/pdb).
. tests/cli/support/tap.sh
. tests/debug/support/debug.sh
source=tests/debug/pdb/typed.c
built=$build/tests/debug/pdb
line_of() {
    awk -v words="line: $1 \\*/" '$0 ~ words { print NR }' "$source"
}
# looks NAME OPTIONS...: checks $work/alone, leaves the report in $work/stdout, warnings in $work/stderr.
looks() {
    "$RUNDOWN" check "$@" "$work/alone/typed.lua" -o "$work/alone.rdn" >"$work/stdout" 2>"$work/stderr" </dev/null
    status=$?
}
has() {
    good=true
    [ "$status" -eq 1 ] || good=false
    grep -qE -- "$2" "$work/stdout" || good=false
    [ $good = true ] || { echo "# no line matches: $2"; sed 's/^/# /' "$work/stdout" "$work/stderr"; }
    result $good "$1"
}
has_names() {
    has "$1" '^rule: use-after-free  culprit: typed!Middle\+'
    good=true
    grep -qE "typed!Middle\+0x[0-9a-f]+ \[typed\.c @ $(line_of middle)\]$" "$work/stdout" || good=false
    [ ! -s "$work/stderr" ] || { good=false; sed 's/^/# stderr: /' "$work/stderr"; }
    result $good "... its lines too, and nothing is complained of"
}
# warns NAME PATTERN: one line, and the names are those of the image alone.
warns() {
    good=true
    [ "$(wc -l <"$work/stderr")" -eq 1 ] || good=false
    grep -qE -- "^rundown: typed\.sys: .*$2" "$work/stderr" || good=false
    ! grep -q 'typed\.c' "$work/stdout" || good=false
    [ "$status" -eq 1 ] || good=false
    [ $good = true ] || { echo "# exit status $status, expected: $2"; sed 's/^/# stderr: /' "$work/stderr"; }
    result $good "$1"
}
alone() {
    rm -rf "$work/alone" "$work/dir"
    mkdir -p "$work/alone" "$work/dir"
    cp "$built/pdb/typed.sys" "$built/pdb/typed.lua" "$work/alone/"
}

# --- names and lines
failure pdb "$built/pdb/typed.lua"
cp "$work/found" "$work/stdout"
status=1
has "the culprit's function comes from the PDB" '^rule: use-after-free  culprit: typed!Middle\+'
has "a line of the stack has the function that was inlined last" "^\(Inline Function\) -+\`-+ typed!ReadFreed \[typed\.c @ $(line_of read)\]$"
has "... the one it was inlined into, at its call" "^\(Inline Function\) -+\`-+ typed!Outer \[typed\.c @ $(line_of outer)\]$"
has "... and the one that has the address" " typed!Middle\+0x[0-9a-f]+ \[typed\.c @ $(line_of middle)\]$"
debug pdb 'x typed!*; ln typed!Plain+2; u typed!Plain l2; k 3; lm m typed'
says "x lists functions without a frame" '^[0-9a-f]{8}`[0-9a-f]{8}          typed!Plain$'
says "x lists static data" '^[0-9a-f]{8}`[0-9a-f]{8}          typed!Hidden$'
says "x lists imports" ' typed!__imp_DbgPrint$'
says_not "x does not list texts" 'typed!\?\?_C'
says "ln knows the source line" 'typed\.c\([0-9]+\)\+$'
says "ln knows what is near" '   typed!Plain\+0x2   \|  '
says "u heads a function with its name" '^typed!Plain:$'
says "lm says where the names are from" '^[0-9a-f]{8}`[0-9a-f]{8} [0-9a-f]{8}`[0-9a-f]{8}   typed   \(pdb symbols\)  .*/pdb/typed\.pdb$'
says "k shows inlined functions" '^\(Inline Function\) .* typed!ReadFreed '
debug pdb 'bu typed!Plain; g-; gu-; ? typed!Favourite; dd typed!Favourite l1'
says "breakpoints are set by names from a PDB" '^typed!Plain:$'
says "a step out of it ends in front of the call" '^typed!Control\+0x'
says "variables have addresses" '^[0-9a-f]{8}`[0-9a-f]{8}  00000002$'

# --- types
failure dwarf "$built/dwarf/typed.lua"
types='dt typed!EXTENSION; dt typed!_EXTENSION; dt typed!BITS; dt typed!POINT; dt typed!LATER; dt typed!COLOUR; dt typed!CALLBACK;
dt typed!_IRP; dt typed!_DEVICE_OBJECT; dt typed!_DRIVER_OBJECT; dt typed!_IO_STACK_LOCATION; dt typed!_FILE_OBJECT; dt typed!_KAPC;
dt typed!_LARGE_INTEGER; dt typed!_UNICODE_STRING; dt typed!Favourite; dt typed!Table; dt -r2 typed!EXTENSION poi(typed!Global);
dt typed!_EXTENSION Bits poi(typed!Global); dt typed!EXTENSION Named.Nested.Y poi(typed!Global); dt typed!EXTENSION Nothing'
types=$(echo "$types" | tr '\n' ' ')
for kind in dwarf pdb; do
    debug $kind "$types"
    # What the linkers placed differs: addresses inside the image. And the first lines, of where it stopped.
    sed -n '/kd> dt/,$p' "$work/stdout" | sed 's/0xfffff80001[0-9a-f]*/0xIMAGE/' >"$work/$kind.types"
done
good=true
cmp -s "$work/dwarf.types" "$work/pdb.types" || { good=false; diff "$work/dwarf.types" "$work/pdb.types" | sed 's/^/# /' | head -n 40; }
[ "$(wc -l <"$work/pdb.types")" -gt 250 ] || good=false
result $good "dt says the same from a PDB and from DWARF"
says "a structure has its fields" '^   \+0x010 Bits             : BITS$'
says "... with the bits' places" '^ +\+0x000 Middle           : 0y1100100$'
says "... those of anonymous members as its own" '^   \+0x006 Third            : 0x33 '
says "... and enumerators by name" '^   \+0x[0-9a-f]{3} Colour           : 305419896 \( FAR_AWAY \)$'
says "... and what a pointer to a function points to" ' +typed!Plain$'
debug pdb 'dt typed!*EXTENSION; dt typed!NOTHING'
says "dt lists types by pattern" '^ +typed!_EXTENSION$'
says "an unknown type is one line" '^Symbol NOTHING not found\.$'

# --- where a PDB is looked for
alone
looks
has "without a PDB there are exports" '^rule: use-after-free  culprit: typed!Middle\+'
has "... and offsets in the module" ' typed\+0x[0-9a-f]+$'
good=true
[ ! -s "$work/stderr" ] && ! grep -q 'typed\.c\|typed!Control' "$work/stdout" || good=false
result $good "... and nothing is made up or complained of"
debug alone 'x typed!*; dt typed!EXTENSION; lm'
says "the debugger has exports and imports then" ' typed!__imp_DbgPrint$'
says "... says that it has no more" '   typed   \(export symbols\)  .*/typed\.sys$'
says "... that the kernel has" '   nt   \(dwarf symbols\)  .*/ntoskrnl\.exe$'
says "... and that types are missing" '^Module typed has no debug information$'

key=$(llvm-pdbutil pdb2yaml -pdb-stream "$built/pdb/typed.pdb" | sed -n 's/^ *Guid: *.{\(.*\)}.*/\1/p' | tr -d -)1
cp "$built/pdb/typed.pdb" "$work/dir/"
looks --symbols "$work/dir"
has_names "a PDB is found in a folder"
alone
mkdir -p "$work/dir/typed.pdb/$key"
cp "$built/pdb/typed.pdb" "$work/dir/typed.pdb/$key/"
looks --symbols "$work/alone" --symbols "$work/dir"
has_names "a PDB is found in a symbol store"
"$RUNDOWN" replay --symbols "$work/dir" "$work/alone.rdn" >"$work/stdout" 2>"$work/stderr"
has_names "... by replay"
"$RUNDOWN" debug --symbols "$work/dir" "$work/alone.rdn" -c 'dt typed!BITS' >"$work/stdout" 2>"$work/stderr"
status=$?
says "... by debug" '^   \+0x000 Low              : Pos 0, 3 Bits$'
"$RUNDOWN" run --symbols "$work/dir" "$work/alone/typed.lua" >"$work/stdout" 2>"$work/stderr"
status=$?
has_names "... by run"
alone
low=$(echo "$key" | tr A-F a-f)
mkdir -p "$work/dir/ty/Typed.PDB/$low"
cp "$built/pdb/typed.pdb" "$work/dir/ty/Typed.PDB/$low/TYPED.pdb"
looks --symbols "$work/dir"
has_names "... in a store of two levels, in any case"
alone
mkdir -p "$work/dir/typed.pdb/$key"
: >"$work/dir/typed.pdb/$key/typed.pd_"
looks --symbols "$work/dir"
warns "a compressed file in a store is told of" 'typed\.pd_ is not used: it is compressed; expand it first$'
alone
cp "$built/recorded/typed.sys" "$work/alone/"
looks
has_names "a PDB is found where the linker recorded it"
alone
mv "$work/alone/typed.sys" "$work/alone/other.sys"
sed 's/typed\.sys/other.sys/' "$built/pdb/typed.lua" >"$work/alone/typed.lua"
cp "$built/pdb/typed.pdb" "$work/alone/other.pdb"
looks
has "a renamed driver finds its renamed PDB" "other!Middle\+0x[0-9a-f]+ \[typed\.c @ $(line_of middle)\]$"

# --- what is not used
alone
cp "$built/recorded/pdb/typed.pdb" "$work/alone/"
looks
warns "a PDB of another build is refused" "typed\.pdb is not used: it is of another build \(GUID and age [0-9A-F]{33}, the image's are $key\)$"
has "... and names are the exports" '^rule: use-after-free  culprit: typed!Middle\+'
cp "$built/pdb/typed.pdb" "$work/dir/"
looks --symbols "$work/dir"
has_names "... unless the right one turns up"
debug alone 'dt typed!EXTENSION; k 2'
good=true
[ "$(wc -l <"$work/stderr")" -eq 1 ] || good=false
result $good "the debugger says it once"
alone
head -c 40000 "$built/pdb/typed.pdb" >"$work/alone/typed.pdb"
looks
warns "a PDB that was cut off is one line" 'typed\.pdb is not used: damaged: '
echo 'not a PDB' >"$work/alone/typed.pdb"
looks
warns "a file that is no PDB is one line" 'typed\.pdb is not used: not a PDB file$'
rm "$work/alone/typed.pdb"
mkfifo "$work/alone/typed.pdb"
looks
good=true
[ ! -s "$work/stderr" ] && [ "$status" -eq 1 ] || good=false
result $good "what is no file is passed by"
refuses "symbols in a folder that is not there" "--symbols: $work/nowhere is not a folder" check --symbols "$work/nowhere" "$work/alone/typed.lua"

# --- images that were stripped
alone
cp "$built/dwarf/typed.sys" "$work/alone/"
x86_64-w64-mingw32-strip "$work/alone/typed.sys"
looks
has "a stripped image has its exports" ' typed!Middle\+0x[0-9a-f]+$'
good=true
! grep -qE 'typed!Middle\+0x[1-9a-f][0-9a-f]{2}' "$work/stdout" && grep -qE ' typed\+0x[0-9a-f]+$' "$work/stdout" || good=false
result $good "... which do not name the function behind"
cp "$built/dwarf/typed.sys" "$work/dir/"
looks --symbols "$work/dir"
has_names "a stripped image is known again by its code"
"$RUNDOWN" debug --symbols "$work/dir" "$work/alone.rdn" -c 'dt typed!BITS; x typed!Hidden' >"$work/stdout" 2>"$work/stderr"
status=$?
says "... with its types" '^   \+0x000 Low              : Pos 0, 3 Bits$'
says "... and its symbol table" ' typed!Hidden$'
cp "$built/pdb/typed.sys" "$work/dir/"
looks --symbols "$work/dir"
good=true
! grep -q 'typed\.c' "$work/stdout" && [ ! -s "$work/stderr" ] || good=false
result $good "an image of the same name with other code is not taken for it"

# --- images in a store
alone
looks
mkdir -p "$work/dir/typed.sys/0000000012345" "$work/dir/typed.sys/1234567843000"
echo other >"$work/dir/typed.sys/0000000012345/typed.sys"
mv "$work/alone/typed.sys" "$work/dir/typed.sys/1234567843000/"
refuses "a failure whose driver has gone" 'typed.sys' replay "$work/alone.rdn"
"$RUNDOWN" replay --symbols "$work/dir" "$work/alone.rdn" >"$work/stdout" 2>"$work/stderr"
status=$?
has "a failure's driver is found in a symbol store, by its content" '^rule: use-after-free  culprit: typed!Middle\+'
done_testing
