/* Store buffering with a locked instruction on private memory in between, as KeMemoryBarrier compiles to. */
#include "../litmus.h"

/* What MSVC makes of KeMemoryBarrier. */
#define BARRIER() __asm__ volatile ("lock orl $0, (%%rsp)" : : : "memory", "cc")

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
        BARRIER();
        R0.Value = Y.Value + 1;
        break;
    case 1:
        Y.Value = 1;
        BARRIER();
        R1.Value = X.Value + 1;
        break;
    }
}
