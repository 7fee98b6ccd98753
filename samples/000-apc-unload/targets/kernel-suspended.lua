-- A special kernel APC to a target that is suspended until the unload is over: the suspension does not hold it back.
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
  t:suspend "target"
  t:unload "DRIVER"
  t:resume "target"
end)
