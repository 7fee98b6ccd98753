-- An open that a minifilter has pended goes on, and ends, while the callback that pended it has not returned; the filter is unloaded.
mount {}
driver "filter_drains.sys"
thread ("opener", function (t)
  t:close (t:open ([[C:\file]], { create = "open_if" }))
end)
thread ("unloader", function (t)
  t:unload_filter ("filter_drains", { expect = 0 })
end)
