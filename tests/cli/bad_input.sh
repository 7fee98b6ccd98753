#!/bin/sh
# Bad input is refused with one line that names the file and what is wrong; nothing is written.
. tests/cli/support/tap.sh

driver=$build/samples/004-remove-lock/lower.sys
in=$work/in
mkdir -p "$in/folder.sys" "$in/folder.lua"
cp "$driver" "$in/good.sys"

# copy NAME OFFSET BYTES: the good driver with some bytes changed; offsets from the PE header are given as +N.
pe=$(od -An -tu4 -j60 -N4 "$driver" | tr -d ' ')
copy() {
    cp "$driver" "$in/$1"
    case $2 in
    +*) at=$((pe + ${2#+})) ;;
    *) at=$2 ;;
    esac
    printf "$3" | dd of="$in/$1" bs=1 seek=$at conv=notrunc 2>/dev/null
}

refuses "a missing driver" "none.sys" check "$in/none.sys"
refuses "a missing scenario" "none.lua" check "$in/none.lua"
refuses "a folder as a driver" "folder.sys" check "$in/folder.sys"
refuses "a folder as a scenario" "folder.lua" check "$in/folder.lua"
refuses "a file that is neither" "neither a scenario" check "$in/good.txt"
refuses "a scenario among drivers" "give it alone" check "$in/good.sys" "$in/x.lua"
refuses "the same driver twice" "given twice" check "$in/good.sys" "$in/good.sys"

: >"$in/empty.sys"
refuses "an empty driver" "empty.sys" check "$in/empty.sys"
echo "this is not an image" >"$in/text.sys"
refuses "a driver that is text" "text.sys" check "$in/text.sys"
copy mz.sys 0 'ZM'
refuses "no MZ" "mz.sys" check "$in/mz.sys"
copy far.sys 60 '\377\377\377\177'
refuses "a PE header outside of the file" "far.sys" check "$in/far.sys"
copy signature.sys +0 'NE'
refuses "no PE signature" "signature.sys" check "$in/signature.sys"
copy i386.sys +4 '\114\001'
refuses "a 32-bit driver" "32-bit" check "$in/i386.sys"
copy arm64.sys +4 '\144\252'
refuses "an ARM64 driver" "ARM64" check "$in/arm64.sys"
copy magic.sys +24 '\013\001'
refuses "a PE32 optional header" "magic.sys" check "$in/magic.sys"
size=$(wc -c <"$driver")
for part in 1 2 4 8 16 64; do
    head -c $((size / part - 1)) "$driver" >"$in/cut$part.sys"
    case $part in
    1) ;; # debug information at the end may be missing a byte without harm
    *) refuses "a driver cut to 1/$part" "cut$part.sys" check "$in/cut$part.sys" ;;
    esac
done

scenario() { printf '%s\n' "$2" >"$in/$1.lua"; }
scenario unknown_verb 'driver "good.sys"
thread("a", function(t) t:fly() end)'
refuses "a scenario with an unknown verb names the line" "unknown_verb.lua:2: " check "$in/unknown_verb.lua"
scenario wrong_type 'driver "good.sys"

thread("a", function(t) t:close(7) end)'
refuses "a wrong type names the line" "wrong_type.lua:3: " check "$in/wrong_type.lua"
scenario missing_driver 'driver "none.sys"'
refuses "a missing driver names the line" "missing_driver.lua:1: " check "$in/missing_driver.lua"
scenario syntax 'driver "good.sys"
thread("a", function(t)'
refuses "a syntax error names the line" "syntax.lua:" check "$in/syntax.lua"
scenario endless 'while true do end'
refuses "an endless scenario ends" "endless.lua:1: " check "$in/endless.lua"
scenario memory 'local s = "x" while true do s = s .. s end'
refuses "a scenario that eats memory ends" "memory" check "$in/memory.lua"
printf '\033Lua\124\000\031\223' >"$in/binary.lua"
refuses "a compiled scenario" "binary.lua" check "$in/binary.lua"
scenario bad_driver 'driver "text.sys"'
refuses "a scenario's driver that is no image" "text.sys" check "$in/bad_driver.lua"

scenario good 'driver "good.sys"'
refuses "an output folder that does not exist" "/nowhere/x.rdn" check "$in/good.lua" -o /nowhere/x.rdn
refuses "a folder as output" "cannot write" check "$in/good.lua" -o "$in/folder.sys"
refuses "a missing kernel" "none.exe" check "$in/good.lua" --kernel "$in/none.exe"
refuses "a base that is not in the image range" "base" check "$in/good.lua" --base 0x1000
refuses "a base that is not aligned" "base" check "$in/good.lua" --base 0xFFFFF80001000001
cp "$driver" "$in/kernel.exe"
cp "$build/guest/hal.dll" "$in/hal.dll"
refuses "a driver as the kernel" "kernel.exe" check "$in/good.lua" --kernel "$in/kernel.exe"
done_testing
