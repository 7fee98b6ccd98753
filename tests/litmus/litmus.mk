# Litmus programs: PROGRAM/prog.c with driver.c, counted for each line of PROGRAM/expected.

LITMUS := tests/litmus
LITMUS_NAMES := $(patsubst $(LITMUS)/%/prog.c,%,$(sort $(wildcard $(LITMUS)/*/prog.c)))
$(foreach n,$(LITMUS_NAMES),$(call sample_image,$(LITMUS),$(n)/$(n),$(n)/prog.c driver.c))

# The counter is the command line's session with another main.
LITMUS_COUNT_OBJECTS := $(BUILD)/host/cli/session.o $(BUILD)/host/cli/options.o \
    $(BUILD)/host/$(LITMUS)/count.o
$(BUILD)/$(LITMUS)/count: $(LITMUS_COUNT_OBJECTS) $(HOST_LINK_LIBS)
	@mkdir -p $(@D)
	$(CC) $(HOST_LDFLAGS) -o $@ $(LITMUS_COUNT_OBJECTS) -Wl,--start-group $(HOST_LINK_LIBS) -Wl,--end-group $(HOST_LIBS)

$(BUILD)/$(LITMUS)/%.run: $(LITMUS)/run_litmus.sh $(LITMUS)/scenario.lua $(LITMUS)/%/expected $(BUILD)/$(LITMUS)/count $(GUEST_IMAGES)
	@printf '#!/bin/sh\nexec sh %s %s %s %s\n' $(LITMUS)/run_litmus.sh '$(BUILD)/$(LITMUS)/count --kernel $(firstword $(GUEST_IMAGES))' \
	    $(LITMUS)/$* $(BUILD)/$(LITMUS)/$* | sed 's/run_litmus.sh \(.*--kernel [^ ]*\)/run_litmus.sh "\1"/' > $@
	@chmod +x $@
$(foreach n,$(filter-out generated,$(LITMUS_NAMES)),$(eval $(BUILD)/$(LITMUS)/$(n).run: $(BUILD)/$(LITMUS)/$(n)/$(n).sys))

# Generated programs, interpreted by a driver, against brute force.
LITMUS_GENERATED := 500
LITMUS_COMPARE_OBJECTS := $(filter-out %/count.o,$(LITMUS_COUNT_OBJECTS)) \
    $(patsubst %,$(BUILD)/host/$(LITMUS)/%.o,generated apart within)
$(BUILD)/$(LITMUS)/generated/compare: $(LITMUS_COMPARE_OBJECTS) $(HOST_LINK_LIBS)
	@mkdir -p $(@D)
	$(CC) $(HOST_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(HOST_LINK_LIBS) -Wl,--end-group $(HOST_LIBS)
$(BUILD)/$(LITMUS)/generated.run: $(BUILD)/$(LITMUS)/generated/compare $(BUILD)/$(LITMUS)/generated/generated.sys $(GUEST_IMAGES)
	@sed -e 's/COUNT/4/g' -e 's/PROGRAM/generated/' $(LITMUS)/scenario.lua > $(@D)/generated/generated.lua
	@printf '#!/bin/sh\nexec %s --kernel %s %s 1 %s\n' $< $(firstword $(GUEST_IMAGES)) $(@D)/generated/generated.lua $(LITMUS_GENERATED) > $@
	@chmod +x $@

# The same with timers, without bounds on choices and with each.
LITMUS_TIMED := free timers-0 timers-1 interrupts-0 interrupts-1 timers-1--interrupts-1
LITMUS_TIMED_RUNS := $(LITMUS_TIMED:%=$(BUILD)/$(LITMUS)/generated-%.run)
$(LITMUS_TIMED_RUNS): $(BUILD)/$(LITMUS)/generated-%.run: $(BUILD)/$(LITMUS)/generated.run
	@printf '#!/bin/sh\nexec %s --kernel %s %s %s 1 40 timed\n' $(BUILD)/$(LITMUS)/generated/compare $(firstword $(GUEST_IMAGES)) \
	    '$(if $(filter free,$*),,--$(subst --, --,$(subst s-,s ,$*)))' $(@D)/generated/generated.lua > $@
	@chmod +x $@
TEST_PROGRAMS += $(LITMUS_TIMED_RUNS)

LITMUS_RUNS := $(patsubst %,$(BUILD)/$(LITMUS)/%.run,$(LITMUS_NAMES))
litmus_drivers: $(LITMUS_RUNS) $(LITMUS_TIMED_RUNS)
TEST_PROGRAMS += $(LITMUS_RUNS)
