driver "no_unload.sys"
thread ("tester", function (t)
  t:unload "no_unload"
  t:expect (0xC0000010)
  local h = t:open [[\\.\LoadTest]]
  t:expect (0)
  t:ioctl (h, 0x222000)
  t:expect (0)
  t:close (h)
  t:expect (0)
end)
