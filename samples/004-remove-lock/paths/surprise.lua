-- Surprise removal instead of an orderly one: nobody has a handle, so the removal follows at once.
os_version "win7"
driver "lower.sys"
driver "upper-DRIVER.sys"
device ("upper", { "lower", "upper-DRIVER" })

thread ("client", function (t)
  local h = t:open ([[\\.\Upper]], { kernel = true })
  t:ioctl (h, 0x222000)
  t:close (h)
end)

thread ("pnp", function (t)
  t:surprise_remove "upper"
end)
