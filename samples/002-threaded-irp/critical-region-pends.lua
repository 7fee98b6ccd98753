-- A threaded IRP is sent in a critical region, to a driver that pends.
os_version "win7"
driver "lower-pends.sys"
driver "upper-critical-region.sys"

for _, name in ipairs { "first", "second" } do
  thread (name, function (t)
    local h = t:open [[\\.\Upper]]
    t:ioctl (h, 0x222000)
    t:close (h)
  end)
end
