# Test drivers that run inside. SUBJECT/NAME.c linked with test.c and stack.c becomes NAME.sys, which its runner loads in a
# scenario of one thread; load/NAME.c is a driver of its own, which load/NAME.lua drives. TAP is passed through.
# Nothing to register.

GUEST_TESTS := tests/guest
GUEST_TEST_SOURCES := $(filter-out $(GUEST_TESTS)/load/%,$(sort $(wildcard $(GUEST_TESTS)/*/*.c)))
GUEST_LOAD_SOURCES := $(sort $(wildcard $(GUEST_TESTS)/load/*.c))
GUEST_TEST_NAMES := $(notdir $(basename $(GUEST_TEST_SOURCES) $(GUEST_LOAD_SOURCES)))
SAMPLE_CFLAGS_$(GUEST_TESTS) := -Isamples/000-apc-unload
$(foreach s,$(GUEST_TEST_SOURCES),$(call sample_image,$(GUEST_TESTS),$(basename $(notdir $(s))),$(s:$(GUEST_TESTS)/%=%) test.c stack.c))
$(foreach s,$(GUEST_LOAD_SOURCES),$(call sample_image,$(GUEST_TESTS),$(basename $(notdir $(s))),$(s:$(GUEST_TESTS)/%=%)))
$(call seh_sources,$(GUEST_TESTS))

$(BUILD)/$(GUEST_TESTS)/%.run: $(GUEST_TESTS)/run_guest.sh $(BUILD)/$(GUEST_TESTS)/%.sys $(BUILD)/rundown
	@printf '#!/bin/sh\nexec sh %s %s %s %s "$$@"\n' $(GUEST_TESTS)/run_guest.sh $(GUEST_TESTS) $(BUILD)/rundown $(BUILD)/$(GUEST_TESTS)/$*.sys > $@
	@chmod +x $@

GUEST_TEST_RUNS := $(patsubst %,$(BUILD)/$(GUEST_TESTS)/%.run,$(GUEST_TEST_NAMES))
guest_test_drivers: $(GUEST_TEST_RUNS)
TEST_PROGRAMS += $(GUEST_TEST_RUNS)
