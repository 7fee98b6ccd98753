# The guest images: ntoskrnl.exe and hal.dll, x64 PE images built from guest/ntos by mingw-w64, and the import
# libraries that samples link against. Source lists are the folder listings; the export table comes from the
# NTEXPORT lines of the sources (tools/exports.sh).

GUEST_CC := x86_64-w64-mingw32-gcc
GUEST_DLLTOOL := x86_64-w64-mingw32-dlltool
GUEST_DDK ?= /usr/share/mingw-w64/include/ddk
GUEST_CFLAGS := -std=gnu17 -O2 -g -gdwarf-4 -ffreestanding -fms-extensions -fno-builtin -fno-stack-protector \
    -fno-strict-aliasing -fno-common -fno-ident -fno-tree-loop-distribute-patterns -fno-optimize-sibling-calls \
    -fno-reorder-blocks-and-partition -fno-ipa-icf -fno-ipa-cp -fno-ipa-sra -fwrapv -mcx16 -mno-stack-arg-probe \
    -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -Wno-ignored-attributes -Wno-unknown-pragmas -Wno-multichar -Wno-dangling-pointer --param=min-pagesize=0 \
    -D_WIN32_WINNT=0x0A00 -DWINVER=0x0A00 -DNTDDI_VERSION=0x0A000000 -I. -isystem $(GUEST_DDK) \
    -fdebug-prefix-map=$(CURDIR)=. -ffile-prefix-map=$(CURDIR)=. $(EXTRA_GUEST_CFLAGS)

GUEST_FOLDERS := ke ex ps mm ob io fsrtl rtl se vf
GUEST_SOURCES := $(sort $(foreach f,$(GUEST_FOLDERS),$(wildcard guest/ntos/$(f)/*.c)))
GUEST_ASM := $(sort $(foreach f,$(GUEST_FOLDERS),$(wildcard guest/ntos/$(f)/*.S)))
GUEST_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(GUEST_SOURCES)) $(patsubst %.S,$(BUILD)/%.o,$(GUEST_ASM))

$(BUILD)/guest/ntos/%.o: guest/ntos/%.c
	@mkdir -p $(@D)
	$(GUEST_CC) $(GUEST_CFLAGS) -MMD -MP -c $< -o $@
$(BUILD)/guest/ntos/%.o: guest/ntos/%.S
	@mkdir -p $(@D)
	$(GUEST_CC) $(GUEST_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/guest/ntoskrnl.def: $(GUEST_SOURCES) tools/exports.sh
	@mkdir -p $(@D)
	@sh tools/exports.sh ntoskrnl.exe $(GUEST_SOURCES) > $@
$(BUILD)/guest/hal.def: $(GUEST_SOURCES) tools/exports.sh
	@mkdir -p $(@D)
	@sh tools/exports.sh -h ntoskrnl.exe $(GUEST_SOURCES) > $@

GUEST_LDFLAGS := -nostdlib -shared -Wl,--subsystem,native -Wl,--exclude-all-symbols -Wl,--disable-runtime-pseudo-reloc \
    -Wl,--disable-auto-import -Wl,--no-insert-timestamp -Wl,--file-alignment,512 -Wl,--section-alignment,4096

$(BUILD)/guest/ntoskrnl.exe: $(GUEST_OBJECTS) $(BUILD)/guest/ntoskrnl.def
	$(GUEST_CC) $(GUEST_LDFLAGS) -Wl,--image-base,0xFFFFF80000A00000 -Wl,-e,KiSystemStartup \
	    -Wl,-Map,$(BUILD)/guest/ntoskrnl.map -o $@ $(GUEST_OBJECTS) $(BUILD)/guest/ntoskrnl.def

# hal.dll holds no code: every export forwards to the kernel.
$(BUILD)/guest/hal.dll: $(BUILD)/guest/hal.def
	@echo 'const unsigned HalBuild = 1;' > $(BUILD)/guest/hal.c
	$(GUEST_CC) $(GUEST_CFLAGS) -c $(BUILD)/guest/hal.c -o $(BUILD)/guest/hal.o
	$(GUEST_CC) $(GUEST_LDFLAGS) -Wl,--image-base,0xFFFFF80000800000 -Wl,-e,0 -o $@ $(BUILD)/guest/hal.o $(BUILD)/guest/hal.def

# Import libraries: what driver samples link against.
$(BUILD)/guest/libntoskrnl.a: $(BUILD)/guest/ntoskrnl.def
	$(GUEST_DLLTOOL) -d $< -l $@
$(BUILD)/guest/libhal.a: $(BUILD)/guest/hal.def
	@sed 's/ = .*//' $< > $(BUILD)/guest/hal-import.def
	$(GUEST_DLLTOOL) -d $(BUILD)/guest/hal-import.def -l $@

# Drivers of ours, guest/NAME/*.c -> NAME.sys: ordinary driver images that import from the kernel. The machine takes their
# code for the kernel's (cli/session.c names them).
GUEST_DRIVERS := fltmgr memfs
GUEST_DRIVER_LDFLAGS := -nostdlib -shared -Wl,--subsystem,native -Wl,--exclude-all-symbols -Wl,--dynamicbase \
    -Wl,--disable-runtime-pseudo-reloc -Wl,--disable-auto-import -Wl,--no-insert-timestamp -Wl,--entry,DriverEntry
define guest_driver_rule
GUEST_DRIVER_SOURCES_$(1) := $(sort $(wildcard guest/$(1)/*.c))
GUEST_DRIVER_OBJECTS_$(1) := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard guest/$(1)/*.c)))
$(BUILD)/guest/$(1).def: $$(GUEST_DRIVER_SOURCES_$(1)) tools/exports.sh
	@mkdir -p $$(@D)
	@sh tools/exports.sh $(1).sys $$(GUEST_DRIVER_SOURCES_$(1)) > $$@
$(BUILD)/guest/$(1)/%.o: guest/$(1)/%.c
	@mkdir -p $$(@D)
	$$(GUEST_CC) $$(GUEST_CFLAGS) -MMD -MP -c $$< -o $$@
$(BUILD)/guest/$(1).sys: $$(GUEST_DRIVER_OBJECTS_$(1)) $(BUILD)/guest/$(1).def $(BUILD)/guest/libntoskrnl.a
	$$(GUEST_CC) $$(GUEST_DRIVER_LDFLAGS) -o $$@ $$(GUEST_DRIVER_OBJECTS_$(1)) $(BUILD)/guest/$(1).def -L$(BUILD)/guest -lntoskrnl
-include $$(GUEST_DRIVER_OBJECTS_$(1):.o=.d)
endef
$(foreach d,$(GUEST_DRIVERS),$(eval $(call guest_driver_rule,$(d))))

GUEST_IMAGES := $(BUILD)/guest/ntoskrnl.exe $(BUILD)/guest/hal.dll $(GUEST_DRIVERS:%=$(BUILD)/guest/%.sys)
# What filters link against.
$(BUILD)/guest/libfltmgr.a: $(BUILD)/guest/fltmgr.def
	$(GUEST_DLLTOOL) -d $< -l $@
GUEST_LIBRARIES := $(BUILD)/guest/libntoskrnl.a $(BUILD)/guest/libhal.a $(BUILD)/guest/libfltmgr.a
guest: $(GUEST_IMAGES) $(GUEST_LIBRARIES)

-include $(GUEST_OBJECTS:.o=.d)
