os_version "win7"
driver "objects.sys"
verifier (0x81F)
thread ("client", function (t)
  local h = t:open [[\\.\Objects]]
  t:ioctl (h, 0x222000)
end)
