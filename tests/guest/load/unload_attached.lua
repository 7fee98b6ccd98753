driver "unload_attached.sys"
thread ("tester", function (t)
  local h = t:open [[\\.\LoadTest]]
  t:expect (0)
  t:close (h)
  t:unload "unload_attached"
  t:expect (0)
end)
