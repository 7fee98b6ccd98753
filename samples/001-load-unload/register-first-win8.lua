-- The same driver where the system serialises load and unload.
os_version "win8"
driver ("register-first.sys", { load = false })

thread ("loader", function (t)
  t:load "register-first"
end)

thread ("unloader", function (t)
  t:unload_filter "register-first"
end)
