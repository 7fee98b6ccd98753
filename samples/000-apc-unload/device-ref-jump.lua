-- Each APC holds the device object; its routines drop the reference by JMP.
-- The target becomes alertable once and then exits: the APC ends in its kernel routine or in its rundown
-- routine, and either may come before, during or after the unload.
os_version "win7"
driver "device-ref-jump.sys"

local REGISTER, QUEUE = 0x222000, 0x222004
local USER_APC = "\1\0\0\0"

thread ("target", function (t)
  local h = t:open [[\\.\ApcUnload]]
  t:ioctl (h, REGISTER)
  t:close (h)
  t:delay (0.001, { alertable = true })
end)

thread ("client", function (t)
  local h = t:open [[\\.\ApcUnload]]
  t:ioctl (h, QUEUE, { input = USER_APC })
  t:close (h)
  t:unload "device-ref-jump"
end)
