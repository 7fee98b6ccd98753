/* Two threads drop the two references of an object; either may be the one that drops the last.
 * Dereferences commute only while neither order makes one of them the last. */
#include "../litmus.h"

static PVOID Object;

VOID LitmusInitialize(VOID)
{
    HANDLE Handle;

    ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE);
    ObReferenceObjectByHandle(Handle, 0, *ExEventObjectType, KernelMode, &Object, NULL);
    ObReferenceObject(Object);
    ZwClose(Handle);
}

VOID LitmusBody(ULONG Number)
{
    LONG_PTR Left = ObDereferenceObject(Object);

    LITMUS_CHECK(Number != 0 || Left != 0);
}
