/* Thread 0 reads a counter that the others increment without looking at it. */
#include "../litmus.h"

static CELL Counter, Result;

VOID LitmusInitialize(VOID)
{
}

VOID LitmusBody(ULONG Number)
{
    if (Number == 0)
    {
        Result.Value = Counter.Value;
    }
    else
    {
        InterlockedIncrement(&Counter.Value);
    }
}
