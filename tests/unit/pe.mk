# Images for the PE and symbol tests, made by the compilers that drivers are made with.
PE_FIXTURES := $(BUILD)/tests/unit/pe
PE_LDFLAGS := -nostdlib -shared -Wl,--subsystem,native -Wl,--entry,DriverEntry -Wl,--dynamicbase
PE_GCC := x86_64-w64-mingw32-gcc -ffreestanding $(PE_LDFLAGS)
PE_CLANG := clang --target=x86_64-w64-mingw32 -fuse-ld=lld -ffreestanding -funwind-tables $(PE_LDFLAGS)
PE_MSVC := clang --target=x86_64-pc-windows-msvc -O1 -c
PE_LLD_LINK := lld-link /driver /subsystem:native /entry:DriverEntry /nodefaultlib

PE_LEVELS := O0 O1 O2 Os
PE_FRAMES := $(foreach l,$(PE_LEVELS),$(PE_FIXTURES)/frames-gcc-$(l).sys $(PE_FIXTURES)/frames-clang-$(l).sys)
PE_NAMED := $(addprefix $(PE_FIXTURES)/,named.sys named-stripped.sys named-msvc.sys named.c)
PE_PLAIN := $(addprefix $(PE_FIXTURES)/,importer.sys exporter.sys cookie.sys odd.sys)

$(PE_FIXTURES)/frames-gcc-%.sys: tests/unit/pe/frames.c
	@mkdir -p $(@D)
	$(PE_GCC) -$* -o $@ $<
$(PE_FIXTURES)/frames-clang-%.sys: tests/unit/pe/frames.c
	@mkdir -p $(@D)
	$(PE_CLANG) -$* -o $@ $<
$(PE_FIXTURES)/odd.sys: tests/unit/pe/odd.S
	@mkdir -p $(@D)
	$(PE_GCC) -o $@ $<
$(PE_FIXTURES)/exporter.sys: tests/unit/pe/exporter.c tests/unit/pe/exporter.def
	@mkdir -p $(@D)
	$(PE_GCC) -O1 -o $@ $^
$(PE_FIXTURES)/libexporter.a: tests/unit/pe/exporter.def
	@mkdir -p $(@D)
	x86_64-w64-mingw32-dlltool -d $< -l $@
$(PE_FIXTURES)/importer.sys: tests/unit/pe/importer.c $(PE_FIXTURES)/libexporter.a
	$(PE_GCC) -O1 -o $@ $^
$(PE_FIXTURES)/named.sys: tests/unit/pe/named.c
	@mkdir -p $(@D)
	$(PE_GCC) -O1 -g -gdwarf-4 -o $@ $<
$(PE_FIXTURES)/named-stripped.sys: tests/unit/pe/named.c
	@mkdir -p $(@D)
	$(PE_GCC) -O1 -s -o $@ $<
$(PE_FIXTURES)/named.c: tests/unit/pe/named.c
	@mkdir -p $(@D)
	@cp $< $@
# The recorded path is of another system, as in a driver that was built elsewhere: the PDB is found beside the image.
$(PE_FIXTURES)/named-msvc.sys: tests/unit/pe/named.c
	@mkdir -p $(@D)
	$(PE_MSVC) -g -gcodeview -o $(@:.sys=.obj) $<
	$(PE_LLD_LINK) /debug /pdb:$(@:.sys=.pdb) '/pdbaltpath:Z:\build\named-msvc.pdb' /out:$@ $(@:.sys=.obj)
$(PE_FIXTURES)/cookie.sys: tests/unit/pe/cookie.c
	@mkdir -p $(@D)
	$(PE_MSVC) -o $(@:.sys=.obj) $<
	$(PE_LLD_LINK) /out:$@ $(@:.sys=.obj)

$(BUILD)/tests/unit/pe_unwind: $(PE_FRAMES) $(PE_PLAIN)
$(BUILD)/tests/unit/pe_image $(BUILD)/tests/unit/pe_damage: $(PE_PLAIN)
$(BUILD)/tests/unit/symbols: $(PE_NAMED) $(PE_PLAIN)

# Seeds for `make fuzz F=pe`.
.PHONY: fuzz-seeds-pe
fuzz-seeds-pe: $(PE_PLAIN) $(PE_NAMED) $(PE_FRAMES)
	@mkdir -p $(FUZZ_BUILD)/corpus/pe
	cp $(filter %.sys,$^) $(FUZZ_BUILD)/corpus/pe/
ifeq ($(F),pe)
fuzz: fuzz-seeds-pe
endif

# Seeds for `make fuzz F=pdb`; one is small, for it has no kit's headers.
.PHONY: fuzz-seeds-pdb
fuzz-seeds-pdb: $(PE_FIXTURES)/named-msvc.sys $(DEBUG_PDB)/pdb/typed.sys
	@mkdir -p $(FUZZ_BUILD)/corpus/pdb
	cp $(PE_FIXTURES)/named-msvc.pdb $(DEBUG_PDB)/pdb/typed.pdb $(FUZZ_BUILD)/corpus/pdb/
ifeq ($(F),pdb)
fuzz: fuzz-seeds-pdb
endif
