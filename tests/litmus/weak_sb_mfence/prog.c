/* Store buffering with a fence in between: as if there were no buffers. */
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
        _mm_mfence();
        R0.Value = Y.Value + 1;
        break;
    case 1:
        Y.Value = 1;
        _mm_mfence();
        R1.Value = X.Value + 1;
        break;
    }
}
