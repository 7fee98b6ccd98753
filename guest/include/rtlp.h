/* Run-time library: the formatting engine behind DbgPrint and the printf family. */
#ifndef GUEST_RTLP_H
#define GUEST_RTLP_H

#include "guest/include/ntos.h"
#include <stdarg.h>

/* Formats into Buffer of Capacity characters without a terminator; returns how many characters the whole text has.
 * Wide selects the format's and the output's character size (1 or 2); in a wide format %s means wide strings. */
SIZE_T RtlpFormat(PVOID Buffer, SIZE_T Capacity, const VOID *Format, va_list Arguments, BOOLEAN Wide);

int _snwprintf(wchar_t *Buffer, size_t Count, const wchar_t *Format, ...);

#endif
