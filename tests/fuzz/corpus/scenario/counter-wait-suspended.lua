-- Unload polls until the counter of APCs is zero, but the target is suspended and stays so: unload never ends.
-- The target neither becomes alertable nor exits, so its APC stays where it is.
os_version "win7"
driver "counter-wait.sys"

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
  t:unload "counter-wait"
end)

thread ("debugger", function (t)
  t:suspend "target"
end)
