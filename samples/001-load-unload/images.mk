# The filter with one remedy each, and the driver that loads another.
HERE := samples/001-load-unload
$(foreach v,register-first register-last event-and-delay poll-initializing,$(call sample_image,$(HERE),$(v),$(v).c driver.c workerqueue.c))
$(call sample_image,$(HERE),two-drivers-first,two-drivers-first.c)
$(call sample_image,$(HERE),two-drivers-second,two-drivers-second.c driver.c workerqueue.c)
