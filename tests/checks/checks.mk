# One folder a violation: bad.c must be caught with the rule and the culprit that bad.expected names, clean.c must hold. Both are
# linked with driver.c; the scenario is the folder's own or the common one, for each of the two drivers.

CHECKS := tests/checks
# Common symbols: a check may bring its own CheckLowerDispatch.
SAMPLE_CFLAGS_$(CHECKS) := -fno-optimize-sibling-calls -fcommon -Isamples/000-apc-unload
CHECK_NAMES := $(patsubst $(CHECKS)/%/bad.c,%,$(sort $(wildcard $(CHECKS)/*/bad.c)))

$(foreach n,$(CHECK_NAMES),$(call sample_image,$(CHECKS),$(n)/bad,$(n)/bad.c driver.c)$(call \
    sample_image,$(CHECKS),$(n)/clean,$(n)/clean.c driver.c))
$(call seh_sources,$(CHECKS))

define check_rule
$(BUILD)/$(CHECKS)/$(1)/bad.lua: $(or $(wildcard $(CHECKS)/$(1)/scenario.lua),$(CHECKS)/scenario.lua)
	@mkdir -p $$(@D)
	@sed 's/DRIVER/bad/g' $$< > $$@
	@sed 's/DRIVER/clean/g' $$< > $$(@D)/clean.lua
$(BUILD)/$(CHECKS)/$(1).run: $(CHECKS)/run_check.sh $(CHECKS)/$(1)/bad.expected $(BUILD)/$(CHECKS)/$(1)/bad.sys \
    $(BUILD)/$(CHECKS)/$(1)/clean.sys $(BUILD)/$(CHECKS)/$(1)/bad.lua $(BUILD)/rundown
	@printf '#!/bin/sh\nexec sh %s %s %s %s\n' $(CHECKS)/run_check.sh $(BUILD)/rundown $(CHECKS)/$(1) $(BUILD)/$(CHECKS)/$(1) > $$@
	@chmod +x $$@
endef
$(foreach n,$(CHECK_NAMES),$(eval $(call check_rule,$(n))))

# Every kind once more with every option of the verifier on: bad ones keep their own rule, clean ones stay clean.
check_verifier_all: $(CHECK_NAMES:%=$(BUILD)/$(CHECKS)/%.run)
	@bad=; for n in $(CHECK_NAMES); do VERIFIER=all sh $(CHECKS)/run_check.sh $(BUILD)/rundown $(CHECKS)/$$n \
	    $(BUILD)/$(CHECKS)/$$n || bad="$$bad $$n"; done; [ -z "$$bad" ] || { echo "not their own rule with all options:$$bad"; exit 1; }

CHECK_RUNS := $(patsubst %,$(BUILD)/$(CHECKS)/%.run,$(CHECK_NAMES))
check_drivers: $(CHECK_RUNS)
TEST_PROGRAMS += $(CHECK_RUNS)
