-- Windows 8.1 is the first to count work items.
os_version "win10"
driver "DRIVER.sys"

thread ("client", function (t)
  local h = t:open [[\\.\Check]]
  t:ioctl (h, 0x222000)
  t:close (h)
  t:unload "DRIVER"
end)
