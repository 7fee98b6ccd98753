-- Registration is the last call of DriverEntry.
os_version "win7"
driver ("register-last.sys", { load = false })

thread ("loader", function (t)
  t:load "register-last"
end)

thread ("unloader", function (t)
  t:unload_filter "register-last"
end)
