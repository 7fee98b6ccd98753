# End to end: the samples' verdicts under every way of building them, and exact replays.

E2E := tests/e2e
$(BUILD)/$(E2E)/samples.run: $(E2E)/run_e2e.sh $(E2E)/expected $(BUILD)/rundown $(GUEST_IMAGES)
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec sh %s %s %s %s\n' $(E2E)/run_e2e.sh $(BUILD)/rundown $(BUILD)/$(E2E) '$(MAKE)' > $@
	@chmod +x $@
$(BUILD)/$(E2E)/replay.run: $(E2E)/run_replay.sh $(BUILD)/rundown $(GUEST_IMAGES) | samples
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec sh %s %s %s %s 100\n' $(E2E)/run_replay.sh $(BUILD)/rundown $(BUILD)/samples $(BUILD)/$(E2E) > $@
	@chmod +x $@
$(BUILD)/$(E2E)/regions.run: $(E2E)/run_regions.sh $(BUILD)/rundown $(GUEST_IMAGES) | samples
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec sh %s %s %s %s\n' $(E2E)/run_regions.sh $(BUILD)/rundown $(BUILD)/samples $(BUILD)/$(E2E) > $@
	@chmod +x $@
TEST_PROGRAMS += $(BUILD)/$(E2E)/regions.run
TEST_PROGRAMS += $(BUILD)/$(E2E)/samples.run $(BUILD)/$(E2E)/replay.run
