-- A special kernel APC: it runs as soon as the target can be interrupted, alertable or not.
os_version "win7"
driver "DRIVER.sys"

local REGISTER, QUEUE = 0x222000, 0x222004
local SPECIAL_KERNEL_APC = "\0\0\0\0"

thread ("target", function (t)
  local h = t:open [[\\.\ApcUnload]]
  t:ioctl (h, REGISTER)
  t:close (h)
  t:delay (0.001)
end)

thread ("client", function (t)
  local h = t:open [[\\.\ApcUnload]]
  t:ioctl (h, QUEUE, { input = SPECIAL_KERNEL_APC })
  t:close (h)
  t:unload "DRIVER"
end)
