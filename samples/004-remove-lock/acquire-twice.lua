-- The upper driver acquires its remove lock twice and releases it in the completion routine and after the call.
-- The client is a kernel component that holds the upper device object, so the upper image is pinned; the device
-- is removed meanwhile, whatever is open.
os_version "win7"
driver "lower.sys"
driver "upper-acquire-twice.sys"
device ("upper", { "lower", "upper-acquire-twice" })

thread ("client", function (t)
  local h = t:open ([[\\.\Upper]], { kernel = true })
  t:ioctl (h, 0x222000)
  t:close (h)
end)

thread ("pnp", function (t)
  t:remove_device "upper"
end)
