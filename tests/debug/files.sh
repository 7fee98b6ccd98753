#!/bin/sh
# What is no failure of this build is refused in one line; what is wrong in a script costs one line and not the session.
. tests/cli/support/tap.sh
. tests/debug/support/debug.sh
failure lock "$samples/004-remove-lock/completion-only.lua"
mkdir -p "$work/here"
refuses "no file" "expected one failure file" debug
refuses "a file that is not there" "none.rdn" debug none.rdn
printf 'x' >"$work/here/text.rdn"
refuses "a file that is no failure" "not a failure file" debug text.rdn
head -c 200 "$work/lock.rdn" >"$work/here/cut.rdn"
refuses "a file that was cut short" "cut.rdn" debug cut.rdn
refuses "an unknown option" "unknown option --cpus" debug --cpus 2 "$work/lock.rdn"
refuses "-c without commands" "needs a value" debug "$work/lock.rdn" -c
cp -r "$build/guest" "$work/guest"
printf 'x' >>"$work/guest/hal.dll"
refuses "a failure of another build" "another build" debug "$work/lock.rdn" --kernel "$work/guest/ntoskrnl.exe"
sed 's/"decisions": "[^"]*"/"decisions": "63 62"/' "$work/lock.rdn" >"$work/here/changed.rdn"
refuses "a failure that somebody changed" "damaged" debug changed.rdn -c k
printf 'k 1\n\n.echo first; .echo second\nnonsense\n? 1 +\n.echo still here\nq\n.echo never\n' |
    "$RUNDOWN" debug "$work/lock.rdn" >"$work/stdout" 2>"$work/stderr"
status=$? commands="a script on standard input"
says "a script on standard input" '^second$'
says "errors do not end it" '^still here$'
says_not "q does" '^never$'
good=true
[ ! -s "$work/stderr" ] || good=false
result $good "nothing on standard error"
printf '.echo no newline' | "$RUNDOWN" debug "$work/lock.rdn" >"$work/stdout" 2>"$work/stderr"
status=$? commands="a script without a last newline"
says "a last line without its end" '^no newline$'

# A failure of other drivers than those that are there now.
mkdir "$work/away"
cp "$samples/004-remove-lock/lower.sys" "$samples/004-remove-lock/upper-completion-only.sys" "$samples/004-remove-lock/completion-only.lua" "$work/away/"
"$RUNDOWN" check "$work/away/completion-only.lua" -o "$work/away/f.rdn" >"$work/found" 2>&1 || true
printf 'x' >>"$work/away/lower.sys"
refuses "a driver that has changed" "has changed since the failure was found" debug "$work/away/f.rdn" -c k
rm "$work/away/lower.sys"
refuses "a driver that is gone" "lower.sys" debug "$work/away/f.rdn" -c k
refuses "a folder" "away" debug "$work/away" -c k
head -c 100000 /dev/urandom >"$work/here/noise.rdn"
refuses "noise" "not a failure file" debug noise.rdn -c k

# Debug information that is damaged, or somebody else's: fewer names, the same session.
mkdir "$work/symbols"
objects=$build/tests/debug/drivers/objects.sys
for kind in noise short other; do
    cp "$build/tests/debug/drivers/objects.lua" "$work/symbols/$kind.lua"
    case $kind in
    noise) head -c 20000 /dev/urandom >"$work/section" ;;
    short) printf '\377\377\377\377\001' >"$work/section" ;;
    other) x86_64-w64-mingw32-objcopy --dump-section .debug_info="$work/section" "$build/tests/debug/drivers/long.sys" "$work/unchanged" ;;
    esac
    mkdir "$work/symbols/$kind"
    x86_64-w64-mingw32-objcopy --update-section .debug_info="$work/section" "$objects" "$work/symbols/$kind/objects.sys" 2>/dev/null
    cp "$work/symbols/$kind.lua" "$work/symbols/$kind/objects.lua"
    "$RUNDOWN" check "$work/symbols/$kind/objects.lua" -o "$work/$kind.rdn" >"$work/found" 2>&1 || true
    [ -s "$work/$kind.rdn" ] || sed 's/^/# /' "$work/found"
    debug $kind 'k; x objects!*; dt objects!_EXTENSION; .frame /r 1; ln objects!Stop; u objects!Stop l2; !analyze -v; .echo alive'
    says "$kind in place of debug information: the stack is the same" '^[0-9a-f`]+ [0-9a-f`]+ objects(!Stop)?\+0x'
    says "... the module is known" '^MODULE_NAME:  objects$'
    good=true
    [ "$(answer 3 | wc -l)" -eq 1 ] || good=false
    [ $good = true ] || answer 3 | sed 's/^/# /'
    result $good "... a type that is not known is one line"
    says "... and the session goes on" '^alive$'
done

# Commands with operands that mean nothing: one line each. Those that list a thing whole have no operand, as in WinDbg.
"$RUNDOWN" debug "$work/lock.rdn" -c '.echo =====; .help' 2>/dev/null </dev/null | sed '1,/^=====$/d; /^[0-9]*: kd> /d; s/  .*//' |
    awk '{ for (i = 1; i <= NF && $i !~ /^[[A-Z]/; i++) print $i }' |
    grep -vxE 'q|qd|\.echo|\.log[a-z]*|!analyze|!dpcs|!positions|!running|!stacks|!timer|\.bugcheck|bl' >"$work/names"
sed 's/$/ )(nope!nope/' "$work/names" | "$RUNDOWN" debug "$work/lock.rdn" >"$work/stdout" 2>&1
awk '/^[0-9]+: kd> / { if (command != "" && lines != 1) print command ": " lines " lines"; command = $0; lines = 0; next }
    { lines++ } END { if (lines != 1) print command ": " lines " lines" }' "$work/stdout" >"$work/wrong"
good=true
[ -s "$work/names" ] && [ ! -s "$work/wrong" ] || { good=false; sed 's/^/# /' "$work/wrong"; }
result $good "operands that mean nothing are one line, whatever the command"
done_testing
