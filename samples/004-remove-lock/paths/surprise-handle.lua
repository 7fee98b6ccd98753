-- Surprise removal while a program has a handle: the removal waits for the last close, when no request is under way.
os_version "win7"
driver "lower.sys"
driver "upper-DRIVER.sys"
device ("upper", { "lower", "upper-DRIVER" })

thread ("client", function (t)
  local h = t:open [[\\.\Upper]]
  t:ioctl (h, 0x222000)
  t:close (h)
end)

thread ("pnp", function (t)
  t:surprise_remove "upper"
end)
