-- A threaded IRP is sent at PASSIVE_LEVEL with APCs enabled, to a driver that pends.
os_version "win7"
driver "lower-pends.sys"
driver "upper-passive.sys"

for _, name in ipairs { "first", "second" } do
  thread (name, function (t)
    local h = t:open [[\\.\Upper]]
    t:ioctl (h, 0x222000)
    t:close (h)
  end)
end
