-- A power request: PoCallDriver all the way down, completed by the physical device.
os_version "win7"
driver "lower.sys"
driver "upper-DRIVER.sys"
device ("upper", { "lower", "upper-DRIVER" })

thread ("power", function (t)
  t:power ("upper", "D3")
end)

thread ("pnp", function (t)
  t:remove_device "upper"
end)
