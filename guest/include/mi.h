/* Memory manager: MDLs, address queries, exports by name. */
#ifndef GUEST_MI_H
#define GUEST_MI_H

#include "guest/include/ki.h"

BOOLEAN MmInitSystem(VOID);
/* Address of an export of the kernel image by its ASCII name; NULL: none. */
PVOID MiFindExportedRoutine(PVOID ImageBase, PCSTR Name);

/* Whether a mapped image imports from that module. */
BOOLEAN MiImportsFrom(PVOID ImageBase, PCSTR Module);
/* probe.c: whether a buffer may be locked for a caller of that mode; a status instead of a raise. */
NTSTATUS MiProbePages(PVOID Start, SIZE_T Bytes, KPROCESSOR_MODE AccessMode);

#endif
