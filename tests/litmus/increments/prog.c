/* Every thread increments one counter with a locked instruction: the increments are totally
 * ordered, n! ways. */
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
