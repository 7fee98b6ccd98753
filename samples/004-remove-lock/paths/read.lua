-- A read of the kernel client, completed in the lower dispatch routine.
os_version "win7"
driver "lower.sys"
driver "upper-DRIVER.sys"
device ("upper", { "lower", "upper-DRIVER" })

thread ("client", function (t)
  local h = t:open ([[\\.\Upper]], { kernel = true })
  t:read (h, { output = 4 })
  t:close (h)
end)

thread ("pnp", function (t)
  t:remove_device "upper"
end)
