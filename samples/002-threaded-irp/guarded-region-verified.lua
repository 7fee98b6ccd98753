-- A threaded IRP is sent in a guarded region, to a driver that answers at once, with the verifier's I/O checks on.
os_version "win7"
verifier "io"
driver "lower.sys"
driver "upper-guarded-region.sys"

for _, name in ipairs { "first", "second" } do
  thread (name, function (t)
    local h = t:open [[\\.\Upper]]
    t:ioctl (h, 0x222000)
    t:close (h)
  end)
end
