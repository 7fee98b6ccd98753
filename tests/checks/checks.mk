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

# Every kind once more with every option of the verifier on, and a slice of the clean twins under other strategies; the whole of
# the latter is check_clean_strategies.
define check_many
$(BUILD)/$(CHECKS)/$(1).run: $(CHECKS)/$(2) $(CHECK_NAMES:%=$(BUILD)/$(CHECKS)/%.run)
	@printf '#!/bin/sh\nexec sh %s %s %s %s %s\n' $(CHECKS)/$(2) $(BUILD)/rundown $(BUILD)/$(CHECKS) '$(3)' '$(CHECK_NAMES)' > $$@
	@chmod +x $$@
endef
$(eval $(call check_many,every-option,run_all.sh,))
$(eval $(call check_many,clean-strategies,run_clean.sh,slice))
TEST_PROGRAMS += $(BUILD)/$(CHECKS)/every-option.run $(BUILD)/$(CHECKS)/clean-strategies.run

.PHONY: check_verifier_all check_clean_strategies
check_verifier_all: $(BUILD)/$(CHECKS)/every-option.run
	@sh $<
check_clean_strategies: $(CHECK_NAMES:%=$(BUILD)/$(CHECKS)/%.run)
	@sh $(CHECKS)/run_clean.sh $(BUILD)/rundown $(BUILD)/$(CHECKS) whole $(CHECK_NAMES)

CHECK_RUNS := $(patsubst %,$(BUILD)/$(CHECKS)/%.run,$(CHECK_NAMES))
check_drivers: $(CHECK_RUNS)
TEST_PROGRAMS += $(CHECK_RUNS)

# Drivers that differ in how, or whether, two events are ordered, and what the report says of each.
RACE_NAMES := $(filter-out races/race,$(patsubst $(CHECKS)/%.c,%,$(sort $(wildcard $(CHECKS)/races/*.c))))
$(foreach n,$(RACE_NAMES),$(call sample_image,$(CHECKS),$(n),$(n).c driver.c))
$(RACE_NAMES:%=$(BUILD)/$(CHECKS)/%.lua): $(CHECKS)/scenario.lua
	@mkdir -p $(@D)
	@sed 's/DRIVER/$(basename $(@F))/g' $< > $@
$(BUILD)/$(CHECKS)/races.run: $(CHECKS)/run_races.sh $(RACE_NAMES:%=$(BUILD)/$(CHECKS)/%.sys) $(RACE_NAMES:%=$(BUILD)/$(CHECKS)/%.lua) \
    $(BUILD)/rundown | samples
	@printf '#!/bin/sh\nexec sh %s %s %s %s\n' $(CHECKS)/run_races.sh $(BUILD)/rundown $(BUILD)/$(CHECKS)/races $(BUILD)/samples > $@
	@chmod +x $@
TEST_PROGRAMS += $(BUILD)/$(CHECKS)/races.run
