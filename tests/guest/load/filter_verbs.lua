mount {}
driver "filter_verbs.sys"
local DO_NOT_DETACH, FILTER_NOT_FOUND, INSTANCE_NOT_FOUND = 0xC01C0010, 0xC01C0013, 0xC01C0015
thread ("user", function (t)
  t:close (t:open ([[C:\one]], { create = "open_if" }))
  t:detach_filter ("filter_verbs", "C:", { expect = 0 })
  t:detach_filter ("filter_verbs", "C:", { expect = INSTANCE_NOT_FOUND })
  t:close (t:open ([[C:\two]], { create = "open_if" }))
  t:attach_filter ("filter_verbs", "C:", { expect = 0 })
  t:unload_filter ("filter_verbs", { expect = DO_NOT_DETACH })
  t:close (t:open ([[C:\three]], { create = "open_if" }))
  t:unload ("filter_verbs", { expect = 0 })
  t:unload_filter ("filter_verbs", { expect = FILTER_NOT_FOUND })
end)
