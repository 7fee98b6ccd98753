# Drivers of the kernel commands' tests, and the drivers of seed 003 as another compiler makes them.
$(call sample_image,tests/debug/drivers,objects,objects.c)
$(call sample_image,tests/debug/drivers,hostile,hostile.c)
$(call sample_image,tests/debug/drivers,queued,queued.c)
$(call sample_image,tests/debug/drivers,barrier,barrier.c)
SAMPLE_CFLAGS_tests/debug/drivers := -I.
TEST_NEEDS += $(foreach n,objects hostile queued barrier,$(BUILD)/tests/debug/drivers/$(n).sys $(BUILD)/tests/debug/drivers/$(n).lua)

DEBUG_CLANG := $(BUILD)/tests/debug/clang
DEBUG_CLANG_FLAGS := --target=x86_64-w64-mingw32 -fuse-ld=lld -Wl,--allow-multiple-definition -O1 -g -std=gnu11 \
    -fno-optimize-sibling-calls -fno-strict-aliasing -fno-stack-protector -Iguest/wdk -isystem $(SAMPLE_DDK) -D_AMD64_ \
    -DNTDDI_VERSION=0x06010000 -D_WIN32_WINNT=0x0601 -nostdlib -shared -Wl,--subsystem,native -Wl,--entry,DriverEntry \
    -Wl,--exclude-all-symbols -Wl,--dynamicbase -Wl,--no-insert-timestamp -Wno-unknown-pragmas
# lld 14 cannot name duplicates in DWARF 5, so images of several sources have version 4.
define debug_clang_rule
$(DEBUG_CLANG)/$(1).sys: $(addprefix samples/003-critical-region/,$(2)) | $(BUILD)/guest/libfltmgr.a
	@mkdir -p $$(@D)
	clang $(DEBUG_CLANG_FLAGS) $(if $(word 2,$(2)),-gdwarf-4,-gdwarf-5) -o $$@ $$^ $(SAMPLE_LIBS)
TEST_NEEDS += $(DEBUG_CLANG)/$(1).sys
endef
$(eval $(call debug_clang_rule,server,server.c))
$(eval $(call debug_clang_rule,filter-forgets,filter.c filter-forgets.c))
$(eval $(call debug_clang_rule,filter-inlined,filter.c filter-inlined.c))
$(eval $(call debug_clang_rule,minifilter,minifilter.c))

# The debugger's fuzz target: in the suite with a main of its own, for `make fuzz F=debugger` with the failure it needs.
$(BUILD)/tests/debug/smoke: $(BUILD)/host/tests/fuzz/debugger.o $(BUILD)/host/tests/debug/support/smoke.o $(BUILD)/host/cli/session.o $(HOST_LINK_LIBS)
	@mkdir -p $(@D)
	$(CC) $(HOST_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(HOST_LINK_LIBS) -Wl,--end-group $(HOST_LIBS)
TEST_NEEDS += $(BUILD)/tests/debug/smoke
FUZZ_MORE_debugger = $(filter-out $(FUZZ_SOURCES),$(wildcard debug/*.c debug/commands/*.c)) cli/session.c
FUZZ_LINK_debugger = $(BUILD)/host/gen/commands.o -Wl,--start-group $(call LIB,report explore check machine base) -Wl,--end-group -lZydis -lZycore -ledit
$(FUZZ_BUILD)/fuzz-debugger: | host
$(FUZZ_BUILD)/objects.rdn: host guest $(BUILD)/tests/debug/drivers/objects.sys $(BUILD)/tests/debug/drivers/objects.lua
	@mkdir -p $(@D)
	-@$(BUILD)/rundown check $(BUILD)/tests/debug/drivers/objects.lua -o $@ > /dev/null
ifeq ($(F),debugger)
fuzz: $(FUZZ_BUILD)/objects.rdn
export RUNDOWN_FUZZ_FAILURE := $(FUZZ_BUILD)/objects.rdn
export RUNDOWN_FUZZ_KERNEL := $(BUILD)/guest/ntoskrnl.exe
endif
