/* An object with an open handle is dereferenced once too often. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle;
    PVOID Event;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE)))
    {
        return STATUS_UNSUCCESSFUL;
    }
    if (NT_SUCCESS(ObReferenceObjectByHandle(Handle, 0, *ExEventObjectType, KernelMode, &Event, NULL)))
    {
        ObDereferenceObject(Event);
        ObDereferenceObject(Event);
    }
    ZwClose(Handle);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
