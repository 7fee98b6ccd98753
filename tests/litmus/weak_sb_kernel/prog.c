/* Store buffering with a call into the kernel in between, which waits for the stores. */
#include "../litmus.h"

static CELL X, Y, R0, R1;

static KEVENT Own[2];

VOID LitmusInitialize(VOID)
{
    KeInitializeEvent(&Own[0], NotificationEvent, FALSE);
    KeInitializeEvent(&Own[1], NotificationEvent, FALSE);
}

VOID LitmusBody(ULONG Number)
{
    switch (Number)
    {
    case 0:
        X.Value = 1;
        KeSetEvent(&Own[0], IO_NO_INCREMENT, FALSE);
        R0.Value = Y.Value + 1;
        break;
    case 1:
        Y.Value = 1;
        KeSetEvent(&Own[1], IO_NO_INCREMENT, FALSE);
        R1.Value = X.Value + 1;
        break;
    }
}
