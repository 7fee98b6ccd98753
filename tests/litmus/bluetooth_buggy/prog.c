/* The same protocol as it was: a client looks at the flag before it counts itself. */
#include "../litmus.h"

static KEVENT Event;
static CELL Pending, Stopping, Stopped;

static VOID Leave(VOID)
{
    if (InterlockedDecrement(&Pending.Value) == 0)
    {
        SIGNAL(Event);
    }
}

static BOOLEAN Enter(VOID)
{
    if (Stopping.Value != 0)
    {
        return FALSE;
    }
    InterlockedIncrement(&Pending.Value);
    return TRUE;
}

VOID LitmusInitialize(VOID)
{
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Pending.Value = 1;
}

VOID LitmusBody(ULONG Number)
{
    if (Number == 0)
    {
        Stopping.Value = 1;
        Leave();
        AWAIT(Event);
        Stopped.Value = 1;
    }
    else if (Enter())
    {
        LITMUS_CHECK(Stopped.Value == 0);
        Leave();
    }
}
