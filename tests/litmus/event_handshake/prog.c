/* One thread sets an event for which the other waits: it is set before or after the wait begins,
 * and either way the data is there. */
#include "../litmus.h"

static CELL Data;
static KEVENT Event;

VOID LitmusInitialize(VOID)
{
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
}

VOID LitmusBody(ULONG Number)
{
    if (Number == 0)
    {
        Data.Value = 1;
        KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    }
    else
    {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
        LITMUS_CHECK(Data.Value == 1);
    }
}
