driver "dpc_at_unload.sys"
thread ("tester", function (t)
  t:unload "dpc_at_unload"
  t:expect (0)
end)
