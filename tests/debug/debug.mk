# The debugger's tests: scripts over failures that are found when they run, so that they are of this build.
$(call sample_image,tests/debug/drivers,long,long.c)
TEST_NEEDS += $(BUILD)/tests/debug/drivers/long.sys $(BUILD)/tests/debug/drivers/long.lua
TEST_SCRIPTS += $(sort $(wildcard tests/debug/*.sh))
