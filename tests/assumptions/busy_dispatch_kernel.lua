-- A kernel client holds the device object and no handle: the unload does not wait for its request.
os_version "win7"
driver "busy_dispatch.sys"

thread ("client", function (t)
  local h = t:open ([[\\.\Busy]], { kernel = true })
  t:ioctl (h, 0x222000)
  t:close (h)
end)

thread ("unloader", function (t)
  t:unload "busy_dispatch"
end)
