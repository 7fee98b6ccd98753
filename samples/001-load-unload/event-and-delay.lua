-- The unload waits for an event that DriverEntry sets, and then for three seconds.
os_version "win7"
driver ("event-and-delay.sys", { load = false })

thread ("loader", function (t)
  t:load "event-and-delay"
end)

thread ("unloader", function (t)
  t:unload_filter "event-and-delay"
end)
