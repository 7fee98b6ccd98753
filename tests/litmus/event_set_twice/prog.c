/* Every thread sets one notification event, which stays set: one of them is first, and the others find it set. */
#include "../litmus.h"

static KEVENT Event;

VOID LitmusInitialize(VOID)
{
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
}

VOID LitmusBody(ULONG Number)
{
    UNREFERENCED_PARAMETER(Number);
    SIGNAL(Event);
}
