/* Two threads write one variable each and then read the other's. Three of the four outcomes are
 * possible when memory is sequentially consistent. */
#include "../litmus.h"

static CELL X, Y, R0, R1;

VOID LitmusInitialize(VOID)
{
}

VOID LitmusBody(ULONG Number)
{
    if (Number == 0)
    {
        X.Value = 1;
        R0.Value = Y.Value;
    }
    else
    {
        Y.Value = 1;
        R1.Value = X.Value;
    }
}
