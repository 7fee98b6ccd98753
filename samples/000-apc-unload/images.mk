# The driver with one remedy each; targets/ holds what else may happen to the thread that the APCs are for.
HERE := samples/000-apc-unload
$(call sample_image,$(HERE),bounded-wait,driver.c bounded-wait.c)
$(call sample_image,$(HERE),counter-wait,driver.c counter-wait.c)
$(call sample_image,$(HERE),device-ref-call,driver.c device_ref.c device_ref_call.S)
$(call sample_image,$(HERE),device-ref-jump,driver.c device_ref.c device_ref_jump.S)
$(foreach v,bounded-wait counter-wait device-ref-call device-ref-jump,$(call sample_scenarios,$(HERE),targets,$(v)))
