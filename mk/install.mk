# Installation: the program, the guest images where it looks for them (../lib/rundown/guest), the man page, and headers: what guest
# and host agree on (abi/), and the declarations that kits lack and drivers under test may want (wdk/).
INSTALL ?= install
.PHONY: install
install: host guest
	$(INSTALL) -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/lib/rundown/guest' '$(DESTDIR)$(PREFIX)/share/man/man1'
	$(INSTALL) -m 755 $(BUILD)/rundown '$(DESTDIR)$(PREFIX)/bin/rundown'
	$(INSTALL) -m 644 $(GUEST_IMAGES) '$(DESTDIR)$(PREFIX)/lib/rundown/guest/'
	$(INSTALL) -d '$(DESTDIR)$(PREFIX)/include/rundown/abi' '$(DESTDIR)$(PREFIX)/include/rundown/wdk'
	$(INSTALL) -m 644 $(wildcard abi/*.h) '$(DESTDIR)$(PREFIX)/include/rundown/abi/'
	$(INSTALL) -m 644 samples/000-apc-unload/apc.h $(wildcard guest/wdk/*.h) '$(DESTDIR)$(PREFIX)/include/rundown/wdk/'
	$(INSTALL) -d '$(DESTDIR)$(PREFIX)/share/rundown'
	$(INSTALL) -m 644 debug/rundown-gdb.py '$(DESTDIR)$(PREFIX)/share/rundown/'
	$(INSTALL) -m 644 docs/rundown.1 '$(DESTDIR)$(PREFIX)/share/man/man1/rundown.1'
