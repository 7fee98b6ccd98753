os_version "win7"
driver "typed.sys"
thread ("client", function (t)
  local h = t:open [[\\.\Typed]]
  t:ioctl (h, 0x222000)
end)
