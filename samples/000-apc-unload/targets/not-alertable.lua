-- The target sleeps for a minute, not alertable, and exits: a user-mode APC stays queued so long and then ends in
-- its rundown routine.
os_version "win7"
driver "DRIVER.sys"

local REGISTER, QUEUE = 0x222000, 0x222004
local USER_APC = "\1\0\0\0"

thread ("target", function (t)
  local h = t:open [[\\.\ApcUnload]]
  t:ioctl (h, REGISTER)
  t:close (h)
  t:delay (60)
end)

thread ("client", function (t)
  local h = t:open [[\\.\ApcUnload]]
  t:ioctl (h, QUEUE, { input = USER_APC })
  t:close (h)
  t:unload "DRIVER"
end)
