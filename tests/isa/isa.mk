# The translator's tests: every program here is one file beside the harness in support/.
ISA_PROGRAMS := $(patsubst tests/isa/%.c,$(BUILD)/tests/isa/%,$(sort $(wildcard tests/isa/*.c)))
ISA_SUPPORT := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/isa/support/*.c)))
TEST_PROGRAMS += $(ISA_PROGRAMS)

$(BUILD)/tests/isa/%.o: tests/isa/%.c
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) -MMD -MP -c $< -o $@

$(ISA_PROGRAMS): $(BUILD)/tests/isa/%: $(BUILD)/tests/isa/%.o $(ISA_SUPPORT) $(call LIB,machine base)
	$(CC) $(HOST_LDFLAGS) -o $@ $^ $(HOST_LIBS)

.PHONY: isa
isa: $(ISA_PROGRAMS)

-include $(wildcard $(BUILD)/tests/isa/*.d $(BUILD)/tests/isa/support/*.d)
