# The explorer's tests bring their own subjects: simulated programs.
$(BUILD)/tests/unit/explore $(BUILD)/tests/unit/explore_random $(BUILD)/tests/unit/explore_symmetry: \
    $(patsubst %.c,$(BUILD)/host/%.o,$(wildcard tests/unit/explore_sim/*.c))

# The model that the reduction relies on, checked on real drivers: `make explore-traces`. Each trace that few
# preemptions reach must be among those of the reduced exploration.
EXPLORE_TRACES := $(BUILD)/tests/unit/explore_machine/traces
$(EXPLORE_TRACES): $(BUILD)/host/tests/unit/explore_machine/traces.o $(BUILD)/host/cli/session.o $(TEST_LIBS)
	@mkdir -p $(@D)
	$(CC) $(HOST_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(TEST_LIBS) -Wl,--end-group $(HOST_LIBS)

EXPLORE_COMMUTE := $(BUILD)/tests/unit/explore_machine/commute
$(EXPLORE_COMMUTE): $(BUILD)/host/tests/unit/explore_machine/commute.o $(BUILD)/host/cli/session.o $(TEST_LIBS)
	@mkdir -p $(@D)
	$(CC) $(HOST_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(TEST_LIBS) -Wl,--end-group $(HOST_LIBS)

EXPLORE_TRACES_OF := 004-remove-lock/acquire-twice 000-apc-unload/device-ref-jump 002-threaded-irp/passive \
    002-threaded-irp/own-irp-pends
EXPLORE_TRACES_RUNS := $(foreach s,$(EXPLORE_TRACES_OF),$(BUILD)/tests/unit/explore_machine/$(notdir $(s)).run)
$(EXPLORE_TRACES_RUNS): $(BUILD)/tests/unit/explore_machine/%.run: $(EXPLORE_TRACES) guest samples
	@printf '#!/bin/sh\nRUNDOWN_GUEST=%s exec %s %s\n' '$(BUILD)/guest' '$(EXPLORE_TRACES)' \
	    '$(BUILD)/samples/$(filter %/$*,$(EXPLORE_TRACES_OF)).lua' > $@
	@chmod +x $@
TEST_PROGRAMS += $(EXPLORE_TRACES_RUNS)

# And in each state of random walks: steps that do not conflict are tried in both orders.
EXPLORE_COMMUTE_OF := $(EXPLORE_TRACES_OF) 001-load-unload/register-last 004-remove-lock/completion-only-handle
EXPLORE_COMMUTE_RUNS := $(foreach s,$(EXPLORE_COMMUTE_OF),$(BUILD)/tests/unit/explore_machine/$(notdir $(s)).commute)
$(EXPLORE_COMMUTE_RUNS): $(BUILD)/tests/unit/explore_machine/%.commute: $(EXPLORE_COMMUTE) guest samples
	@printf '#!/bin/sh\nRUNDOWN_GUEST=%s exec %s %s 50\n' '$(BUILD)/guest' '$(EXPLORE_COMMUTE)' \
	    '$(BUILD)/samples/$(filter %/$*,$(EXPLORE_COMMUTE_OF)).lua' > $@
	@chmod +x $@
TEST_PROGRAMS += $(EXPLORE_COMMUTE_RUNS)

.PHONY: explore-traces
explore-traces: $(EXPLORE_TRACES_RUNS) $(EXPLORE_COMMUTE_RUNS)
	$(foreach r,$(EXPLORE_TRACES_RUNS) $(EXPLORE_COMMUTE_RUNS),$(r) &&) true
