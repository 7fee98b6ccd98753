-- Two clients, one for each of the two bodies.
driver "DRIVER.sys"

for number = 0, 1 do
  thread ("client" .. number, function (t)
    local h = t:open [[\\.\Check]]
    t:ioctl (h, 0x222000 + 4 * number)
    t:close (h)
  end)
end
