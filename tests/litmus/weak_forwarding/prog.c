/* A processor reads its own store before anybody else can. */
#include "../litmus.h"

static CELL X, Y, R0, R1, R2, R3;

VOID LitmusInitialize(VOID)
{
}

VOID LitmusBody(ULONG Number)
{
    switch (Number)
    {
    case 0:
        X.Value = 1;
        R0.Value = X.Value + 1;
        R1.Value = Y.Value + 1;
        break;
    case 1:
        Y.Value = 1;
        R2.Value = Y.Value + 1;
        R3.Value = X.Value + 1;
        break;
    }
}
