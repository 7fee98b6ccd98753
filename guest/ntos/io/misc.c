/*
 * Small services of the I/O manager: shutdown notification, error log, one-second device timers,
 * share access, device properties of root-enumerated devices.
 */
#include "guest/include/exp.h"
#include "guest/include/iop.h"

/* Shutdown notification. A scenario never shuts the system down, so registrations are only kept. */
typedef struct _IOP_SHUTDOWN
{
    LIST_ENTRY Links;
    PDEVICE_OBJECT Device;
} IOP_SHUTDOWN, *PIOP_SHUTDOWN;

static LIST_ENTRY IopShutdowns = {&IopShutdowns, &IopShutdowns};

NTEXPORT(IoRegisterShutdownNotification, PASSIVE_LEVEL, "device");
NTSTATUS NTAPI IoRegisterShutdownNotification(PDEVICE_OBJECT DeviceObject)
{
    PIOP_SHUTDOWN Entry = ExAllocatePoolWithTag(NonPagedPool, sizeof *Entry, IOP_TAG);

    if (Entry == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ObfReferenceObject(DeviceObject);
    Entry->Device = DeviceObject;
    InsertHeadList(&IopShutdowns, &Entry->Links);
    DeviceObject->Flags |= DO_SHUTDOWN_REGISTERED;
    return STATUS_SUCCESS;
}

NTEXPORT(IoRegisterLastChanceShutdownNotification, PASSIVE_LEVEL, "device");
NTSTATUS NTAPI IoRegisterLastChanceShutdownNotification(PDEVICE_OBJECT DeviceObject)
{
    return IoRegisterShutdownNotification(DeviceObject);
}

NTEXPORT(IoUnregisterShutdownNotification, PASSIVE_LEVEL, "device");
VOID NTAPI IoUnregisterShutdownNotification(PDEVICE_OBJECT DeviceObject)
{
    PLIST_ENTRY Link = IopShutdowns.Flink;

    while (Link != &IopShutdowns)
    {
        PIOP_SHUTDOWN Entry = CONTAINING_RECORD(Link, IOP_SHUTDOWN, Links);
        Link = Link->Flink;
        if (Entry->Device == DeviceObject)
        {
            RemoveEntryList(&Entry->Links);
            ExFreePoolWithTag(Entry, IOP_TAG);
            ObfDereferenceObject(DeviceObject);
        }
    }
    DeviceObject->Flags &= ~DO_SHUTDOWN_REGISTERED;
}

/* A device of the driver's that is registered; for the verifier. NULL: none. */
PDEVICE_OBJECT IopFindShutdownNotification(PDRIVER_OBJECT Driver)
{
    for (PLIST_ENTRY Link = IopShutdowns.Flink; Link != &IopShutdowns; Link = Link->Flink)
    {
        PIOP_SHUTDOWN Entry = CONTAINING_RECORD(Link, IOP_SHUTDOWN, Links);
        if (Entry->Device->DriverObject == Driver)
        {
            return Entry->Device;
        }
    }
    return NULL;
}

/* Error log: an entry is printed when it is written. */
typedef struct _IOP_ERROR_LOG
{
    PVOID IoObject; /* referenced */
    ULONG64 Spare;
    UCHAR Packet[0];
} IOP_ERROR_LOG, *PIOP_ERROR_LOG;

NTEXPORT(IoAllocateErrorLogEntry, DISPATCH_LEVEL, "device");
PVOID NTAPI IoAllocateErrorLogEntry(PVOID IoObject, UCHAR EntrySize)
{
    PIOP_ERROR_LOG Entry;

    if (EntrySize < sizeof(IO_ERROR_LOG_PACKET) || EntrySize > ERROR_LOG_MAXIMUM_SIZE)
    {
        return NULL;
    }
    Entry = ExAllocatePoolWithTag(NonPagedPool, sizeof *Entry + EntrySize, IOP_TAG);
    if (Entry == NULL)
    {
        return NULL;
    }
    RtlZeroMemory(Entry, sizeof *Entry + EntrySize);
    ObfReferenceObject(IoObject);
    Entry->IoObject = IoObject;
    return Entry->Packet;
}

NTEXPORT(IoFreeErrorLogEntry, DISPATCH_LEVEL, "device");
VOID NTAPI IoFreeErrorLogEntry(PVOID ElEntry)
{
    PIOP_ERROR_LOG Entry = CONTAINING_RECORD(ElEntry, IOP_ERROR_LOG, Packet);
    PVOID IoObject = Entry->IoObject;

    ExFreePoolWithTag(Entry, IOP_TAG);
    ObfDereferenceObject(IoObject);
}

NTEXPORT(IoWriteErrorLogEntry, DISPATCH_LEVEL, "device");
VOID NTAPI IoWriteErrorLogEntry(PVOID ElEntry)
{
    PIO_ERROR_LOG_PACKET Packet = ElEntry;

    DbgPrint("error log: code %08x status %08x\n", Packet->ErrorCode, Packet->FinalStatus);
    IoFreeErrorLogEntry(ElEntry);
}

/* One-second timers of device objects. */
typedef struct _IO_TIMER
{
    KTIMER Timer;
    KDPC Dpc;
    PIO_TIMER_ROUTINE Routine;
    PVOID Context;
    PDEVICE_OBJECT Device;
    BOOLEAN Enabled;
} IO_TIMER;

static VOID NTAPI IopTimerDispatch(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PIO_TIMER Timer = Context;

    if (Timer->Enabled)
    {
        Timer->Routine(Timer->Device, Timer->Context);
    }
}

NTEXPORT(IoInitializeTimer, PASSIVE_LEVEL, "device");
NTSTATUS NTAPI IoInitializeTimer(PDEVICE_OBJECT DeviceObject, PIO_TIMER_ROUTINE TimerRoutine,
                                 PVOID Context)
{
    PIO_TIMER Timer = DeviceObject->Timer;

    if (Timer == NULL)
    {
        Timer = ExAllocatePoolWithTag(NonPagedPool, sizeof *Timer, IOP_TAG);
        if (Timer == NULL)
        {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        RtlZeroMemory(Timer, sizeof *Timer);
        KeInitializeTimer(&Timer->Timer);
        KeInitializeDpc(&Timer->Dpc, IopTimerDispatch, Timer);
        Timer->Device = DeviceObject;
        DeviceObject->Timer = Timer;
    }
    Timer->Routine = TimerRoutine;
    Timer->Context = Context;
    return STATUS_SUCCESS;
}

NTEXPORT(IoStartTimer, DISPATCH_LEVEL, "device");
VOID NTAPI IoStartTimer(PDEVICE_OBJECT DeviceObject)
{
    PIO_TIMER Timer = DeviceObject->Timer;
    LARGE_INTEGER Due = {.QuadPart = -10000000};

    if (!Timer->Enabled)
    {
        Timer->Enabled = TRUE;
        KeSetTimerEx(&Timer->Timer, Due, 1000, &Timer->Dpc);
    }
}

NTEXPORT(IoStopTimer, DISPATCH_LEVEL, "device");
VOID NTAPI IoStopTimer(PDEVICE_OBJECT DeviceObject)
{
    PIO_TIMER Timer = DeviceObject->Timer;

    Timer->Enabled = FALSE;
    KeCancelTimer(&Timer->Timer);
}

/* The device goes: its timer's memory with it. */
VOID IopDeleteTimer(PDEVICE_OBJECT DeviceObject)
{
    if (DeviceObject->Timer != NULL)
    {
        IoStopTimer(DeviceObject);
        ExFreePoolWithTag(DeviceObject->Timer, IOP_TAG);
        DeviceObject->Timer = NULL;
    }
}

/* Share access. */
static VOID IopSetAccess(PFILE_OBJECT File, ACCESS_MASK Access, ULONG Share)
{
    File->ReadAccess = (Access & (FILE_EXECUTE | FILE_READ_DATA)) != 0;
    File->WriteAccess = (Access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0;
    File->DeleteAccess = (Access & DELETE) != 0;
    if (File->ReadAccess || File->WriteAccess || File->DeleteAccess)
    {
        File->SharedRead = (Share & FILE_SHARE_READ) != 0;
        File->SharedWrite = (Share & FILE_SHARE_WRITE) != 0;
        File->SharedDelete = (Share & FILE_SHARE_DELETE) != 0;
    }
}

static VOID IopCountAccess(PFILE_OBJECT File, PSHARE_ACCESS Share, LONG Step)
{
    if (File->ReadAccess || File->WriteAccess || File->DeleteAccess)
    {
        Share->OpenCount += Step;
        Share->Readers += File->ReadAccess ? Step : 0;
        Share->Writers += File->WriteAccess ? Step : 0;
        Share->Deleters += File->DeleteAccess ? Step : 0;
        Share->SharedRead += File->SharedRead ? Step : 0;
        Share->SharedWrite += File->SharedWrite ? Step : 0;
        Share->SharedDelete += File->SharedDelete ? Step : 0;
    }
}

NTEXPORT(IoSetShareAccess, PASSIVE_LEVEL, "file");
VOID NTAPI IoSetShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess,
                            PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess)
{
    RtlZeroMemory(ShareAccess, sizeof *ShareAccess);
    IopSetAccess(FileObject, DesiredAccess, DesiredShareAccess);
    IopCountAccess(FileObject, ShareAccess, 1);
}

NTEXPORT(IoUpdateShareAccess, PASSIVE_LEVEL, "file");
VOID NTAPI IoUpdateShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess)
{
    IopCountAccess(FileObject, ShareAccess, 1);
}

NTEXPORT(IoRemoveShareAccess, PASSIVE_LEVEL, "file");
VOID NTAPI IoRemoveShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess)
{
    IopCountAccess(FileObject, ShareAccess, -1);
}

NTEXPORT(IoCheckShareAccess, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI IoCheckShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess,
                                  PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess,
                                  BOOLEAN Update)
{
    PSHARE_ACCESS S = ShareAccess;

    IopSetAccess(FileObject, DesiredAccess, DesiredShareAccess);
    if (!FileObject->ReadAccess && !FileObject->WriteAccess && !FileObject->DeleteAccess)
    {
        return STATUS_SUCCESS;
    }
    if ((FileObject->ReadAccess && S->SharedRead < S->OpenCount) ||
        (FileObject->WriteAccess && S->SharedWrite < S->OpenCount) ||
        (FileObject->DeleteAccess && S->SharedDelete < S->OpenCount) ||
        (S->Readers != 0 && !FileObject->SharedRead) ||
        (S->Writers != 0 && !FileObject->SharedWrite) ||
        (S->Deleters != 0 && !FileObject->SharedDelete))
    {
        return STATUS_SHARING_VIOLATION;
    }
    if (Update)
    {
        IopCountAccess(FileObject, ShareAccess, 1);
    }
    return STATUS_SUCCESS;
}

NTEXPORT(IoValidateDeviceIoControlAccess, DISPATCH_LEVEL, "irp");
NTSTATUS NTAPI IoValidateDeviceIoControlAccess(PIRP Irp, ULONG RequiredAccess)
{
    PFILE_OBJECT File = IoGetCurrentIrpStackLocation(Irp)->FileObject;

    if (RequiredAccess & ~(ULONG)(FILE_READ_ACCESS | FILE_WRITE_ACCESS))
    {
        return STATUS_INVALID_PARAMETER;
    }
    if (Irp->RequestorMode == KernelMode || File == NULL)
    {
        return STATUS_SUCCESS;
    }
    return ((RequiredAccess & FILE_READ_ACCESS) && !File->ReadAccess) ||
                   ((RequiredAccess & FILE_WRITE_ACCESS) && !File->WriteAccess)
               ? STATUS_ACCESS_DENIED
               : STATUS_SUCCESS;
}

NTEXPORT(IoIsWdmVersionAvailable, PASSIVE_LEVEL, "");
BOOLEAN NTAPI IoIsWdmVersionAvailable(UCHAR MajorVersion, UCHAR MinorVersion)
{
    /* 6.0 since Windows Vista. */
    return MajorVersion < 6 || (MajorVersion == 6 && MinorVersion == 0);
}

NTEXPORT(IoIs32bitProcess, DISPATCH_LEVEL, "irp");
BOOLEAN NTAPI IoIs32bitProcess(PIRP Irp)
{
    return FALSE;
}

NTEXPORT(IoGetConfigurationInformation, PASSIVE_LEVEL, "");
PCONFIGURATION_INFORMATION NTAPI IoGetConfigurationInformation(VOID)
{
    static CONFIGURATION_INFORMATION Configuration = {.Version = sizeof(CONFIGURATION_INFORMATION)};

    return &Configuration;
}

static NTSTATUS IopReturnProperty(const VOID *Data, ULONG Bytes, PVOID Buffer, ULONG Length,
                                  PULONG ResultLength)
{
    *ResultLength = Bytes;
    if (Length < Bytes)
    {
        return STATUS_BUFFER_TOO_SMALL;
    }
    RtlCopyMemory(Buffer, Data, Bytes);
    return STATUS_SUCCESS;
}

/* A root-enumerated device has few properties; the others are documented to be not found. */
NTEXPORT(IoGetDeviceProperty, PASSIVE_LEVEL, "device");
NTSTATUS NTAPI IoGetDeviceProperty(PDEVICE_OBJECT DeviceObject,
                                   DEVICE_REGISTRY_PROPERTY DeviceProperty, ULONG BufferLength,
                                   PVOID PropertyBuffer, PULONG ResultLength)
{
    static const WCHAR Enumerator[] = L"ROOT";
    struct
    {
        OBJECT_NAME_INFORMATION Name;
        WCHAR Text[128];
    } Name;
    ULONG Installed = 0, Length;

    *ResultLength = 0;
    if (IopExtensionOf(DeviceObject)->DeviceNode == NULL)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    switch (DeviceProperty)
    {
    case DevicePropertyPhysicalDeviceObjectName:
        if (!NT_SUCCESS(ObQueryNameString(DeviceObject, &Name.Name, sizeof Name, &Length)))
        {
            return STATUS_OBJECT_NAME_NOT_FOUND;
        }
        return IopReturnProperty(Name.Name.Name.Buffer, Name.Name.Name.Length + sizeof(WCHAR),
                                 PropertyBuffer, BufferLength, ResultLength);
    case DevicePropertyEnumeratorName:
        return IopReturnProperty(Enumerator, sizeof Enumerator, PropertyBuffer, BufferLength,
                                 ResultLength);
    case DevicePropertyInstallState:
        return IopReturnProperty(&Installed, sizeof Installed, PropertyBuffer, BufferLength,
                                 ResultLength);
    default:
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
}
