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
