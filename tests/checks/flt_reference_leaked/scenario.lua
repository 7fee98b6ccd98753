-- The driver filters the volume that it opens files on.
mount {}
driver "DRIVER.sys"

thread ("client", function (t)
  local h = t:open [[\\.\Check]]
  t:ioctl (h, 0x222000)
  t:close (h)
  t:unload "DRIVER"
end)
