driver "thread_exit_cancels.sys"
thread ("tester", function (t)
  local h = t:open [[\\.\LoadTest]]
  t:expect (0)
  t:ioctl (h, 0x222000, { async = true })
end)
thread ("closer", function (t)
  t:delay (1)
end)
