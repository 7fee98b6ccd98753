# Seeded mistakes in the guest kernel, which the tests that run inside must notice.

MUTANTS := tests/mutants
MUTANT_KILLS := 50
$(BUILD)/$(MUTANTS)/mutants.run: $(MUTANTS)/run_mutants.sh $(MUTANTS)/list $(BUILD)/rundown $(GUEST_IMAGES) $(SAMPLE_IMAGES_tests/guest)
	@mkdir -p $(@D)
	@{ echo '#!/bin/sh'; \
	   echo "COMPILE='$(GUEST_CC) $(GUEST_CFLAGS)'"; \
	   echo "LINK='$(GUEST_CC) $(GUEST_LDFLAGS) -Wl,--image-base,0xFFFFF80000A00000 -Wl,-e,KiSystemStartup'"; \
	   echo "OBJECTS='$(GUEST_OBJECTS)'"; \
	   echo "KILLS=$(MUTANT_KILLS)"; \
	   echo 'export COMPILE LINK OBJECTS KILLS'; \
	   echo 'exec sh $(MUTANTS)/run_mutants.sh $(BUILD)/rundown $(BUILD) tests/guest'; } > $@
	@chmod +x $@
TEST_PROGRAMS += $(BUILD)/$(MUTANTS)/mutants.run
