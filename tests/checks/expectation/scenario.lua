-- The scenario states the status of its request.
driver "DRIVER.sys"

thread ("client", function (t)
  local h = t:open [[\\.\Check]]
  t:ioctl (h, 0x222000)
  t:expect (0)
  t:close (h)
end)
