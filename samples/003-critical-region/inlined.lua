-- As thread-exit, but no routine of the kernel is called: the log is empty, and the count's own watch names the filter.
os_version "win7"
driver "filter-inlined.sys"
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
