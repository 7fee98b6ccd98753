os_version "win7"
driver "objects.sys"
verifier (0x81B)
thread ("client", function (t)
  local h = t:open [[\\.\Objects]]
  t:ioctl (h, 0x222000)
end)
