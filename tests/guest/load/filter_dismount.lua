mount {}
driver "filter_dismount.sys"
local FSCTL_DISMOUNT_VOLUME = 0x90020
thread ("user", function (t)
  t:close (t:open ([[C:\file]], { create = "open_if" }))
  local h = t:open [[\\.\C:]]
  t:fsctl (h, FSCTL_DISMOUNT_VOLUME, { expect = 0 })
  t:close (h)
  t:close (t:open ([[C:\file]], { create = "open_if" }))
  t:unload_filter ("filter_dismount", { expect = 0 })
end)
