-- The device is started again while it is removed. PnP changes the state of a stack for one at a time, so the two
-- do not meet in the drivers.
os_version "win7"
driver "lower.sys"
driver "upper-DRIVER.sys"
device ("upper", { "lower", "upper-DRIVER" })

thread ("starter", function (t)
  t:start_device "upper"
end)

thread ("pnp", function (t)
  t:remove_device "upper"
end)
