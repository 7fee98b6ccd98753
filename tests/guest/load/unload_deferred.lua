driver "unload_deferred.sys"
thread ("tester", function (t)
  local h = t:open [[\\.\LoadTest]]
  t:ioctl (h, 0x222000)
  t:unload "unload_deferred"
  t:expect (0)
  t:open [[\\.\LoadTest]]
  t:ioctl (h, 0x222000)
  t:expect (0)
  t:close (h)
end)
