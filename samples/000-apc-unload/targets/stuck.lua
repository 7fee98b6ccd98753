-- The target is suspended for ever: a user-mode APC that is still queued then stays queued.
os_version "win7"
driver "DRIVER.sys"

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
  t:suspend "target"
  t:unload "DRIVER"
end)
