-- A normal kernel APC whose kernel routine suppresses the normal routine.
os_version "win7"
driver "DRIVER.sys"

local REGISTER, QUEUE = 0x222000, 0x222004
local NORMAL_KERNEL_APC = "\2\0\0\0"

thread ("target", function (t)
  local h = t:open [[\\.\ApcUnload]]
  t:ioctl (h, REGISTER)
  t:close (h)
  t:delay (0.001)
end)

thread ("client", function (t)
  local h = t:open [[\\.\ApcUnload]]
  t:ioctl (h, QUEUE, { input = NORMAL_KERNEL_APC })
  t:close (h)
  t:unload "DRIVER"
end)
