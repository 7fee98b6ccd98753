/* The stop protocol of a Windows Bluetooth driver (Qadeer and Wu), repaired: a client counts
 * itself before it looks at the flag. Thread 0 stops the driver, the others are clients. */
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
    InterlockedIncrement(&Pending.Value);
    if (Stopping.Value != 0)
    {
        Leave();
        return FALSE;
    }
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
