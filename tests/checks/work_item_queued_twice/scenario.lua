-- No unload: a work item of this kind does not hold its driver.
driver "DRIVER.sys"

thread ("client", function (t)
  local h = t:open [[\\.\Check]]
  t:ioctl (h, 0x222000)
  t:close (h)
end)
