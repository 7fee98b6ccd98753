-- A service starts while somebody unloads the filter: on Windows 7 nothing keeps the two apart.
os_version "win7"
driver ("register-first.sys", { load = false })

thread ("loader", function (t)
  t:load "register-first"
end)

thread ("unloader", function (t)
  t:unload_filter "register-first"
end)
