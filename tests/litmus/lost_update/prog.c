/* Two threads increment a counter by reading and writing it. Conflicting pairs: W0-W1, R0-W1,
 * R1-W0; with program order, four of the eight orientations are acyclic. */
#include "../litmus.h"

static CELL Counter;

VOID LitmusInitialize(VOID)
{
}

VOID LitmusBody(ULONG Number)
{
    LONG Value;

    UNREFERENCED_PARAMETER(Number);
    Value = Counter.Value;
    Counter.Value = Value + 1;
}
