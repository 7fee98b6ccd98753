# One server; the filter beneath it in three variants.
HERE := samples/003-critical-region
# Tail jumps would take the server off the stacks that the seed shows it on.
SAMPLE_CFLAGS_$(HERE) := -fno-optimize-sibling-calls
$(call sample_image,$(HERE),server,server.c)
$(call sample_image,$(HERE),filter-forgets,filter.c filter-forgets.c)
$(call sample_image,$(HERE),filter-inlined,filter.c filter-inlined.c)
$(call sample_image,$(HERE),filter-balanced,filter.c filter-balanced.c)
$(call sample_image,$(HERE),minifilter,minifilter.c)
