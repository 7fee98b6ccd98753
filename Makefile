# rundown: builds the host tool, the guest images and the samples, and runs the tests.
#
#   make            everything into build/          make demo     the tool at work on one sample
#   make check      all tests                       make check T=apc   only tests whose name contains apc
#   make MODE=asan check                            the same with sanitizers, in build-asan/
#   make bench      speed figures, in ratios        make fuzz F=pe     a fuzz target
#   make install PREFIX=/usr/local

MODE ?= release
BUILD ?= build$(if $(filter-out release,$(MODE)),-$(MODE))
PREFIX ?= /usr/local

.PHONY: all host guest samples check demo bench fuzz install clean setup bless
.DEFAULT_GOAL := all
all: host guest samples

include mk/host.mk
include guest/guest.mk
include samples/samples.mk
include tests/tests.mk
include bench/bench.mk
include mk/demo.mk
include mk/install.mk

setup:
	@sh tools/setup.sh

# Packages first, then the work in a make of its own: what is installed decides what the build finds.
demo: setup
	@$(MAKE) --no-print-directory -j"$$(nproc)" demo-run
check: setup
	@$(MAKE) --no-print-directory -j"$$(nproc)" check-run

clean:
	rm -rf build build-asan build-fuzz
