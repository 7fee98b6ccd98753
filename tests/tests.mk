# Tests. A test program prints TAP on standard output. Unit tests are tests/unit/NAME.c (cmocka), command-line tests are
# tests/cli/NAME.sh; a folder that needs more has its own NAME.mk, which appends to TEST_PROGRAMS (built) or
# TEST_SCRIPTS (run as they are); what scripts need built goes to TEST_NEEDS.
#
#   make check            all          make check T=apc   programs and tests whose name contains apc
#   make check T=unit/    with a slash: programs whose path contains it; nothing else is built
#   make fuzz F=pe        fuzz target tests/fuzz/pe.c for FUZZ_SECONDS, from the corpus tests/fuzz/corpus/pe

TEST_PROGRAMS :=
TEST_NEEDS :=
TEST_SCRIPTS := tools/layers.sh $(sort $(wildcard tests/cli/*.sh))

TEST_LIBS := $(call LIB,report scenario debug explore check machine base)

UNIT_PROGRAMS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(sort $(wildcard tests/unit/*.c)))
$(BUILD)/tests/unit/%: $(BUILD)/host/tests/unit/%.o $(TEST_LIBS)
	@mkdir -p $(@D)
	$(CC) $(HOST_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(TEST_LIBS) -Wl,--end-group $(HOST_LIBS) -lcmocka
TEST_PROGRAMS += $(UNIT_PROGRAMS)
.SECONDARY: $(patsubst %.c,$(BUILD)/host/%.o,$(wildcard tests/unit/*.c))

FUZZ_BUILD := build-fuzz
-include $(sort $(wildcard tests/*/*.mk))

# Programs that take longest, first, so that the last one to end does not end alone.
TEST_LONG := %/mutants.run %/sweep.run %/every-option.run %/generated.run %/jobs.sh %/verdicts.run %/replay.run
TEST_ALL = $(sort $(TEST_PROGRAMS)) $(TEST_SCRIPTS)
TEST_NAMED = $(if $(findstring /,$(T)),$(foreach p,$(TEST_ALL),$(if $(findstring $(T),$(p)),$(p))))
TEST_CHOSEN = $(or $(TEST_NAMED),$(TEST_ALL))

.PHONY: check-run
check-run: $(if $(filter %.sh %.run,$(TEST_CHOSEN)),host guest samples $(TEST_NEEDS)) $(filter-out %.sh,$(TEST_CHOSEN))
	@BUILD='$(BUILD)' MODE='$(MODE)' sh tests/run '$(T)' $(filter $(TEST_LONG),$(TEST_CHOSEN)) $(filter-out $(TEST_LONG),$(TEST_CHOSEN))

# Fuzz targets have libFuzzer's entry point. Everything they link is compiled by clang into a build of its own.
FUZZ_SECONDS ?= 30
FUZZ_FLAGS := -std=c17 -D_GNU_SOURCE -I. -I$(FUZZ_BUILD)/gen -g -O1 -fno-strict-aliasing -fsanitize=fuzzer,address,undefined \
    -fno-sanitize-recover=undefined
FUZZ_SOURCES = $(foreach f,base machine/pe scenario scenario/verbs,$(wildcard $(f)/*.c)) report/failure.c $(wildcard debug/types*.c debug/pdb*.c) debug/dwarf.c
FUZZ_MORE_checkpoint := $(foreach f,checkpoint units wire dpor history footprint explore replay,explore/$(f).c)
FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))

$(FUZZ_BUILD)/gen/verbs.c: $(wildcard scenario/verbs/*.c) tools/registry.sh
	@mkdir -p $(@D)
	@sh tools/registry.sh scenario/scenario.h 'struct scenario_verb' verb scenario_verbs scenario/verbs > $@
$(FUZZ_BUILD)/fuzz-%: tests/fuzz/%.c $(FUZZ_BUILD)/gen/verbs.c $(FUZZ_SOURCES) $(FUZZ_MORE_checkpoint)
	@mkdir -p $(@D)
	clang $(FUZZ_FLAGS) -o $@ $< $(FUZZ_BUILD)/gen/verbs.c $(FUZZ_SOURCES) $(FUZZ_MORE_$*) $(FUZZ_LINK_$*) -llua5.4 -ljansson -lxxhash -lm

fuzz: $(if $(F),$(FUZZ_BUILD)/fuzz-$(F))
	@test -n '$(F)' || { echo 'make fuzz F=NAME, one of: $(FUZZ_TARGETS)' >&2; exit 2; }
	@mkdir -p $(FUZZ_BUILD)/corpus/$(F) $(FUZZ_BUILD)/crashes
	$(FUZZ_BUILD)/fuzz-$(F) -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 \
	    -artifact_prefix=$(FUZZ_BUILD)/crashes/$(F)- $(FUZZ_BUILD)/corpus/$(F) $(wildcard tests/fuzz/corpus/$(F))
