# The driver with one remedy each.
F := samples/000-apc-unload
$(call sample_image,$(F),bounded-wait,driver.c bounded-wait.c)
$(call sample_image,$(F),counter-wait,driver.c counter-wait.c)
$(call sample_image,$(F),device-ref-call,driver.c device_ref.c device_ref_call.S)
$(call sample_image,$(F),device-ref-jump,driver.c device_ref.c device_ref_jump.S)
