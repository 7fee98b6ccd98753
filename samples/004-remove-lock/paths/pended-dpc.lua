-- The lower driver pends the request; a DPC completes it, before or after the dispatch routine has returned.
os_version "win7"
driver "lower.sys"
driver "upper-DRIVER.sys"
device ("upper", { "lower", "upper-DRIVER" })

thread ("client", function (t)
  local h = t:open ([[\\.\Upper]], { kernel = true })
  t:ioctl (h, 0x222008)
  t:close (h)
end)

thread ("pnp", function (t)
  t:remove_device "upper"
end)
