-- A threaded IRP is sent in a guarded region, to a driver that answers at once.
os_version "win7"
driver "lower.sys"
driver "upper-guarded-region.sys"

for _, name in ipairs { "first", "second" } do
  thread (name, function (t)
    local h = t:open [[\\.\Upper]]
    t:ioctl (h, 0x222000)
    t:close (h)
  end)
end
