#!/bin/sh
# Volumes and files in scenarios: what the verbs do, that bad options are refused, and how far two threads' requests are
# explored.
. tests/cli/support/tap.sh
drivers=$build/tests/cli/drivers
mkdir -p "$work/here"

# scenario NAME: a scenario with a driver, from standard input.
scenario() {
    { echo 'driver ("print.sys", { load = false })'; cat; } >"$work/here/$1.lua"
}
# check NAME WANTED SENTENCE: check gives this exit status; stdout stays for a further look.
check() {
    (cd "$work/here" && RUNDOWN_DRIVERS=$drivers "$RUNDOWN" check "$1.lua") >"$work/stdout" 2>"$work/stderr" </dev/null
    status=$?
    good=true
    [ $status -eq "$2" ] || good=false
    [ $good = true ] || explain check "$1.lua"
    result $good "$3"
}
executions() { sed -n 's/^no violation in \([0-9]*\) executions: every interleaving explored.*/\1/p' "$work/stdout"; }

scenario verbs <<'LUA'
mount {}
thread ("a", function (t)
  local folder = t:open ([[C:\folder]], { create = "create", directory = true, expect = "STATUS_SUCCESS" })
  local h = t:open ([[C:\folder\one]], { create = "create", access = "read write delete", share = "read write delete",
                                         expect = "STATUS_SUCCESS" })
  t:write (h, { input = "text", offset = 0, expect = "STATUS_SUCCESS" })
  t:read (h, { output = 8, offset = 0, expect = "STATUS_SUCCESS" })
  t:read (h, { output = 8, offset = 4, expect = "STATUS_END_OF_FILE" })
  t:query (h, "FileStandardInformation", { output = 24, expect = "STATUS_SUCCESS" })
  t:query (h, 5, { output = 8, expect = "STATUS_INFO_LENGTH_MISMATCH" })
  t:set_info (h, "FileEndOfFileInformation", { input = string.pack ("<i8", 2), expect = "STATUS_SUCCESS" })
  t:rename (h, "two", { expect = "STATUS_SUCCESS" })
  t:rename (h, [[C:\three]], { expect = "STATUS_SUCCESS" })
  t:list (folder, "*.none", { expect = "STATUS_NO_SUCH_FILE" })
  t:query_volume (h, "FileFsSizeInformation", { output = 24, expect = "STATUS_SUCCESS" })
  t:flush (h) t:expect "STATUS_SUCCESS"
  t:delete [[C:\folder\two]] t:expect "STATUS_OBJECT_NAME_NOT_FOUND"
  t:delete [[C:\three]] t:expect "STATUS_SUCCESS"
  t:open ([[C:\three]], { share = "read write delete" }) t:expect "STATUS_DELETE_PENDING"
  t:close (h)
  t:open [[\\.\C:\three]] t:expect "STATUS_OBJECT_NAME_NOT_FOUND"
  t:open ([[C:\folder]], { file = true }) t:expect "STATUS_FILE_IS_A_DIRECTORY"
  t:close (folder)
  t:delete [[C:\folder]] t:expect "STATUS_SUCCESS"
end)
LUA
check verbs 0 "files are made, changed, listed and deleted"

scenario second <<'LUA'
thread ("a", function (t)
  t:mount { device = [[\Device\HarddiskVolume7]], link = [[\DosDevices\X:]], expect = "STATUS_SUCCESS" }
  t:open ([[X:\file]], { create = "create", delete_on_close = true, access = "read delete" }) t:expect "STATUS_SUCCESS"
  t:mount { device = [[\Device\HarddiskVolume7]], link = [[\DosDevices\Y:]] } t:expect "STATUS_OBJECT_NAME_COLLISION"
  local v = t:open ([[X:]], { access = "read" })
  t:fsctl (v, 0x90028) t:expect "STATUS_SUCCESS"
end)
LUA
check second 0 "a thread mounts a volume under a name of its own"

scenario wrong <<'LUA'
mount {}
thread ("a", function (t)
  t:open ([[C:\absent]]) t:expect "STATUS_SUCCESS"
end)
LUA
check wrong 1 "an open that fails as it should not is a violation"

# Two threads, one file each: opens meet at the volume's tree, and opens and closes at the counts of the disk's device and
# its VPB; reads and writes meet nowhere. A thread's open and close come in this order, so there are C(4,2) = 6 orders.
# With one file all four requests of a thread (a close is cleanup and close in one) meet all of the other's: C(8,4) = 70, and half as
# many with the equal threads in one order.
two_threads() {
    cat <<LUA
mount {$2}
for i = 1, 2 do
  thread ("t" .. i, function (t)
    local h = t:open ([[C:\\]] .. $1, { create = "open_if", expect = "STATUS_SUCCESS" })
    t:write (h, { input = "hello", offset = 0, expect = "STATUS_SUCCESS" })
    t:read (h, { output = 16, offset = 0, expect = "STATUS_SUCCESS" })
    t:close (h)
  end)
end
LUA
}
two_threads '"file" .. i' | scenario different
check different 0 "different files: every interleaving is explored"
different=$(executions)
result "$([ "${different:-0}" -eq 6 ] && echo true || echo false)" "different files: the six orders of opens and closes"
two_threads '"same"' | scenario same
check same 0 "the same file: every interleaving is explored"
same=$(executions)
result "$([ "${same:-0}" -eq 35 ] && echo true || echo false)" "the same file: the seventy orders of all requests, by equal threads"
two_threads '"file" .. i' 'pend = true' | scenario pend
check pend 0 "requests that may pend: every interleaving is explored"
pend=$(executions)
result "$([ "${pend:-0}" -gt "${different:-0}" ] && echo true || echo false)" "requests that may pend: each does and does not"
echo "# executions: different $different, same $same, may pend $pend"

# Two threads that race for one name: exactly one creates it, and which one is explored.
scenario race <<'LUA'
mount {}
thread ("a", function (t) t:open ([[C:\name]], { create = "create" }) t:expect "STATUS_SUCCESS" end)
thread ("b", function (t) t:open ([[C:\name]], { create = "create" }) end)
LUA
check race 1 "the loser of a race for a name is found"

in=$work/here
refuse() { # NAME PATTERN LUA...
    sentence=$1 pattern=$2
    shift 2
    printf '%s\n' "driver (\"good.sys\", { load = false })" "$@" >"$in/refused.lua"
    refuses "$sentence" "$pattern" run "$in/refused.lua"
}
cp "$drivers/print.sys" "$in/good.sys"
refuse "an unknown option of mount" 'refused.lua:2: mount: unknown option "size"' 'mount { size = 3 }' 'thread ("a", function (t) end)'
refuse "a volume's name that is none" 'refused.lua:2: mount: option device' 'mount { device = "C" }' 'thread ("a", function (t) end)'
refuse "a link that is not ASCII" 'refused.lua:2: mount: option link' 'mount { link = "\u{e9}" }' 'thread ("a", function (t) end)'
refuse "mount inside a thread's function as a statement" 'does not belong' 'thread ("a", function (t) mount {} end)'
refuse "an unknown word for access" 'unknown word "reed"' 'thread ("a", function (t) t:open ("C:", { access = "reed" }) end)'
refuse "two words for a disposition" 'expected one word' 'thread ("a", function (t) t:open ("C:", { create = "open create" }) end)'
refuse "an unknown information class" 'unknown name "FileBasic"' \
    'thread ("a", function (t) local h = t:open "C:" t:query (h, "FileBasic", {}) end)'
refuse "an unknown option of rename" 'rename: unknown option "force"' \
    'thread ("a", function (t) local h = t:open "C:" t:rename (h, "x", { force = true }) end)'
done_testing
