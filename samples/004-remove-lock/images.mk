# One lower driver; the upper driver in two variants. paths/ holds the other ways that a request takes.
F := samples/004-remove-lock
$(call sample_image,$(F),lower,lower.c)
$(call sample_image,$(F),upper-completion-only,upper.c upper-completion-only.c)
$(call sample_image,$(F),upper-acquire-twice,upper.c upper-acquire-twice.c)
$(foreach v,completion-only acquire-twice,$(call sample_scenarios,$(F),paths,$(v)))
