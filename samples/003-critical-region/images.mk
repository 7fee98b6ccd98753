# One server; the filter beneath it in three variants.
F := samples/003-critical-region
# Tail jumps would take the server off the stacks that the seed shows it on.
SAMPLE_CFLAGS_$(F) := -fno-optimize-sibling-calls
$(call sample_image,$(F),server,server.c)
$(call sample_image,$(F),filter-forgets,filter.c filter-forgets.c)
$(call sample_image,$(F),filter-inlined,filter.c filter-inlined.c)
$(call sample_image,$(F),filter-balanced,filter.c filter-balanced.c)
