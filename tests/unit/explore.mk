# The explorer's tests bring their own subjects: simulated programs. They need neither the machine nor a guest.
EXPLORE_TESTS := $(BUILD)/tests/unit/explore $(BUILD)/tests/unit/explore_random
EXPLORE_SIM := $(patsubst %.c,$(BUILD)/host/%.o,$(wildcard tests/unit/explore_sim/*.c))

$(EXPLORE_TESTS): $(BUILD)/tests/unit/%: $(BUILD)/host/tests/unit/%.o $(EXPLORE_SIM) $(call LIB,explore base)
	@mkdir -p $(@D)
	$(CC) $(HOST_LDFLAGS) -o $@ $^ -lcmocka -lxxhash

TEST_PROGRAMS += $(EXPLORE_TESTS)
