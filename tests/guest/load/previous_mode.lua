driver "previous_mode.sys"
thread ("caller", function (t)
  local h = t:open [[\\.\LoadTest]]
  t:ioctl (h, 0x222000)
  t:close (h)
end)
