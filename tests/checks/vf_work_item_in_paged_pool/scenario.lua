-- One client; the driver stays: nothing holds an image while a work item's routine runs.
driver "DRIVER.sys"

thread ("client", function (t)
  local h = t:open [[\\.\Check]]
  t:ioctl (h, 0x222000)
  t:close (h)
end)
