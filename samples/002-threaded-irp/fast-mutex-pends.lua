-- A threaded IRP is sent under a fast mutex, to a driver that pends: the wait at APC_LEVEL is for an event that only an APC sets.
os_version "win7"
driver "lower-pends.sys"
driver "upper-fast-mutex.sys"

for _, name in ipairs { "first", "second" } do
  thread (name, function (t)
    local h = t:open [[\\.\Upper]]
    t:ioctl (h, 0x222000)
    t:close (h)
  end)
end
