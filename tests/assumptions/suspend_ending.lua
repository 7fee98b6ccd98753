-- A thread that somebody has told to end can be suspended no more: nothing holds it back.
driver "busy_dispatch.sys"

thread ("target", function (t)
  t:delay (1)
end)

thread ("controller", function (t)
  t:terminate "target"
  t:suspend "target"
  t:expect (0xC000004B) -- STATUS_THREAD_IS_TERMINATING
end)
