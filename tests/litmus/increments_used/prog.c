/* Every thread increments one counter with a locked instruction and keeps the result: the increments are totally
 * ordered, n! ways. */
#include "../litmus.h"

static CELL Counter, Result[8];

VOID LitmusInitialize(VOID)
{
    LitmusBodies = 8;
}

VOID LitmusBody(ULONG Number)
{
    Result[Number].Value = InterlockedIncrement(&Counter.Value);
}
