-- The filter leaves the region on every way out.
os_version "win7"
driver "filter-balanced.sys"
driver "server.sys"
verifier (0x810)

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
