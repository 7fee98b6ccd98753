/* Every thread claims a cell with a compare-exchange. One gets it; those that do not have only looked. */
#include "../litmus.h"

static CELL Owner;

VOID LitmusInitialize(VOID)
{
}

VOID LitmusBody(ULONG Number)
{
    InterlockedCompareExchange(&Owner.Value, (LONG)Number + 1, 0);
}
