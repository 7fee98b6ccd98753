-- COUNT kernel clients; client number n runs body n.
driver "PROGRAM.sys"

for number = 0, COUNT - 1 do
  thread ("t" .. number, function (t)
    local h = t:open ([[\\.\Litmus]], { kernel = true })
    t:ioctl (h, 0x222000 + 4 * number)
    t:close (h)
  end)
end
