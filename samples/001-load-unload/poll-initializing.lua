-- The unload polls a flag that the I/O manager clears behind DriverEntry.
os_version "win7"
driver ("poll-initializing.sys", { load = false })

thread ("loader", function (t)
  t:load "poll-initializing"
end)

thread ("unloader", function (t)
  t:unload_filter "poll-initializing"
end)
