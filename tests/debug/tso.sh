#!/bin/sh
# A failure that exists only with store buffers (drivers/barrier.c): walked in both directions, with the stores that wait.
. tests/cli/support/tap.sh
. tests/debug/support/debug.sh
drivers=$build/tests/debug/drivers
good=true
"$RUNDOWN" check "$drivers/barrier.lua" >"$work/plain" 2>&1 || good=false
result $good "without store buffers there is no violation"
"$RUNDOWN" check --tso "$drivers/barrier.lua" -o "$work/tso.rdn" >"$work/found" 2>&1 || true
[ -s "$work/tso.rdn" ] || { sed 's/^/# /' "$work/found"; echo "Bail out! no failure with --tso"; exit 1; }
"$RUNDOWN" replay "$work/tso.rdn" >"$work/replay" 2>&1
[ $? -eq 1 ] && result true "with them there is one, and it replays" || result false "with them there is one, and it replays"

debug tso '!stores; bu barrier!Enter; g-; g-; !hash; g; !positions; bc *; g; !hash'
says "at the violation no store waits: the kernel has emptied the buffer" '^No store waits'
end=$(answer 10)
# From the violation back to the first request's entry, and forwards instruction by instruction.
debug tso '!hash; bu barrier!Enter; g-; g-; !hash; t 5; t- 5; !hash; bc *; g; !hash'
good=true
[ -n "$end" ] && [ "$(answer 1)" = "$end" ] && [ "$(answer 11)" = "$end" ] || good=false
[ "$(answer 5)" = "$(answer 8)" ] && echo "$end" | grep -q ', 0 repairs$' || good=false
[ $good = true ] || sed 's/^/# /' "$work/stdout"
result $good "forwards and backwards through stores that wait, the states are the same"
debug tso '!hash; t- 0n40; g; !hash; !tt 0; !tt 50; t 0n100; !tt 100; !hash'
good=true
[ "$(answer 1)" = "$end" ] && [ "$(answer 4)" = "$end" ] && [ "$(answer 9)" = "$end" ] || good=false
[ $good = true ] || sed 's/^/# /' "$work/stdout"
result $good "... also over the fence, stepping back"

# Where the other processor's load has found nothing, both stores wait.
debug tso '!whowrote barrier!Wants l4; !whowrote barrier!Wants+4 l4'
says "!whowrote names the place where a store became visible" ', whose store becomes visible here$'
says "... and the instruction that stored" '^barrier!Enter\+0x[0-9a-f]+ \[barrier\.c @ 21\]:$'
later=$(sed -n 's/^Go there: !tt //p' "$work/stdout" | sed -n 1p)
sooner=$(sed -n 's/^Go there: !tt //p' "$work/stdout" | sed -n 2p)
debug tso "!tt $sooner; !stores; dd barrier!Wants l2; !whowrote barrier!Wants l4; t-; t; !stores; !tt $later; !stores; dd barrier!Wants l2"
says "!stores shows both processors' stores, with place, value and line" \
    '^ +5  0  [0-9a-f`]+ 00000001 to barrier!Wants by barrier!Enter\+0x[0-9a-f]+ \[barrier\.c @ 21\]$'
says "..." '^ +6  0  [0-9a-f`]+ 00000001 to barrier!Wants\+0x4 by barrier!Enter\+0x[0-9a-f]+ \[barrier\.c @ 21\]$'
good=true
answer 3 | grep -q ' 00000000 00000000$' && answer 10 | grep -q ' 00000000 00000001$' || good=false
result $good "memory is what everybody sees: without them"
says "!whowrote says that a store waits" '^A store of processor 5 to it waits to become visible'
good=true
[ "$(answer 2)" = "$(answer 7)" ] && [ "$(answer 9 | grep -c ' to barrier!Wants')" -eq 1 ] || good=false
result $good "stores come back when time goes back, and leave one after the other"
good=true
for what in barrier!Wants barrier!Wants+4 barrier!Entered @rsp; do
    debug tso "!whowrote $what l4; !whowrote /e $what l4"
    [ -n "$(answer 1)" ] && [ "$(answer 1)" = "$(answer 2)" ] || { good=false; sed 's/^/# /' "$work/stdout"; }
done
result $good "looking at every instruction finds the same"
debug tso '!stores 5'
says "!stores has no operand" '^!stores: takes no operand$'
done_testing
