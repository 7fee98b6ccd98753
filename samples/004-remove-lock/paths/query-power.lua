-- IRP_MN_QUERY_POWER, forwarded like any other power request.
os_version "win7"
driver "lower.sys"
driver "upper-DRIVER.sys"
device ("upper", { "lower", "upper-DRIVER" })

thread ("power", function (t)
  t:query_power ("upper", "D3")
end)

thread ("pnp", function (t)
  t:remove_device "upper"
end)
