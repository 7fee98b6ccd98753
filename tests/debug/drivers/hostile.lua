os_version "win7"
driver ("hostile.sys", {load = false})
thread ("client", function (t)
  t:load "hostile"
end)
