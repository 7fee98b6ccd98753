driver ("entry_fails.sys", { load = false })
thread ("tester", function (t)
  t:load "entry_fails"
  t:expect (0xC0000182)
  t:unload "entry_fails"
end)
