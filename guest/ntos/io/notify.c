/*
 * Device interfaces and PnP notification. A registration holds the driver object until it is
 * unregistered and no call of its routine is in progress; while a legacy driver has one it is not
 * unloaded.
 *
 * IoUnregisterPlugPlayNotificationEx waits for a call in progress; the older routine does not, and
 * the driver's routine may run on after it has returned.
 */
#define INITGUID
#include "guest/include/exp.h"
#include "guest/include/iop.h"

#include <wdmguid.h>

#define PNP_DETECTED_FATAL_ERROR_CODE 0xCA

typedef struct _IOP_NOTIFICATION
{
    LIST_ENTRY Links;
    IO_NOTIFICATION_EVENT_CATEGORY Category;
    GUID Class;
    PDEVICE_OBJECT Target; /* physical device, referenced */
    PFILE_OBJECT File;     /* what the driver registered with */
    PDRIVER_OBJECT Driver; /* referenced */
    PDRIVER_NOTIFICATION_CALLBACK_ROUTINE Routine;
    PVOID Context;
    LONG References; /* the list's, and one a round of calls that has picked it */
    LONG InProgress; /* calls of its routine */
    BOOLEAN Unregistered;
    PKEVENT Idle; /* set for whoever waits when the last call is over */
} IOP_NOTIFICATION, *PIOP_NOTIFICATION;

typedef struct _IOP_INTERFACE
{
    LIST_ENTRY Links;
    GUID Class;
    PDEVICE_OBJECT Device;
    UNICODE_STRING Link; /* without the reference string */
    BOOLEAN Enabled;
} IOP_INTERFACE, *PIOP_INTERFACE;

typedef struct _IOP_INTERFACE_EVENT
{
    WORK_QUEUE_ITEM Item;
    BOOLEAN Arrival;
    GUID Class;
    UNICODE_STRING Link;
    WCHAR Text[0];
} IOP_INTERFACE_EVENT, *PIOP_INTERFACE_EVENT;

static LIST_ENTRY IopNotifications = {&IopNotifications, &IopNotifications};
static LIST_ENTRY IopInterfaces = {&IopInterfaces, &IopInterfaces};

static BOOLEAN IopSameGuid(const GUID *A, const GUID *B)
{
    return RtlCompareMemory(A, B, sizeof *A) == sizeof *A;
}

static VOID IopReleaseNotification(PIOP_NOTIFICATION Entry)
{
    PDRIVER_OBJECT Driver = Entry->Driver;
    PDEVICE_OBJECT Target = Entry->Target;

    if (--Entry->References != 0)
    {
        return;
    }
    ExFreePoolWithTag(Entry, IOP_TAG);
    if (Target != NULL)
    {
        ObfDereferenceObject(Target);
    }
    ObfDereferenceObject(Driver);
}

static NTSTATUS IopCallNotification(PIOP_NOTIFICATION Entry, PVOID Structure)
{
    PKTHREAD Thread = KiCurrentThread();
    ULONG Disabled = Thread->CombinedApcDisable;
    KIRQL Irql = KeGetCurrentIrql();
    PVOID Routine = (PVOID)(ULONG_PTR)Entry->Routine;
    NTSTATUS Status;

    Entry->InProgress++;
    Status = Entry->Routine(Structure, Entry->Context);
    if (KeGetCurrentIrql() != Irql || Thread->CombinedApcDisable != Disabled)
    {
        KeBugCheckEx(PNP_DETECTED_FATAL_ERROR_CODE, 0xA, (ULONG_PTR)Routine, KeGetCurrentIrql(),
                     Thread->CombinedApcDisable);
    }
    if (--Entry->InProgress == 0 && Entry->Idle != NULL)
    {
        KeSetEvent(Entry->Idle, IO_NO_INCREMENT, FALSE);
    }
    return Status;
}

static BOOLEAN IopMatches(PIOP_NOTIFICATION Entry, const GUID *Class, PDEVICE_OBJECT Target)
{
    return Class != NULL
               ? Entry->Category == EventCategoryDeviceInterfaceChange &&
                     IopSameGuid(&Entry->Class, Class)
               : Entry->Category == EventCategoryTargetDeviceChange && Entry->Target == Target;
}

/* Calls all that are registered for the interface class, or for the target device. A routine may
 * register and unregister, so the round is picked before the first call. With Query, the first
 * refusal ends it. */
static NTSTATUS IopNotifyAll(const GUID *Class, PDEVICE_OBJECT Target, PVOID Structure,
                             PFILE_OBJECT *File, BOOLEAN Query)
{
    PIOP_NOTIFICATION *Round;
    ULONG Count = 0, Picked = 0;
    NTSTATUS Status = STATUS_SUCCESS;
    PLIST_ENTRY Link;

    for (Link = IopNotifications.Flink; Link != &IopNotifications; Link = Link->Flink)
    {
        Count += IopMatches(CONTAINING_RECORD(Link, IOP_NOTIFICATION, Links), Class, Target);
    }
    if (Count == 0)
    {
        return Status;
    }
    Round = ExpAllocateKernelPool(Count * sizeof *Round, IOP_TAG);
    for (Link = IopNotifications.Flink; Link != &IopNotifications; Link = Link->Flink)
    {
        PIOP_NOTIFICATION Entry = CONTAINING_RECORD(Link, IOP_NOTIFICATION, Links);
        if (IopMatches(Entry, Class, Target))
        {
            Entry->References++;
            Round[Picked++] = Entry;
        }
    }
    for (ULONG i = 0; i < Picked; i++)
    {
        if (!Round[i]->Unregistered && NT_SUCCESS(Status))
        {
            NTSTATUS Answer;
            if (File != NULL)
            {
                *File = Round[i]->File;
            }
            Answer = IopCallNotification(Round[i], Structure);
            Status = Query ? Answer : STATUS_SUCCESS;
        }
        IopReleaseNotification(Round[i]);
    }
    ExFreePoolWithTag(Round, IOP_TAG);
    return Status;
}

static VOID IopFillInterfaceChange(PDEVICE_INTERFACE_CHANGE_NOTIFICATION Change, BOOLEAN Arrival,
                                   const GUID *Class, PUNICODE_STRING Link)
{
    Change->Version = 1;
    Change->Size = sizeof *Change;
    Change->Event = Arrival ? GUID_DEVICE_INTERFACE_ARRIVAL : GUID_DEVICE_INTERFACE_REMOVAL;
    Change->InterfaceClassGuid = *Class;
    Change->SymbolicLinkName = Link;
}

/* Worker routine. */
static VOID NTAPI IopDeliverInterfaceEvent(PVOID Parameter)
{
    PIOP_INTERFACE_EVENT Event = Parameter;
    DEVICE_INTERFACE_CHANGE_NOTIFICATION Change;

    IopFillInterfaceChange(&Change, Event->Arrival, &Event->Class, &Event->Link);
    IopNotifyAll(&Event->Class, NULL, &Change, NULL, FALSE);
    ExFreePoolWithTag(Event, IOP_TAG);
}

static VOID IopQueueInterfaceEvent(PIOP_INTERFACE Interface, BOOLEAN Arrival)
{
    PIOP_INTERFACE_EVENT Event;

    Event = ExpAllocateKernelPool(sizeof *Event + Interface->Link.MaximumLength, IOP_TAG);
    Event->Arrival = Arrival;
    Event->Class = Interface->Class;
    Event->Link = Interface->Link;
    Event->Link.Buffer = Event->Text;
    RtlCopyMemory(Event->Text, Interface->Link.Buffer, Interface->Link.MaximumLength);
    ExInitializeWorkItem(&Event->Item, IopDeliverInterfaceEvent, Event);
    ExQueueWorkItem(&Event->Item, DelayedWorkQueue);
}

/* Tells who registered for the device. A query can be refused. */
NTSTATUS IopNotifyTarget(PDEVICE_OBJECT PhysicalDevice, ULONG Minor)
{
    TARGET_DEVICE_REMOVAL_NOTIFICATION Removal;

    Removal.Version = 1;
    Removal.Size = sizeof Removal;
    Removal.Event = Minor == IRP_MN_QUERY_REMOVE_DEVICE    ? GUID_TARGET_DEVICE_QUERY_REMOVE
                    : Minor == IRP_MN_CANCEL_REMOVE_DEVICE ? GUID_TARGET_DEVICE_REMOVE_CANCELLED
                                                           : GUID_TARGET_DEVICE_REMOVE_COMPLETE;
    return IopNotifyAll(NULL, PhysicalDevice, &Removal, &Removal.FileObject,
                        Minor == IRP_MN_QUERY_REMOVE_DEVICE);
}

static VOID IopTellExistingInterfaces(PIOP_NOTIFICATION Entry)
{
    DEVICE_INTERFACE_CHANGE_NOTIFICATION Change;

    for (PLIST_ENTRY Link = IopInterfaces.Flink; Link != &IopInterfaces; Link = Link->Flink)
    {
        PIOP_INTERFACE Interface = CONTAINING_RECORD(Link, IOP_INTERFACE, Links);
        if (Interface->Enabled && !Entry->Unregistered &&
            IopSameGuid(&Interface->Class, &Entry->Class))
        {
            IopFillInterfaceChange(&Change, TRUE, &Interface->Class, &Interface->Link);
            IopCallNotification(Entry, &Change);
        }
    }
}

NTEXPORT(IoRegisterPlugPlayNotification, PASSIVE_LEVEL, "driver");
NTSTATUS NTAPI IoRegisterPlugPlayNotification(IO_NOTIFICATION_EVENT_CATEGORY EventCategory,
                                              ULONG EventCategoryFlags, PVOID EventCategoryData,
                                              PDRIVER_OBJECT DriverObject,
                                              PDRIVER_NOTIFICATION_CALLBACK_ROUTINE CallbackRoutine,
                                              PVOID Context, PVOID *NotificationEntry)
{
    PIOP_NOTIFICATION Entry;

    if (EventCategory != EventCategoryHardwareProfileChange && EventCategoryData == NULL)
    {
        return STATUS_INVALID_PARAMETER;
    }
    Entry = ExAllocatePoolWithTag(NonPagedPool, sizeof *Entry, IOP_TAG);
    if (Entry == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(Entry, sizeof *Entry);
    Entry->Category = EventCategory;
    Entry->Driver = DriverObject;
    Entry->Routine = CallbackRoutine;
    Entry->Context = Context;
    Entry->References = 1;
    if (EventCategory == EventCategoryDeviceInterfaceChange)
    {
        Entry->Class = *(const GUID *)EventCategoryData;
    }
    else if (EventCategory == EventCategoryTargetDeviceChange)
    {
        Entry->File = EventCategoryData;
        Entry->Target = IoGetDeviceAttachmentBaseRef(Entry->File->DeviceObject);
    }
    ObfReferenceObject(DriverObject);
    IopDriverExtensionOf(DriverObject)->Notifications++;
    InsertTailList(&IopNotifications, &Entry->Links);
    *NotificationEntry = Entry;
    if (EventCategory == EventCategoryDeviceInterfaceChange &&
        (EventCategoryFlags & PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES))
    {
        Entry->References++;
        IopTellExistingInterfaces(Entry);
        IopReleaseNotification(Entry);
    }
    return STATUS_SUCCESS;
}

static VOID IopUnregister(PIOP_NOTIFICATION Entry, BOOLEAN Wait)
{
    PDRIVER_OBJECT Driver = Entry->Driver;
    KEVENT Idle;

    RemoveEntryList(&Entry->Links);
    Entry->Unregistered = TRUE;
    if (Wait && Entry->InProgress != 0)
    {
        KeInitializeEvent(&Idle, NotificationEvent, FALSE);
        Entry->Idle = &Idle;
        KeWaitForSingleObject(&Idle, Executive, KernelMode, FALSE, NULL);
        Entry->Idle = NULL;
    }
    ObfReferenceObject(Driver);
    IopReleaseNotification(Entry);
    IopDriverExtensionOf(Driver)->Notifications--;
    IopUnloadIfDue(Driver);
    ObfDereferenceObject(Driver);
}

NTEXPORT(IoUnregisterPlugPlayNotification, PASSIVE_LEVEL, "driver");
NTSTATUS NTAPI IoUnregisterPlugPlayNotification(PVOID NotificationEntry)
{
    IopUnregister(NotificationEntry, FALSE);
    return STATUS_SUCCESS;
}

NTEXPORT(IoUnregisterPlugPlayNotificationEx, PASSIVE_LEVEL, "driver");
NTSTATUS NTAPI IoUnregisterPlugPlayNotificationEx(PVOID NotificationEntry)
{
    IopUnregister(NotificationEntry, TRUE);
    return STATUS_SUCCESS;
}

static PIOP_INTERFACE IopFindInterface(PCUNICODE_STRING Name)
{
    for (PLIST_ENTRY Link = IopInterfaces.Flink; Link != &IopInterfaces; Link = Link->Flink)
    {
        PIOP_INTERFACE Interface = CONTAINING_RECORD(Link, IOP_INTERFACE, Links);
        if (RtlPrefixUnicodeString(&Interface->Link, Name, TRUE))
        {
            return Interface;
        }
    }
    return NULL;
}

/* \??\ROOT#INSTANCE#0000#{class}, which the record owns. */
static PIOP_INTERFACE IopMakeInterface(PDEVICE_OBJECT Device, const GUID *Class,
                                       PCUNICODE_STRING Instance)
{
    static const WCHAR Prefix[] = L"\\??\\ROOT#", Middle[] = L"#0000#";
    USHORT Bytes = sizeof Prefix + Instance->Length + sizeof Middle + 38 * sizeof(WCHAR);
    PIOP_INTERFACE Interface;
    UNICODE_STRING Guid;

    if (!NT_SUCCESS(RtlStringFromGUID(Class, &Guid)))
    {
        return NULL;
    }
    Interface = ExAllocatePoolWithTag(NonPagedPool, sizeof *Interface + Bytes, IOP_TAG);
    if (Interface != NULL)
    {
        RtlZeroMemory(Interface, sizeof *Interface + Bytes);
        Interface->Class = *Class;
        Interface->Device = Device;
        Interface->Link.Buffer = (PWSTR)(Interface + 1);
        Interface->Link.MaximumLength = Bytes;
        RtlAppendUnicodeToString(&Interface->Link, Prefix);
        RtlAppendUnicodeStringToString(&Interface->Link, Instance);
        RtlAppendUnicodeToString(&Interface->Link, Middle);
        RtlAppendUnicodeStringToString(&Interface->Link, &Guid);
    }
    RtlFreeUnicodeString(&Guid);
    return Interface;
}

NTEXPORT(IoRegisterDeviceInterface, PASSIVE_LEVEL, "device");
NTSTATUS NTAPI IoRegisterDeviceInterface(PDEVICE_OBJECT PhysicalDeviceObject,
                                         CONST GUID *InterfaceClassGuid,
                                         PUNICODE_STRING ReferenceString,
                                         PUNICODE_STRING SymbolicLinkName)
{
    PCUNICODE_STRING Instance = IopInstanceOf(PhysicalDeviceObject);
    USHORT Tail = ReferenceString != NULL && ReferenceString->Length != 0
                      ? ReferenceString->Length + sizeof(WCHAR)
                      : 0;
    PIOP_INTERFACE Interface;
    NTSTATUS Status = STATUS_SUCCESS;

    if (Instance == NULL)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    Interface = IopMakeInterface(PhysicalDeviceObject, InterfaceClassGuid, Instance);
    if (Interface == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    SymbolicLinkName->MaximumLength = Interface->Link.Length + Tail + sizeof(WCHAR);
    SymbolicLinkName->Length = 0;
    SymbolicLinkName->Buffer =
        ExAllocatePoolWithTag(PagedPool, SymbolicLinkName->MaximumLength, IOP_TAG);
    if (SymbolicLinkName->Buffer == NULL)
    {
        ExFreePoolWithTag(Interface, IOP_TAG);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlAppendUnicodeStringToString(SymbolicLinkName, &Interface->Link);
    if (Tail != 0)
    {
        RtlAppendUnicodeToString(SymbolicLinkName, L"\\");
        RtlAppendUnicodeStringToString(SymbolicLinkName, ReferenceString);
    }
    SymbolicLinkName->Buffer[SymbolicLinkName->Length / sizeof(WCHAR)] = 0;
    if (IopFindInterface(&Interface->Link) != NULL)
    {
        ExFreePoolWithTag(Interface, IOP_TAG);
        Status = STATUS_OBJECT_NAME_EXISTS;
    }
    else
    {
        InsertTailList(&IopInterfaces, &Interface->Links);
    }
    return Status;
}

NTEXPORT(IoSetDeviceInterfaceState, PASSIVE_LEVEL, "device");
NTSTATUS NTAPI IoSetDeviceInterfaceState(PUNICODE_STRING SymbolicLinkName, BOOLEAN Enable)
{
    PIOP_INTERFACE Interface = IopFindInterface(SymbolicLinkName);
    struct
    {
        OBJECT_NAME_INFORMATION Name;
        WCHAR Text[64];
    } Device;
    ULONG Length;
    NTSTATUS Status;

    if (Interface == NULL || (!Enable && !Interface->Enabled))
    {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    if (Enable && Interface->Enabled)
    {
        return STATUS_OBJECT_NAME_EXISTS;
    }
    if (Enable)
    {
        Status = ObQueryNameString(Interface->Device, &Device.Name, sizeof Device, &Length);
        if (NT_SUCCESS(Status))
        {
            Status = IoCreateSymbolicLink(&Interface->Link, &Device.Name.Name);
        }
    }
    else
    {
        Status = IoDeleteSymbolicLink(&Interface->Link);
    }
    if (NT_SUCCESS(Status))
    {
        Interface->Enabled = Enable;
        IopQueueInterfaceEvent(Interface, Enable);
    }
    return Status;
}

NTEXPORT(IoGetDeviceInterfaces, PASSIVE_LEVEL, "device");
NTSTATUS NTAPI IoGetDeviceInterfaces(CONST GUID *InterfaceClassGuid,
                                     PDEVICE_OBJECT PhysicalDeviceObject, ULONG Flags,
                                     PWSTR *SymbolicLinkList)
{
    ULONG Bytes = sizeof(WCHAR);
    PUCHAR At;

    /* Two turns over the same list: size, then text. */
    *SymbolicLinkList = NULL;
    for (ULONG Turn = 0; Turn < 2; Turn++)
    {
        At = (PUCHAR)*SymbolicLinkList;
        for (PLIST_ENTRY Link = IopInterfaces.Flink; Link != &IopInterfaces; Link = Link->Flink)
        {
            PIOP_INTERFACE Interface = CONTAINING_RECORD(Link, IOP_INTERFACE, Links);
            ULONG Size = Interface->Link.Length + sizeof(WCHAR);
            if (!IopSameGuid(&Interface->Class, InterfaceClassGuid) ||
                (PhysicalDeviceObject != NULL && Interface->Device != PhysicalDeviceObject) ||
                (!Interface->Enabled && !(Flags & DEVICE_INTERFACE_INCLUDE_NONACTIVE)))
            {
                continue;
            }
            if (Turn == 0)
            {
                Bytes += Size;
                continue;
            }
            RtlCopyMemory(At, Interface->Link.Buffer, Size);
            At += Size;
        }
        if (Turn == 0)
        {
            *SymbolicLinkList = ExAllocatePoolWithTag(PagedPool, Bytes, IOP_TAG);
            if (*SymbolicLinkList == NULL)
            {
                return STATUS_INSUFFICIENT_RESOURCES;
            }
            RtlZeroMemory(*SymbolicLinkList, Bytes);
        }
    }
    return STATUS_SUCCESS;
}

/* The device is gone for good: its interfaces with it. */
VOID IopDeleteInterfaces(PDEVICE_OBJECT PhysicalDevice)
{
    PLIST_ENTRY Link = IopInterfaces.Flink;

    while (Link != &IopInterfaces)
    {
        PIOP_INTERFACE Interface = CONTAINING_RECORD(Link, IOP_INTERFACE, Links);
        Link = Link->Flink;
        if (Interface->Device == PhysicalDevice)
        {
            if (Interface->Enabled)
            {
                IoDeleteSymbolicLink(&Interface->Link);
                IopQueueInterfaceEvent(Interface, FALSE);
            }
            RemoveEntryList(&Interface->Links);
            ExFreePoolWithTag(Interface, IOP_TAG);
        }
    }
}
