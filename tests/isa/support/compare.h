/* Compares what the real processor and the translator made of a trial. */
#ifndef TESTS_ISA_SUPPORT_COMPARE_H
#define TESTS_ISA_SUPPORT_COMPARE_H

#include "tests/isa/support/window.h"

/* False: they differ; the differences are printed as comments when `print`. */
bool compare_outcomes(const struct trial *t, const struct outcome *native,
                      const struct outcome *guest, bool print);
/* Dirty bytes and share cells after a translated run must cover every byte that changed. */
bool compare_marks(const struct trial *t, const struct outcome *guest, bool print);
/* The trial's code, disassembled, with its registers. */
void compare_print_trial(const struct trial *t);

/* Runs the trial translated, in one piece and one instruction at a time: the same must come out. */
bool compare_steps(const struct trial *t, bool print);

/* Runs the trial natively and translated, translated twice: freshly and from the cache. */
bool compare_run(const struct trial *t, bool print);

#endif
