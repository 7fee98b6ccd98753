-- Another component asks for the capabilities: a PnP request that does not wait for its turn.
os_version "win7"
driver "lower.sys"
driver "upper-DRIVER.sys"
device ("upper", { "lower", "upper-DRIVER" })

thread ("component", function (t)
  t:query_capabilities "upper"
end)

thread ("pnp", function (t)
  t:remove_device "upper"
end)
