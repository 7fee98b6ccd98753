# Drivers of the command-line tests.
CLI_DRIVERS := $(patsubst tests/cli/drivers/%.c,%,$(sort $(wildcard tests/cli/drivers/*.c)))
$(foreach n,$(CLI_DRIVERS),$(call sample_image,tests/cli/drivers,$(n),$(n).c))
TEST_NEEDS += $(SAMPLE_IMAGES_tests/cli/drivers)

# Debug information in a PDB beside the image; the path recorded in the image is that of another system.
CLI_PDB := $(BUILD)/tests/cli/drivers/pdb.sys
$(CLI_PDB): tests/cli/pdb/pdb.c
	@mkdir -p $(@D)
	clang --target=x86_64-w64-mingw32 -fuse-ld=lld -O1 -g -gcodeview -std=gnu11 -isystem $(SAMPLE_DDK) -D_AMD64_ \
	    -DNTDDI_VERSION=0x06010000 -D_WIN32_WINNT=0x0601 -nostdlib -shared -Wl,--subsystem,native -Wl,--entry,DriverEntry \
	    -Wl,--dynamicbase -Wl,--pdb=$(@:.sys=.pdb) '-Wl,-Xlink=/pdbaltpath:Z:\build\pdb.pdb' -o $@ $< $(SAMPLE_LIBS)
TEST_NEEDS += $(CLI_PDB)
