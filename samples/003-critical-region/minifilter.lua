-- The filter manager is verified, not the minifilter: its dispatch routine comes back in another critical region than it was called in.
os_version "win7"
mount {}
driver "minifilter.sys"
verifier (0x810, "fltmgr.sys")

thread ("client", function (t)
  local h = t:open ([[C:\file]], { create = "open_if" })
  t:close (h)
end)
