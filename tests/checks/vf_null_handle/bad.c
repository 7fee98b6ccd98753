/* No handle at all is referenced. */
#include "../check.h"

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    HANDLE Handle;
    PVOID Event;
    OBJECT_ATTRIBUTES Attributes;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (NT_SUCCESS(ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE)))
    {
        if (NT_SUCCESS(ObReferenceObjectByHandle(NULL, 0, NULL, KernelMode, &Event, NULL)))
        {
            ObDereferenceObject(Event);
        }
        ZwClose(Handle);
    }
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
