-- The first driver loads the second, which registers when asked; unloading the second waits until the first has the answer.
os_version "win7"
driver ("two-drivers-first.sys", { load = false })
driver ("two-drivers-second.sys", { load = false })

thread ("loader", function (t)
  t:load "two-drivers-first"
end)

thread ("unloader", function (t)
  t:unload_filter "two-drivers-second"
end)
