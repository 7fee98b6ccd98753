# One driver with DWARF in its image and with a PDB, as clang and lld-link make it for Microsoft's target. mingw-w64's headers take a
# compiler with that target for Microsoft's, which does not know the attributes they use elsewhere: they are told it is their own.
DEBUG_PDB := $(BUILD)/tests/debug/pdb
DEBUG_TYPED_FLAGS := -O1 -g -std=gnu11 -fno-strict-aliasing -fno-stack-protector -isystem $(SAMPLE_DDK)/.. -isystem $(SAMPLE_DDK) -D_AMD64_ \
    -DNTDDI_VERSION=0x06010000 -D_WIN32_WINNT=0x0601 -Wno-unknown-pragmas -Wno-ignored-attributes -fdebug-prefix-map=$(CURDIR)=.
DEBUG_MSVC := clang --target=x86_64-pc-windows-msvc -gcodeview -fms-extensions -fms-compatibility-version=0 -U_MSC_VER -D__GNUC__=4 \
    -D__MINGW32__ -D__MINGW64__
DEBUG_LLD_LINK := lld-link /driver /subsystem:native /entry:DriverEntry /nodefaultlib /debug

$(DEBUG_PDB)/dwarf/typed.sys: tests/debug/pdb/typed.c
	@mkdir -p $(@D)
	$(SAMPLE_CC) $(DEBUG_TYPED_FLAGS) $(filter-out -g -gdwarf-4,$(SAMPLE_LDFLAGS)) -o $@ $< $(SAMPLE_LIBS)
$(DEBUG_PDB)/pdb/typed.sys: tests/debug/pdb/typed.c
	@mkdir -p $(@D)
	$(DEBUG_MSVC) $(DEBUG_TYPED_FLAGS) -c -o $(@D)/typed.obj $<
	$(DEBUG_LLD_LINK) /pdb:$(@D)/typed.pdb '/pdbaltpath:Z:\build\typed.pdb' /out:$@ $(@D)/typed.obj $(SAMPLE_LIB)/libntoskrnl.a
# The path that this one records is that of its PDB here.
$(DEBUG_PDB)/recorded/typed.sys: $(DEBUG_PDB)/pdb/typed.sys
	@mkdir -p $(@D)/pdb
	$(DEBUG_LLD_LINK) /pdb:$(@D)/pdb/typed.pdb /out:$@ $(DEBUG_PDB)/pdb/typed.obj $(SAMPLE_LIB)/libntoskrnl.a
# One object with both, linked twice: the same code, once with a PDB and once with DWARF.
$(DEBUG_PDB)/twin.obj: tests/debug/pdb/typed.c
	@mkdir -p $(@D)
	$(DEBUG_MSVC) -gdwarf-4 $(DEBUG_TYPED_FLAGS) -c -o $@ $<
$(DEBUG_PDB)/twin-pdb.sys: $(DEBUG_PDB)/twin.obj
	$(DEBUG_LLD_LINK) /pdb:$(@:.sys=.pdb) '/pdbaltpath:Z:\build\twin-pdb.pdb' /out:$@ $< $(SAMPLE_LIB)/libntoskrnl.a
$(DEBUG_PDB)/twin-dwarf.sys: $(DEBUG_PDB)/twin.obj
	$(DEBUG_LLD_LINK):dwarf /out:$@ $< $(SAMPLE_LIB)/libntoskrnl.a 2>$@.log || { cat $@.log >&2; exit 1; } # it warns of long names of sections
$(DEBUG_PDB)/methods.sys: tests/debug/pdb/methods.cpp
	@mkdir -p $(@D)
	clang --target=x86_64-pc-windows-msvc -gcodeview -g -O1 -fno-rtti -fno-exceptions -c -o $(@:.sys=.obj) $<
	$(DEBUG_LLD_LINK) /out:$@ $(@:.sys=.obj)
$(BUILD)/tests/unit/pdb: $(DEBUG_PDB)/methods.sys $(DEBUG_PDB)/twin-pdb.sys $(DEBUG_PDB)/twin-dwarf.sys
$(DEBUG_PDB)/%/typed.lua: tests/debug/pdb/typed.lua
	@mkdir -p $(@D)
	@cp $< $@
TEST_NEEDS += $(DEBUG_PDB)/recorded/typed.sys $(foreach n,dwarf pdb,$(DEBUG_PDB)/$(n)/typed.sys $(DEBUG_PDB)/$(n)/typed.lua)
