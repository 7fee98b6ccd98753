-- One client starts COUNT bodies and is done.
driver "PROGRAM.sys"

thread ("client", function (t)
  local h = t:open [[\\.\Litmus]]
  t:ioctl (h, 0x222000 + 4 * COUNT)
  t:close (h)
end)
