/* Between decode.c and classify.c, the two files that see Zydis's types. */
#ifndef MACHINE_DBT_DECODE_H
#define MACHINE_DBT_DECODE_H

#include <Zydis/Zydis.h>

#include "machine/dbt/internal.h"

/* Number of the general register that holds r, or NO_REG. */
int gpr_of(ZydisRegister r);
/* Decides x->op and what goes with it; operands and effects are filled in already. */
void classify(struct insn *x, const ZydisDecodedInstruction *i, const ZydisDecodedOperand *ops);

#endif
