-- The server's thread exits in the critical region that the filter left it in. Miscellaneous checks keep the log of calls.
os_version "win7"
driver "filter-forgets.sys"
driver "server.sys"
verifier (0x800)

thread ("client", function (t)
  local h = t:open [[\\.\Server]]
  t:ioctl (h, 0x222000)
  t:close (h)
end)

thread ("admin", function (t)
  local h = t:open [[\\.\Filter]]
  t:ioctl (h, 0x222004)
  t:close (h)
end)
