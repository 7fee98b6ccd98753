# Drivers of the command-line tests.
CLI_DRIVERS := $(patsubst tests/cli/drivers/%.c,%,$(sort $(wildcard tests/cli/drivers/*.c)))
$(foreach n,$(CLI_DRIVERS),$(call sample_image,tests/cli/drivers,$(n),$(n).c))
TEST_NEEDS += $(SAMPLE_IMAGES_tests/cli/drivers)
