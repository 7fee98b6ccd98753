driver "work_item_holds.sys"
thread ("tester", function (t)
  local h = t:open [[\\.\LoadTest]]
  t:ioctl (h, 0x222000)
  t:close (h)
  t:unload "work_item_holds"
end)
