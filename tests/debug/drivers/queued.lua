os_version "win7"
driver "queued.sys"
verifier (0x410)
thread ("client", function (t)
  local h = t:open [[\\.\Queued]]
  t:ioctl (h, 0x222000)
end)
