/* Load buffering: x86 does not let a store overtake an earlier load. */
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
        R0.Value = X.Value + 1;
        Y.Value = 1;
        break;
    case 1:
        R1.Value = Y.Value + 1;
        X.Value = 1;
        break;
    }
}
