/* An object is referenced whose last reference has just been given back; it waits to be deleted at a lower IRQL. */
#include "../check.h"

static PVOID NewEvent(VOID)
{
    OBJECT_ATTRIBUTES Attributes;
    PVOID Event = NULL;
    HANDLE Handle;

    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE);
    ObReferenceObjectByHandle(Handle, EVENT_ALL_ACCESS, *ExEventObjectType, KernelMode, &Event, NULL);
    ZwClose(Handle);
    return Event;
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PVOID Event = NewEvent();
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    ObDereferenceObject(Event);
    ObReferenceObject(Event);
    KeLowerIrql(Irql);
    ObDereferenceObject(Event);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
