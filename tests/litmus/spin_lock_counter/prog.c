/* A counter under a spin lock: the threads enter in n! orders, and no execution is lost to
 * waiting. */
#include "../litmus.h"

static CELL Counter;
static KSPIN_LOCK Lock;

VOID LitmusInitialize(VOID)
{
    KeInitializeSpinLock(&Lock);
}

VOID LitmusBody(ULONG Number)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(Number);
    KeAcquireSpinLock(&Lock, &Irql);
    Counter.Value = Counter.Value + 1;
    KeReleaseSpinLock(&Lock, Irql);
}
