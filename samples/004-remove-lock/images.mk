# One lower driver; the upper driver in two variants. paths/ holds the other ways that a request takes.
HERE := samples/004-remove-lock
$(call sample_image,$(HERE),lower,lower.c)
$(call sample_image,$(HERE),upper-completion-only,upper.c upper-completion-only.c)
$(call sample_image,$(HERE),upper-acquire-twice,upper.c upper-acquire-twice.c)
$(foreach v,completion-only acquire-twice,$(call sample_scenarios,$(HERE),paths,$(v)))
