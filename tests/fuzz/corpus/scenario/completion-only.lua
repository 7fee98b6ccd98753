-- The upper driver releases its remove lock in its completion routine, and nowhere else.
-- The client is a kernel component that holds the upper device object, so the upper image is pinned; the device
-- is removed meanwhile, whatever is open.
os_version "win7"
driver "lower.sys"
driver "upper-completion-only.sys"
device ("upper", { "lower", "upper-completion-only" })

thread ("client", function (t)
  local h = t:open ([[\\.\Upper]], { kernel = true })
  t:ioctl (h, 0x222000)
  t:close (h)
end)

thread ("pnp", function (t)
  t:remove_device "upper"
end)
