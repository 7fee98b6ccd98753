/* The window of a counter of users: an instruction after the decrement. */
#include "../litmus.h"

static KEVENT Event;
static CELL References, Gone;

static VOID Begin(ULONG Count)
{
    References.Value = (LONG)Count - 1;
}

VOID LitmusInitialize(VOID)
{
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    LitmusBegin = Begin;
}

VOID LitmusBody(ULONG Number)
{
    if (Number == 0)
    {
        AWAIT(Event);
        Gone.Value = 1;
        return;
    }
    LITMUS_CHECK(Gone.Value == 0);
    if (InterlockedDecrement(&References.Value) == 0)
    {
        SIGNAL(Event);
    }
    LITMUS_CHECK(Gone.Value == 0);
}
