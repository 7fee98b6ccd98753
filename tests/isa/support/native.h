/* Runs a trial on the real processor: the reference that translated code must agree with. */
#ifndef TESTS_ISA_SUPPORT_NATIVE_H
#define TESTS_ISA_SUPPORT_NATIVE_H

#include "tests/isa/support/window.h"

/* Maps the window and takes the fault signals; call after dbt_create, whose handlers get all
 * signals that are not from native test code. */
void native_open(void);
void native_run(const struct trial *t, struct outcome *out);
/* Names of the processor features that forms ask for: "avx2", "bmi2", ... */
bool native_has(const char *feature);

#endif
