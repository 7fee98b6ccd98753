/* Makes trials from instruction forms: registers, addressing, immediates and contents at random. */
#ifndef TESTS_ISA_SUPPORT_SNIPPET_H
#define TESTS_ISA_SUPPORT_SNIPPET_H

#include "base/rng.h"
#include "tests/isa/support/forms.h"
#include "tests/isa/support/window.h"

/* One instruction of this form. False: no encoding was found in many attempts. */
bool snippet_single(struct rng *rng, const struct form *form, struct trial *t);
/* Up to eight instructions of forms without FORM_ALONE, some under conditional jumps, for t->place.
 */
void snippet_sequence(struct rng *rng, const struct form *forms, size_t count, struct trial *t);

/* A program of several blocks: forward and bounded backward jumps, calls, indirect jumps and
 * returns. */
void snippet_program(struct rng *rng, const struct form *forms, size_t count, struct trial *t);

/* Registers, vector registers and memory at random; the stack pointer in the middle of the stack.
 */
void snippet_random_state(struct rng *rng, bool floats, struct trial *t);
/* A 64-bit value that is often a boundary case. */
uint64_t snippet_value(struct rng *rng);
/* Ends the code: stores the flags at FLAGS_OFFSET and goes to the exit page. */
void snippet_finish(struct trial *t);

#endif
