# Litmus programs: PROGRAM/prog.c with driver.c, run for each line of PROGRAM/expected.

LITMUS := tests/litmus
LITMUS_NAMES := $(patsubst $(LITMUS)/%/prog.c,%,$(sort $(wildcard $(LITMUS)/*/prog.c)))
$(foreach n,$(LITMUS_NAMES),$(call sample_image,$(LITMUS),$(n)/$(n),$(n)/prog.c driver.c))

$(BUILD)/$(LITMUS)/%.run: $(LITMUS)/run_litmus.sh $(LITMUS)/scenario.lua $(LITMUS)/%/expected $(BUILD)/rundown
	@printf '#!/bin/sh\nexec sh %s %s %s %s\n' $(LITMUS)/run_litmus.sh $(BUILD)/rundown $(LITMUS)/$* $(BUILD)/$(LITMUS)/$* > $@
	@chmod +x $@
$(foreach n,$(LITMUS_NAMES),$(eval $(BUILD)/$(LITMUS)/$(n).run: $(BUILD)/$(LITMUS)/$(n)/$(n).sys))

LITMUS_RUNS := $(patsubst %,$(BUILD)/$(LITMUS)/%.run,$(LITMUS_NAMES))
litmus_drivers: $(LITMUS_RUNS)
TEST_PROGRAMS += $(LITMUS_RUNS)
