# End to end: the samples' verdicts under every way of building them and under every strategy, and exact replays.
#
#   make sweep            the strategies again, with far more executions

E2E := tests/e2e
$(BUILD)/$(E2E)/samples.run: $(E2E)/run_e2e.sh $(E2E)/expected $(BUILD)/rundown $(GUEST_IMAGES)
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec sh %s %s %s %s\n' $(E2E)/run_e2e.sh $(BUILD)/rundown $(BUILD)/$(E2E) '$(MAKE)' > $@
	@chmod +x $@
$(BUILD)/$(E2E)/machine_code.run: $(E2E)/run_machine_code.sh
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec sh %s %s %s\n' $(E2E)/run_machine_code.sh $(BUILD)/$(E2E) '$(MAKE)' > $@
	@chmod +x $@
SWEEP_TABLES := $(E2E)/expected $(E2E)/expected-scenarios
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
TEST_PROGRAMS += $(BUILD)/$(E2E)/samples.run $(BUILD)/$(E2E)/replay.run $(BUILD)/$(E2E)/machine_code.run \
    $(BUILD)/$(E2E)/sweep.run
