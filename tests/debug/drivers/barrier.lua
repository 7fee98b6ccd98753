os_version "win7"
driver "barrier.sys"
for _, me in ipairs { "first", "second" } do
  thread (me, function (t)
    local h = t:open [[\\.\Barrier]]
    t:ioctl (h, me == "first" and 0x222000 or 0x222004)
  end)
end
