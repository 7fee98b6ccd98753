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
