# Seeded mistakes in the guest kernel, which the tests that run inside must notice (README.md). Nothing to register: every
# patch of the folder is a mutant. The script gets the commands that build the kernel, as make would run them; its names stand in
# it for `make check T=NAME`.

MUTANTS := tests/mutants
MUTANT_PATCHES := $(sort $(wildcard $(MUTANTS)/*.patch))

$(BUILD)/$(MUTANTS)/mutants.run: $(MUTANTS)/mutants.mk $(MUTANTS)/run_mutants.sh $(MUTANT_PATCHES) \
    $(BUILD)/rundown $(GUEST_IMAGES) $(SAMPLE_IMAGES_$(GUEST_TESTS)) $(CHECK_RUNS)
	@mkdir -p $(@D)
	@{ echo '#!/bin/sh'; \
	   echo '# $(notdir $(basename $(MUTANT_PATCHES)))'; \
	   echo "COMPILE='$(GUEST_CC) $(GUEST_CFLAGS)'"; \
	   echo "LINK='$(GUEST_CC) $(GUEST_LDFLAGS) -Wl,--image-base,0xFFFFF80000A00000 -Wl,-e,KiSystemStartup'"; \
	   echo "OBJECTS='$(GUEST_OBJECTS)'"; \
	   echo "IMAGES='$(SAMPLE_IMAGES_$(GUEST_TESTS))'"; \
	   echo 'export COMPILE LINK OBJECTS IMAGES'; \
	   echo 'exec sh $(MUTANTS)/run_mutants.sh $(BUILD)/rundown $(BUILD) tests/guest "$$@"'; } > $@
	@chmod +x $@
TEST_PROGRAMS += $(BUILD)/$(MUTANTS)/mutants.run

# Seeded mistakes in the explorer and in the bounds on choices (host/*.patch). A plain `make check` asks only whether they still apply;
# `make host-mutants` and `make check T=hostmutants` run them, `make check T=NAME` those whose names contain it.
HOST_MUTANT_PATCHES := $(sort $(wildcard $(MUTANTS)/host/*.patch))
HOST_MUTANT_SIM := $(patsubst %.c,$(BUILD)/host/%.o,$(wildcard tests/unit/explore_sim/*.c))

$(BUILD)/$(MUTANTS)/hostmutants.run: $(MUTANTS)/mutants.mk $(MUTANTS)/run_host_mutants.sh $(HOST_MUTANT_PATCHES) \
    $(BUILD)/rundown $(BUILD)/tests/unit/explore $(BUILD)/tests/unit/explore_random \
    $(BUILD)/tests/unit/explore_symmetry $(LITMUS_TIMED_RUNS) $(SAMPLE_IMAGES_tests/cli/drivers)
	@mkdir -p $(@D)
	@{ echo '#!/bin/sh'; \
	   echo '# $(notdir $(basename $(HOST_MUTANT_PATCHES)))'; \
	   echo "COMPILE='$(CC) $(HOST_CFLAGS)'"; \
	   echo "LINK='$(CC) $(HOST_LDFLAGS)'"; \
	   echo "LIBRARIES='-Wl,--start-group $(TEST_LIBS) -Wl,--end-group $(HOST_LIBS) -lcmocka'"; \
	   echo "OBJECTS_rundown='$(call host_objects,cli)'"; \
	   echo "OBJECTS_explore='$(BUILD)/host/tests/unit/explore.o $(HOST_MUTANT_SIM)'"; \
	   echo "OBJECTS_explore_random='$(BUILD)/host/tests/unit/explore_random.o $(HOST_MUTANT_SIM)'"; \
	   echo "OBJECTS_explore_symmetry='$(BUILD)/host/tests/unit/explore_symmetry.o $(HOST_MUTANT_SIM)'"; \
	   echo "OBJECTS_compare='$(LITMUS_COMPARE_OBJECTS)'"; \
	   echo 'export COMPILE LINK LIBRARIES OBJECTS_rundown OBJECTS_explore OBJECTS_explore_random OBJECTS_explore_symmetry OBJECTS_compare'; \
	   echo 'exec sh $(MUTANTS)/run_host_mutants.sh $(BUILD) "$$@"'; } > $@
	@chmod +x $@
TEST_PROGRAMS += $(BUILD)/$(MUTANTS)/hostmutants.run

.PHONY: host-mutants
host-mutants: host guest samples $(BUILD)/$(MUTANTS)/hostmutants.run
	@$(BUILD)/$(MUTANTS)/hostmutants.run all
