-- The driver is given a device of its own.
driver "DRIVER.sys"
device ("thing", { "DRIVER" })

thread ("client", function (t)
  local h = t:open [[\\.\Check]]
  t:ioctl (h, 0x222000)
  t:close (h)
  t:remove_device "thing"
end)
