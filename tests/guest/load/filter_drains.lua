mount {}
driver "filter_drains.sys"
thread ("opener", function (t)
  t:close (t:open ([[C:\file]], { create = "open_if" }))
end)
thread ("unloader", function (t)
  t:unload_filter ("filter_drains", { expect = 0 })
end)
