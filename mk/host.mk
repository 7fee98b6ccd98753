# The host tool. One static library a folder, so that a test links only what it tests and a folder cannot
# reach upwards unnoticed. Folder listings are the source lists; nothing is registered twice.

CC ?= gcc
HOST_FLAGS_release := -O2 -g
HOST_FLAGS_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
HOST_CFLAGS := -std=c17 -D_GNU_SOURCE -I. -I$(BUILD)/gen -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
    -Wno-missing-field-initializers -Werror=implicit-function-declaration -fno-strict-aliasing $(HOST_FLAGS_$(MODE)) $(EXTRA_CFLAGS)
HOST_LDFLAGS := $(HOST_FLAGS_$(MODE))
HOST_LIBS := -lZydis -lZycore -ledit -llua5.4 -ljansson -lxxhash -lm

HOST_FOLDERS := base machine machine/pe machine/dbt check check/monitors explore explore/strategies debug \
    debug/commands scenario scenario/verbs report cli
host_sources = $(sort $(wildcard $(1)/*.c))
host_objects = $(patsubst %.c,$(BUILD)/host/%.o,$(call host_sources,$(1)))

# A library is named after its top folder and holds its subfolders too.
HOST_LIBRARIES := base machine check explore debug scenario report
lib_folders = $(filter $(1) $(1)/%,$(HOST_FOLDERS))
lib_objects = $(foreach f,$(call lib_folders,$(1)),$(call host_objects,$(f))) $(GEN_$(1))
LIB = $(foreach l,$(1),$(BUILD)/lib/librd_$(l).a)

# Registries generated from folder listings.
GEN_explore := $(BUILD)/host/gen/strategies.o
GEN_scenario := $(BUILD)/host/gen/verbs.o
$(BUILD)/gen/strategies.c: $(wildcard explore/strategies/*.c) tools/registry.sh
	@mkdir -p $(@D)
	@sh tools/registry.sh explore/explore.h 'struct strategy' strategy explore_strategies explore/strategies > $@
$(BUILD)/gen/verbs.c: $(wildcard scenario/verbs/*.c) tools/registry.sh
	@mkdir -p $(@D)
	@sh tools/registry.sh scenario/scenario.h 'struct scenario_verb' verb scenario_verbs scenario/verbs > $@
GEN_check := $(BUILD)/host/gen/monitors.o $(BUILD)/host/gen/raised.o
RAISED_SOURCES := $(sort $(shell find guest -name '*.h')) $(sort $(shell find guest -name '*.c'))
$(BUILD)/gen/raised.c: tools/raised.sh $(RAISED_SOURCES)
	@mkdir -p $(@D)
	@sh tools/raised.sh $(wildcard $(SAMPLE_DDK)/../bugcodes.h) $(RAISED_SOURCES) > $@
$(BUILD)/gen/monitors.c: $(wildcard check/monitors/*.c) tools/registry.sh
	@mkdir -p $(@D)
	@sh tools/registry.sh check/check.h 'struct monitor' monitor check_monitors check/monitors > $@
GEN_debug := $(BUILD)/host/gen/commands.o
$(BUILD)/gen/commands.c: $(wildcard debug/commands/*.c) tools/registry.sh
	@mkdir -p $(@D)
	@sh tools/registry.sh debug/debugger.h 'struct debug_command' debug_command debug_commands debug/commands > $@
$(BUILD)/host/gen/%.o: $(BUILD)/gen/%.c
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/host/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) $(CFLAGS_$(subst /,_,$*)) -MMD -MP -c $< -o $@

define lib_rule
$(BUILD)/lib/librd_$(1).a: $(call lib_objects,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	ar rcs $$@ $$^
endef
$(foreach l,$(HOST_LIBRARIES),$(eval $(call lib_rule,$(l))))

HOST_LINK_LIBS := $(call LIB,report scenario debug explore check machine base)
$(BUILD)/rundown: $(call host_objects,cli) $(HOST_LINK_LIBS)
	$(CC) $(HOST_LDFLAGS) -o $@ $(call host_objects,cli) -Wl,--start-group $(HOST_LINK_LIBS) -Wl,--end-group $(HOST_LIBS)

host: $(BUILD)/rundown

-include $(shell find $(BUILD)/host -name '*.d' 2>/dev/null)
