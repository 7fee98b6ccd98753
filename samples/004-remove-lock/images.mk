# One lower driver; the upper driver in two variants.
F := samples/004-remove-lock
$(call sample_image,$(F),lower,lower.c)
$(call sample_image,$(F),upper-completion-only,upper.c upper-completion-only.c)
$(call sample_image,$(F),upper-acquire-twice,upper.c upper-acquire-twice.c)
