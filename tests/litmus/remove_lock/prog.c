/* The remove lock's shape: one count for existing, one for each user; the remover waits for the
 * others. Thread 0 removes. */
#include "../litmus.h"

static KEVENT Event;
static CELL Io, Removed, Freed;

static VOID Release(VOID)
{
    if (InterlockedDecrement(&Io.Value) == 0)
    {
        SIGNAL(Event);
    }
}

static BOOLEAN Acquire(VOID)
{
    InterlockedIncrement(&Io.Value);
    if (Removed.Value != 0)
    {
        Release();
        return FALSE;
    }
    return TRUE;
}

VOID LitmusInitialize(VOID)
{
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Io.Value = 1;
}

VOID LitmusBody(ULONG Number)
{
    if (Number == 0)
    {
        Acquire();
        Removed.Value = 1;
        Release();
        if (InterlockedDecrement(&Io.Value) > 0)
        {
            AWAIT(Event);
        }
        Freed.Value = 1;
    }
    else if (Acquire())
    {
        LITMUS_CHECK(Freed.Value == 0);
        Release();
    }
}
