/* Every thread increments one counter with a locked instruction and does not look at the result: the increments commute. */
#include "../litmus.h"

static CELL Counter;

VOID LitmusInitialize(VOID)
{
    LitmusBodies = 8;
}

VOID LitmusBody(ULONG Number)
{
    UNREFERENCED_PARAMETER(Number);
    InterlockedIncrement(&Counter.Value);
}
