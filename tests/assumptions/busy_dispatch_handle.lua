-- A handle is open while the request runs: the unload waits for the last close.
os_version "win7"
driver "busy_dispatch.sys"

thread ("client", function (t)
  local h = t:open ([[\\.\Busy]])
  t:ioctl (h, 0x222000)
  t:close (h)
end)

thread ("unloader", function (t)
  t:unload "busy_dispatch"
end)
