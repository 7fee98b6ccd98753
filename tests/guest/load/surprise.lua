driver "surprise.sys"
device ("instance", { "surprise" })
thread ("tester", function (t)
  t:query_capabilities "instance"
  t:expect (0)
  t:query_power ("instance", "D3")
  t:expect (0)
  t:power ("instance", "D3")
  t:expect (0)
  local h = t:open [[\\.\LoadTest]]
  t:expect (0)
  t:surprise_remove "instance"
  t:expect (0)
  t:open [[\\.\LoadTest]]
  t:expect (0xC000000E) -- STATUS_NO_SUCH_DEVICE
  t:remove_device "instance"
  t:expect (0xC000000E)
  t:ioctl (h, 0x222000)
  t:expect (0)
  t:close (h)
end)
