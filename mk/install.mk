# Installation: the program, the guest images where it looks for them (../lib/rundown/guest), the man page, the samples.
INSTALL ?= install
.PHONY: install
install: host guest
	$(INSTALL) -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/lib/rundown/guest' '$(DESTDIR)$(PREFIX)/share/man/man1'
	$(INSTALL) -m 755 $(BUILD)/rundown '$(DESTDIR)$(PREFIX)/bin/rundown'
	$(INSTALL) -m 644 $(BUILD)/guest/ntoskrnl.exe $(BUILD)/guest/hal.dll '$(DESTDIR)$(PREFIX)/lib/rundown/guest/'
	$(INSTALL) -m 644 docs/rundown.1 '$(DESTDIR)$(PREFIX)/share/man/man1/rundown.1'
