/* What an exploration did not reach. */
#ifndef REPORT_COVERAGE_H
#define REPORT_COVERAGE_H

#include "base/str.h"
#include "debug/debug.h"

/* Appends one line a driver whose routines were not all entered: "never entered in upper.sys:
 * UpperPower, UpperUnload (2 of 14 routines)"; nothing when all were. A clean verdict owes its
 * reader this line. */
void report_never_entered(const struct machine *m, struct symbols *symbols, struct str *out);

#endif
