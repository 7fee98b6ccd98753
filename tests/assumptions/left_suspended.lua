-- A thread is suspended and nobody resumes it. Nobody waits for it either.
driver "busy_dispatch.sys"

thread ("target", function (t)
  t:delay (1)
end)

thread ("controller", function (t)
  t:suspend "target"
end)
