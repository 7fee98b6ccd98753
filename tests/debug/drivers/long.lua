-- Two threads, one of which computes for a long time.
driver "long.sys"

thread ("worker", function (t)
  local h = t:open [[\\.\Long]]
  t:ioctl (h, 0x222000)
  t:close (h)
end)

thread ("other", function (t)
  local h = t:open [[\\.\Long]]
  t:close (h)
end)
