/* 2+2W: each processor keeps the order of its own stores. */
#include "../litmus.h"

static CELL X, Y;

VOID LitmusInitialize(VOID)
{
}

VOID LitmusBody(ULONG Number)
{
    switch (Number)
    {
    case 0:
        X.Value = 1;
        Y.Value = 2;
        break;
    case 1:
        Y.Value = 1;
        X.Value = 2;
        break;
    }
}
