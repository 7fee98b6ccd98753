/* A kernel handle is referenced with UserMode in the System process. */
#include "../check.h"

static CHECK_THREAD Thread;

/* Runs in the System process. */
static VOID NTAPI Runner(PVOID Context)
{
    HANDLE Handle;
    PVOID Event;
    OBJECT_ATTRIBUTES Attributes;

    UNREFERENCED_PARAMETER(Context);
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (NT_SUCCESS(ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE)))
    {
        if (NT_SUCCESS(ObReferenceObjectByHandle(Handle, 0, NULL, UserMode, &Event, NULL)))
        {
            ObDereferenceObject(Event);
        }
        ZwClose(Handle);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    CheckStartThread(&Thread, Runner, NULL);
    CheckJoinThread(&Thread);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
