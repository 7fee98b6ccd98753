driver "pnp.sys"
device ("instance", { "pnp" })
thread ("tester", function (t)
  t:unload "pnp"
  t:expect (0xC0000010)
  t:remove_device "instance"
  t:expect (0)
end)
