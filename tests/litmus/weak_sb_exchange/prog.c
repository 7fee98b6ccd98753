/* Store buffering where the stores are exchanges, which are locked. */
#include "../litmus.h"

static CELL X, Y, R0, R1;

VOID LitmusInitialize(VOID)
{
}

VOID LitmusBody(ULONG Number)
{
    switch (Number)
    {
    case 0:
        InterlockedExchange(&X.Value, 1);
        R0.Value = Y.Value + 1;
        break;
    case 1:
        InterlockedExchange(&Y.Value, 1);
        R1.Value = X.Value + 1;
        break;
    }
}
