driver "entry_environment.sys"
thread ("tester", function (t)
  local h = t:open [[\\.\LoadTest]]
  t:expect (0)
  t:ioctl (h, 0x222000)
  t:expect (0xC0000010)
end)
