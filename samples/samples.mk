# The samples: drivers in plain WDM C, one folder a bug, built here with mingw-w64 (or clang) and buildable with a Windows
# kit as they are. A folder's images.mk says which sources make which image; its scenarios are copied beside the
# images, where `rundown check` finds them.
#
#   make samples SAMPLE_CC=clang SAMPLE_OPT=-O0 SAMPLE_STRIP=1 BUILD=/tmp/elsewhere

SAMPLE_CC ?= x86_64-w64-mingw32-gcc
SAMPLE_OPT ?= -O2
SAMPLE_STRIP ?=
# Where the distribution keeps mingw-w64's kit headers and import libraries.
SAMPLE_DDK ?= $(firstword $(wildcard $(addsuffix /ddk,/usr/share/mingw-w64/include /usr/x86_64-w64-mingw32/include \
    /usr/x86_64-w64-mingw32/sys-root/mingw/include)))
SAMPLE_LIB ?= $(firstword $(wildcard /usr/x86_64-w64-mingw32/lib /usr/x86_64-w64-mingw32/sys-root/mingw/lib))

COMMA := ,
SAMPLE_CLANG := $(findstring clang,$(notdir $(firstword $(SAMPLE_CC))))
SAMPLE_TARGET := $(if $(SAMPLE_CLANG),--target=x86_64-w64-mingw32)
SAMPLE_CFLAGS := $(SAMPLE_TARGET) $(SAMPLE_OPT) -g -gdwarf-4 -std=gnu11 -Wall -Wextra -Wno-unknown-pragmas \
    -Wno-multichar $(if $(SAMPLE_CLANG),,-Wno-array-bounds) \
    -fno-strict-aliasing -fno-stack-protector -Iguest/wdk -isystem $(SAMPLE_DDK) -D_AMD64_ \
    -DNTDDI_VERSION=0x06010000 -D_WIN32_WINNT=0x0601 -fdebug-prefix-map=$(CURDIR)=. $(SAMPLE_EXTRA_CFLAGS)
# Some inline functions of the kit's headers come out external under clang, once in each object.
SAMPLE_LDFLAGS := $(SAMPLE_TARGET) $(if $(SAMPLE_CLANG),-fuse-ld=lld -Wl$(COMMA)--allow-multiple-definition) -nostdlib -shared -Wl,--subsystem,native \
    -Wl,--entry,DriverEntry -Wl,--exclude-all-symbols -Wl,--dynamicbase -Wl,--no-insert-timestamp $(SAMPLE_STRIP:%=-s)
# The filter manager's import library is ours: mingw-w64 has none.
SAMPLE_LIBS := -L$(SAMPLE_LIB) -lntoskrnl -lhal $(BUILD)/guest/libfltmgr.a

# Sources with __try need a compiler that has it: clang, which makes the tables that Microsoft's compiler makes. FOLDER as below;
# which sources they are is seen from the sources.
SEH_CC ?= clang
SEH_CFLAGS = --target=x86_64-w64-mingw32 $(SAMPLE_CFLAGS) -fms-extensions -Wno-ignored-attributes
define seh_object_rule
$(1): SAMPLE_CC = $$(SEH_CC)
$(1): SAMPLE_CFLAGS := $$(SEH_CFLAGS)
endef
seh_sources = $(foreach s,$(shell grep -lwr __try $(1) --include=*.c),$(eval \
    $(call seh_object_rule,$(s:$(1)/%=$(BUILD)/$(1)/obj/%.o))))

# $(call sample_image,FOLDER,IMAGE,SOURCES): FOLDER is the path in the source tree, and the image lands in its
# counterpart under $(BUILD). Test drivers use it too. Objects go to the counterpart's obj/.
define sample_image_rule
$(BUILD)/$(1)/$(2).sys: $(patsubst %,$(BUILD)/$(1)/obj/%.o,$(3)) | $(BUILD)/guest/libfltmgr.a
	@mkdir -p $$(@D)
	$$(SAMPLE_CC) $$(SAMPLE_LDFLAGS) -o $$@ $$^ $$(SAMPLE_LIBS)
SAMPLE_IMAGES_$(1) += $(BUILD)/$(1)/$(2).sys
endef
define sample_folder_rule
SAMPLE_KNOWN_$(1) := yes
$(BUILD)/$(1)/obj/%.o: $(1)/%
	@mkdir -p $$(@D)
	$$(SAMPLE_CC) $$(SAMPLE_CFLAGS) $$(SAMPLE_CFLAGS_$(1)) -MMD -MP -c $$< -o $$@
$(BUILD)/$(1)/%.lua: $(1)/%.lua
	@mkdir -p $$(@D)
	@cp $$< $$@
-include $(wildcard $(BUILD)/$(1)/obj/*.d $(BUILD)/$(1)/obj/*/*.d)
endef
sample_image = $(if $(SAMPLE_KNOWN_$(strip $(1))),,$(eval $(call sample_folder_rule,$(strip $(1)))))$(eval \
    $(call sample_image_rule,$(strip $(1)),$(strip $(2)),$(3)))

# $(call sample_scenarios,FOLDER,SUBFOLDER,DRIVER[,NAMES]): each FOLDER/SUBFOLDER/NAME.lua (or those named) makes the scenario
# DRIVER-NAME.lua, with the variant's name wherever the file says DRIVER.
define sample_scenario_rule
$(BUILD)/$(1)/$(3)-$(4).lua: $(1)/$(2)/$(4).lua
	@mkdir -p $$(@D)
	@sed 's/DRIVER/$(3)/g' $$< > $$@
SAMPLE_SCENARIOS_$(1) += $(BUILD)/$(1)/$(3)-$(4).lua
endef
sample_scenarios = $(foreach n,$(or $(4),$(basename $(notdir $(sort $(wildcard $(strip $(1))/$(strip $(2))/*.lua))))),$(eval \
    $(call sample_scenario_rule,$(strip $(1)),$(strip $(2)),$(strip $(3)),$(n))))

SAMPLE_FOLDERS := $(patsubst %/images.mk,%,$(sort $(wildcard samples/*/images.mk)))
include $(addsuffix /images.mk,$(SAMPLE_FOLDERS))

samples: $(foreach f,$(SAMPLE_FOLDERS),$(SAMPLE_IMAGES_$(f)) $(SAMPLE_SCENARIOS_$(f)) $(patsubst %,$(BUILD)/%,$(wildcard $(f)/*.lua)))

