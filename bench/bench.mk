# Speed figures, always as ratios to a peer. `make bench` runs every program in BENCH_PROGRAMS; a program
# finds what it needs in the arguments BENCH_ARGS_<name>.
define BENCH_NEXT


endef
BENCH_PROGRAMS := $(BUILD)/bench/engine
BENCH_ARGS_engine = $(BUILD)/bench/work.sys

# The engine benchmark's work: the same source and flags natively and as an image. Aligned loops, because
# the short ones run at half the speed across a cache line, which would be the linker's choice.
BENCH_WORK_FLAGS := -O2 -ffreestanding -fno-stack-protector -falign-functions=64 -falign-loops=64 -Wall -Wextra
BENCH_IMAGE_CC := x86_64-w64-mingw32-gcc

$(BUILD)/bench/work.o: bench/work.c bench/work.h
	@mkdir -p $(@D)
	$(CC) $(BENCH_WORK_FLAGS) -c $< -o $@
$(BUILD)/bench/work.sys: bench/work.c bench/work.h
	@mkdir -p $(@D)
	$(BENCH_IMAGE_CC) $(BENCH_WORK_FLAGS) -nostdlib -shared -Wl,--subsystem,native,--image-base,0xFFFFF80001000000,--entry,work_entry_point -o $@ $<
$(BUILD)/bench/%.o: bench/%.c
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/bench/engine: $(BUILD)/bench/engine.o $(BUILD)/bench/work.o $(call LIB,machine base) | $(BUILD)/bench/work.sys
	$(CC) $(HOST_LDFLAGS) -o $@ $^ $(HOST_LIBS)

# Exploration: the litmus programs with another main than count.c.
$(BUILD)/bench/explore: $(BUILD)/bench/explore.o $(BUILD)/host/tests/litmus/apart.o $(filter-out %/count.o,$(LITMUS_COUNT_OBJECTS)) $(HOST_LINK_LIBS)
	$(CC) $(HOST_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(HOST_LINK_LIBS) -Wl,--end-group $(HOST_LIBS)

# Seconds that one row may take.
BENCH_LONGEST ?= 60
.PHONY: bench-explore
bench-explore: $(BUILD)/bench/explore guest litmus_drivers
	@$(BUILD)/bench/explore $(BUILD)/tests/litmus $(firstword $(GUEST_IMAGES)) $(BENCH_LONGEST)
	@sh bench/spin.sh '$(BUILD)'

bench: $(BENCH_PROGRAMS) host guest samples $(addprefix $(BUILD)/tests/debug/drivers/long.,sys lua) bench-explore
	$(foreach p,$(BENCH_PROGRAMS),@echo '== $(notdir $(p))' && $(p) $(BENCH_ARGS_$(notdir $(p)))$(BENCH_NEXT))
	@echo '== explore' && sh bench/explore.sh '$(BUILD)'
	@echo '== jobs' && sh bench/jobs.sh '$(BUILD)'
	@echo '== travel' && sh bench/travel.sh '$(BUILD)'

-include $(wildcard $(BUILD)/bench/*.d)
