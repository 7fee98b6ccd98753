# What the kernel assumes where documentation is silent.
ASSUMPTIONS := tests/assumptions
$(foreach n,load_race busy_dispatch observed_verbs,$(call sample_image,$(ASSUMPTIONS),$(n),$(n).c))
$(BUILD)/$(ASSUMPTIONS)/assumptions.run: $(ASSUMPTIONS)/run_assumptions.sh $(SAMPLE_IMAGES_$(ASSUMPTIONS)) \
    $(patsubst %,$(BUILD)/%,$(wildcard $(ASSUMPTIONS)/*.lua)) $(BUILD)/rundown $(GUEST_IMAGES) $(BUILD)/tests/guest/filter_drains.sys
	@printf '#!/bin/sh\nexec sh %s %s %s\n' $(ASSUMPTIONS)/run_assumptions.sh $(BUILD)/rundown $(BUILD)/$(ASSUMPTIONS) > $@
	@chmod +x $@
TEST_PROGRAMS += $(BUILD)/$(ASSUMPTIONS)/assumptions.run
