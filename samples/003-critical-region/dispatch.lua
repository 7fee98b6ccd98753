-- I/O verification of the filter alone: whoever calls it, the dispatch routine that returns with another count is caught.
os_version "win7"
driver "filter-forgets.sys"
driver "server.sys"
verifier (0x810, "filter-forgets.sys")

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
