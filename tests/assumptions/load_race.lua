-- Nobody waits for DriverEntry: the unload may come as soon as the driver is known.
driver ("load_race.sys", { load = false })

thread ("loader", function (t)
  t:load "load_race"
end)

thread ("unloader", function (t)
  t:unload "load_race"
end)
