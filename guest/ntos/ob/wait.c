/*
 * Event objects by handle, and waiting for what a handle names.
 */
#include "guest/include/iop.h"

static NTSTATUS ObpCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                               POBJECT_ATTRIBUTES ObjectAttributes, EVENT_TYPE EventType,
                               BOOLEAN InitialState)
{
    KPROCESSOR_MODE Mode = KiCurrentThread()->PreviousMode;
    PVOID Event;
    NTSTATUS Status = ObCreateObject(Mode, ObpEventType, ObjectAttributes, Mode, NULL,
                                     sizeof(KEVENT), 0, 0, &Event);

    if (Status == STATUS_OBJECT_NAME_COLLISION && ObjectAttributes->Attributes & OBJ_OPENIF)
    {
        Status = ObpLookupName(ObjectAttributes->ObjectName, ObpEventType, &Event, NULL, NULL);
        if (NT_SUCCESS(Status))
        {
            Status =
                ObpCreateHandle(Event, DesiredAccess, ObjectAttributes->Attributes, EventHandle);
            ObfDereferenceObject(Event);
            return NT_SUCCESS(Status) ? STATUS_OBJECT_NAME_EXISTS : Status;
        }
    }
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    KeInitializeEvent(Event, EventType, InitialState);
    Status =
        ObpCreateHandle(Event, DesiredAccess,
                        ObjectAttributes != NULL ? ObjectAttributes->Attributes : 0, EventHandle);
    ObfDereferenceObject(Event);
    return Status;
}

NTSTATUS NTAPI NtCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                             POBJECT_ATTRIBUTES ObjectAttributes, EVENT_TYPE EventType,
                             BOOLEAN InitialState);
NTEXPORT(NtCreateEvent, PASSIVE_LEVEL, "event");
NTSTATUS NTAPI NtCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                             POBJECT_ATTRIBUTES ObjectAttributes, EVENT_TYPE EventType,
                             BOOLEAN InitialState)
{
    return ObpCreateEvent(EventHandle, DesiredAccess, ObjectAttributes, EventType, InitialState);
}

NTEXPORT(ZwCreateEvent, PASSIVE_LEVEL, "event");
NTSTATUS NTAPI ZwCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                             POBJECT_ATTRIBUTES ObjectAttributes, EVENT_TYPE EventType,
                             BOOLEAN InitialState)
{
    return ObpCreateEvent(EventHandle, DesiredAccess, ObjectAttributes, EventType, InitialState);
}

/* The four ways of changing an event; Previous may be NULL. */
static NTSTATUS ObpChangeEvent(HANDLE Handle, KPROCESSOR_MODE Mode, LONG (*Change)(PKEVENT Event),
                               PLONG Previous)
{
    PVOID Event;
    LONG Old;
    NTSTATUS Status =
        ObReferenceObjectByHandle(Handle, EVENT_MODIFY_STATE, ObpEventType, Mode, &Event, NULL);

    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Old = Change(Event);
    if (Previous != NULL)
    {
        *Previous = Old;
    }
    ObfDereferenceObject(Event);
    return STATUS_SUCCESS;
}

static LONG ObpSetEvent(PKEVENT Event)
{
    return KeSetEvent(Event, EVENT_INCREMENT, FALSE);
}

static LONG ObpResetEvent(PKEVENT Event)
{
    return KeResetEvent(Event);
}

NTSTATUS NTAPI NtSetEvent(HANDLE EventHandle, PLONG PreviousState);
NTEXPORT(NtSetEvent, PASSIVE_LEVEL, "event");
NTSTATUS NTAPI NtSetEvent(HANDLE EventHandle, PLONG PreviousState)
{
    return ObpChangeEvent(EventHandle, KiCurrentThread()->PreviousMode, ObpSetEvent, PreviousState);
}

NTEXPORT(ZwSetEvent, PASSIVE_LEVEL, "event");
NTSTATUS NTAPI ZwSetEvent(HANDLE EventHandle, PLONG PreviousState)
{
    return ObpChangeEvent(EventHandle, KernelMode, ObpSetEvent, PreviousState);
}

NTSTATUS NTAPI ZwResetEvent(HANDLE EventHandle, PLONG PreviousState);
NTEXPORT(ZwResetEvent, PASSIVE_LEVEL, "event");
NTSTATUS NTAPI ZwResetEvent(HANDLE EventHandle, PLONG PreviousState)
{
    return ObpChangeEvent(EventHandle, KernelMode, ObpResetEvent, PreviousState);
}

NTSTATUS NTAPI ZwClearEvent(HANDLE EventHandle);
NTEXPORT(ZwClearEvent, PASSIVE_LEVEL, "event");
NTSTATUS NTAPI ZwClearEvent(HANDLE EventHandle)
{
    return ObpChangeEvent(EventHandle, KernelMode, ObpResetEvent, NULL);
}

static NTSTATUS ObpWait(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout,
                        KPROCESSOR_MODE Mode)
{
    PVOID Object;
    LONG Offset;
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, SYNCHRONIZE, NULL, Mode, &Object, NULL);

    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Offset = ObpHeaderOf(Object)->Type->Procedures.WaitOffset;
    Status = Offset < 0 ? STATUS_OBJECT_TYPE_MISMATCH
                        : KeWaitForSingleObject((PUCHAR)Object + Offset, UserRequest, Mode,
                                                Alertable, Timeout);
    ObfDereferenceObject(Object);
    return Status;
}

NTEXPORT(NtWaitForSingleObject, PASSIVE_LEVEL, "object");
NTSTATUS NTAPI NtWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    return ObpWait(Handle, Alertable, Timeout, KiCurrentThread()->PreviousMode);
}

NTEXPORT(ZwWaitForSingleObject, PASSIVE_LEVEL, "object");
NTSTATUS NTAPI ZwWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    return ObpWait(Handle, Alertable, Timeout, KernelMode);
}

/* A named event that the caller opens or makes, as its address and a handle. */
static PKEVENT ObpNamedEvent(PUNICODE_STRING EventName, PHANDLE EventHandle, EVENT_TYPE Type)
{
    OBJECT_ATTRIBUTES Attributes;
    PVOID Event;

    InitializeObjectAttributes(&Attributes, EventName, OBJ_OPENIF | OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(ObpCreateEvent(EventHandle, EVENT_ALL_ACCESS, &Attributes, Type, TRUE)) ||
        !NT_SUCCESS(
            ObReferenceObjectByHandle(*EventHandle, 0, ObpEventType, KernelMode, &Event, NULL)))
    {
        return NULL;
    }
    ObfDereferenceObject(Event); /* the handle keeps it */
    return Event;
}

NTEXPORT(IoCreateNotificationEvent, PASSIVE_LEVEL, "event");
PKEVENT NTAPI IoCreateNotificationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle)
{
    return ObpNamedEvent(EventName, EventHandle, NotificationEvent);
}

NTEXPORT(IoCreateSynchronizationEvent, PASSIVE_LEVEL, "event");
PKEVENT NTAPI IoCreateSynchronizationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle)
{
    return ObpNamedEvent(EventName, EventHandle, SynchronizationEvent);
}
