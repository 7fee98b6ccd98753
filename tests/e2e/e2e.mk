# End to end: the samples' verdicts under every way of building them and under every strategy, and exact replays.
#
#   make sweep            the strategies again, with far more executions

#   make bless-verdicts   the table of verdicts in samples/README.md, from a run of every scenario

E2E := tests/e2e
# FOLDER VARIANT VERDICT RULE CODE CULPRITS OPTIONS, from samples/*/verdicts and samples/*/verdicts-further.
SWEEP_TABLES := $(BUILD)/$(E2E)/verdicts.table $(BUILD)/$(E2E)/verdicts-further.table
$(BUILD)/$(E2E)/%.table: $(wildcard samples/*/verdicts samples/*/verdicts-further)
	@mkdir -p $(@D)
	@for f in samples/*/$*; do [ ! -f $$f ] || sed -n "s|^[^#]|$$(basename $$(dirname $$f)) &|p" $$f; done > $@
define e2e_samples
$(BUILD)/$(E2E)/samples-$(1).run: $(E2E)/run_e2e.sh $(SWEEP_TABLES) $(BUILD)/rundown $(GUEST_IMAGES)
	@mkdir -p $$(@D)
	@printf '#!/bin/sh\nexec sh %s %s %s %s %s\n' $(E2E)/run_e2e.sh $(BUILD)/rundown $(BUILD)/$(E2E) '$(MAKE)' '$(2)' > $$@
	@chmod +x $$@
TEST_PROGRAMS += $(BUILD)/$(E2E)/samples-$(1).run
endef
$(foreach o,-O0 -O2,$(eval $(call e2e_samples,gcc$(o),x86_64-w64-mingw32-gcc $(o)))$(eval $(call e2e_samples,clang$(o),clang $(o))))
$(eval $(call e2e_samples,moved,moved))
$(BUILD)/$(E2E)/machine_code.run: $(E2E)/run_machine_code.sh
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec sh %s %s %s\n' $(E2E)/run_machine_code.sh $(BUILD)/$(E2E) '$(MAKE)' > $@
	@chmod +x $@
$(BUILD)/$(E2E)/sweep.run: $(E2E)/run_sweep.sh $(SWEEP_TABLES) $(BUILD)/rundown $(GUEST_IMAGES) | samples
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec sh %s %s %s %s %s %s\n' $(E2E)/run_sweep.sh $(BUILD)/rundown $(BUILD)/samples $(BUILD)/$(E2E) \
	    "\$${SWEEP_SCALE:-1}" '$(SWEEP_TABLES)' > $@
	@chmod +x $@
.PHONY: sweep
sweep: $(BUILD)/$(E2E)/sweep.run
	SWEEP_SCALE=20 $<
$(BUILD)/$(E2E)/replay.run: $(E2E)/run_replay.sh $(BUILD)/rundown $(GUEST_IMAGES) | samples
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec sh %s %s %s %s 100\n' $(E2E)/run_replay.sh $(BUILD)/rundown $(BUILD)/samples $(BUILD)/$(E2E) > $@
	@chmod +x $@
TEST_PROGRAMS += $(BUILD)/$(E2E)/replay.run $(BUILD)/$(E2E)/machine_code.run \
    $(BUILD)/$(E2E)/sweep.run $(BUILD)/$(E2E)/verdicts.run

$(BUILD)/$(E2E)/verdicts.run: $(E2E)/run_verdicts.sh $(BUILD)/rundown $(GUEST_IMAGES) | samples
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec sh %s %s %s\n' $(E2E)/run_verdicts.sh $(BUILD)/rundown $(BUILD)/samples > $@
	@chmod +x $@
.PHONY: bless-verdicts
bless-verdicts: host guest samples
	@sh $(E2E)/run_verdicts.sh $(BUILD)/rundown $(BUILD)/samples --bless
$(BUILD)/$(E2E)/regions.run: $(E2E)/run_regions.sh $(BUILD)/rundown $(GUEST_IMAGES) | samples
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec sh %s %s %s %s\n' $(E2E)/run_regions.sh $(BUILD)/rundown $(BUILD)/samples $(BUILD)/$(E2E) > $@
	@chmod +x $@
TEST_PROGRAMS += $(BUILD)/$(E2E)/regions.run
$(BUILD)/$(E2E)/two_stacks.run: $(E2E)/run_two_stacks.sh $(BUILD)/rundown $(GUEST_IMAGES) | samples
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec sh %s %s %s %s\n' $(E2E)/run_two_stacks.sh $(BUILD)/rundown $(BUILD)/samples $(BUILD)/$(E2E) > $@
	@chmod +x $@
TEST_PROGRAMS += $(BUILD)/$(E2E)/two_stacks.run
