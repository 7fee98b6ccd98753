/* A counter under a fast mutex, which blocks instead of spinning. */
#include "../litmus.h"

static CELL Counter;
static FAST_MUTEX Mutex;

VOID LitmusInitialize(VOID)
{
    ExInitializeFastMutex(&Mutex);
}

VOID LitmusBody(ULONG Number)
{
    UNREFERENCED_PARAMETER(Number);
    ExAcquireFastMutex(&Mutex);
    Counter.Value = Counter.Value + 1;
    ExReleaseFastMutex(&Mutex);
}
