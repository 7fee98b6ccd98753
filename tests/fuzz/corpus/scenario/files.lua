-- A volume, and each verb for files with its options.
driver ("upper.sys", { load = false })
mount { device = [[\Device\HarddiskVolume2]], link = [[\DosDevices\D:]], pend = true }
thread ("files", function (t)
  t:mount ({ expect = "STATUS_SUCCESS" })
  local folder = t:open ([[C:\folder]], { create = "create", directory = true })
  local h = t:open ([[D:\x]], { create = "open_if", access = "read write delete", share = "none", file = true })
  t:write (h, { input = "text", offset = 4 })
  t:query (h, "FileNameInformation", { output = 64 })
  t:set_info (h, "FileEndOfFileInformation", { input = string.pack ("<i8", 2) })
  t:rename (h, [[D:\y]], { replace = true })
  t:list (folder, "*.txt", { class = "FileNamesInformation", output = 512 })
  t:query_volume (h, 3, { output = 24 })
  t:fsctl (h, 0x90028, { async = true })
  t:delete [[D:\z]] t:expect "STATUS_OBJECT_NAME_NOT_FOUND"
end)
