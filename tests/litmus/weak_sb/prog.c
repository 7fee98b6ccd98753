/* Store buffering: both may read the old value, on x86. */
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
        X.Value = 1;
        R0.Value = Y.Value + 1;
        break;
    case 1:
        Y.Value = 1;
        R1.Value = X.Value + 1;
        break;
    }
}
