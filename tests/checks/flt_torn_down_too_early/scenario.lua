-- Somebody opens files on the volume while the filter comes and goes.
mount {}
driver "DRIVER.sys"

thread ("client", function (t)
  local h = t:open [[\\.\Check]]
  t:ioctl (h, 0x222000)
  t:close (h)
end)

thread ("user", function (t)
  local h = t:open [[C:\file]]
end)
