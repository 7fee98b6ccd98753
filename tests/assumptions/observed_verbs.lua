-- Two verbs in a row that call no driver; the observer stops where only the first has been executed.
driver "observed_verbs.sys"

thread ("observer", function (t)
  local h = t:open ([[\\.\Observed]])
  t:ioctl (h, 0x222000, { expect = 0 })
  t:close (h)
end)

thread ("controller", function (t)
  t:alert "observer"
  t:queue_apc "observer"
end)
