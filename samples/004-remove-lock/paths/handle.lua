-- A program with a handle instead of the kernel client; the removal comes whatever is open.
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
  t:remove_device "upper"
end)
