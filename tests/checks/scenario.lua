-- The scenario of a check that brings none of its own: one client, which unloads the driver when it is done.
driver "DRIVER.sys"

thread ("client", function (t)
  local h = t:open [[\\.\Check]]
  t:ioctl (h, 0x222000)
  t:close (h)
  t:unload "DRIVER"
end)
