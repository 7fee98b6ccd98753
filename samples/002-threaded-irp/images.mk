# Two lower drivers; the upper driver in five variants, of which the last sends an IRP of its own.
HERE := samples/002-threaded-irp
$(call sample_image,$(HERE),lower,lower.c)
$(call sample_image,$(HERE),lower-pends,lower-pends.c)
$(call sample_image,$(HERE),upper-fast-mutex,upper.c send-ioctl.c fast-mutex.c)
$(call sample_image,$(HERE),upper-guarded-region,upper.c send-ioctl.c guarded-region.c)
$(call sample_image,$(HERE),upper-critical-region,upper.c send-ioctl.c critical-region.c)
$(call sample_image,$(HERE),upper-passive,upper.c send-ioctl.c passive.c)
$(call sample_image,$(HERE),upper-own-irp,upper.c own-irp.c fast-mutex.c)
