driver "attached_apc.sys"
thread ("program", function (t)
  local h = t:open [[\\.\LoadTest]]
  t:ioctl (h, 0x222000)
  t:close (h)
end)
