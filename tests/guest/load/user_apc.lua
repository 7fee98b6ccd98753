driver "user_apc.sys"
thread ("waiter", function (t)
  local h = t:open [[\\.\LoadTest]]
  t:expect (0)
  t:ioctl (h, 0x222000)
  t:ioctl (h, 0x222004)
  t:close (h)
end)
thread ("other", function (t)
  t:delay (1)
  t:queue_apc "waiter"
  t:delay (100)
  t:queue_apc "waiter"
end)
