# The machine's own tests run a miniature kernel and driver.
MACHINE_GUEST := $(BUILD)/tests/unit/machine_guest
MACHINE_GUEST_CC := x86_64-w64-mingw32-gcc -O1 -g -I. -ffreestanding -fno-asynchronous-unwind-tables -mno-stack-arg-probe \
    -Wall -Wextra -Wno-array-bounds -nostdlib -shared -Wl,--subsystem,native

$(MACHINE_GUEST)/kernel.exe: tests/unit/machine_guest/kernel.c $(wildcard abi/*.h)
	@mkdir -p $(@D)
	$(MACHINE_GUEST_CC) $< -o $@ -Wl,--entry,Start -Wl,--out-implib,$(@D)/libmini.a -Wl,--output-def,$(@D)/mini.def
	sed -i '1i LIBRARY ntoskrnl.exe' $(@D)/mini.def
	echo '    NobodyExportsThis' >> $(@D)/mini.def
	x86_64-w64-mingw32-dlltool -d $(@D)/mini.def -l $(@D)/libmini.a
$(MACHINE_GUEST)/driver.sys: tests/unit/machine_guest/driver.c $(MACHINE_GUEST)/kernel.exe
	$(MACHINE_GUEST_CC) $< -o $@ -Wl,--entry,Entry -L$(@D) -lmini

CFLAGS_tests_unit_machine := -DMACHINE_GUEST='"$(MACHINE_GUEST)"'
$(BUILD)/tests/unit/machine: $(MACHINE_GUEST)/driver.sys
