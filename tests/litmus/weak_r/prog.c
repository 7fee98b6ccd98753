/* R: a store waits while its thread reads, and another store to the same place overtakes it. */
#include "../litmus.h"

static CELL X, Y, R0;

VOID LitmusInitialize(VOID)
{
}

VOID LitmusBody(ULONG Number)
{
    switch (Number)
    {
    case 0:
        X.Value = 1;
        Y.Value = 1;
        break;
    case 1:
        Y.Value = 2;
        R0.Value = X.Value + 1;
        break;
    }
}
