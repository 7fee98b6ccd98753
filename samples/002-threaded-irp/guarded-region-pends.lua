-- A threaded IRP is sent in a guarded region, to a driver that pends: the wait is for an event that only an APC sets.
os_version "win7"
driver "lower-pends.sys"
driver "upper-guarded-region.sys"

for _, name in ipairs { "first", "second" } do
  thread (name, function (t)
    local h = t:open [[\\.\Upper]]
    t:ioctl (h, 0x222000)
    t:close (h)
  end)
end
