/*
 * Loading and unloading drivers, and how long an image lives.
 *
 * The image goes when the driver object's pointer count reaches zero (IopDeleteDriver), not when
 * the unload routine returns. The count holds: one reference of whoever loaded the driver, dropped
 * after unload or a failed DriverEntry; one of its name; one a device object. Nothing else keeps an
 * image: in particular, on Windows 7 a running DriverEntry does not.
 *
 * From Windows 8 on, load and unload requests for the same service wait for each other.
 */
#include "guest/include/exp.h"
#include "guest/include/iop.h"
#include "guest/include/mi.h"
#include "guest/include/psp.h"
#include "guest/include/seh.h"
#include "guest/include/vfmem.h"

#define IOP_NAME_LENGTH 64u

typedef struct _IOP_LOAD_PACKET
{
    IOP_SYSTEM_CALL Call;
    PCUNICODE_STRING ServiceName;
    PDRIVER_OBJECT DriverToUnload; /* set: all that remains is to call its unload routine */
    BOOLEAN Load;
} IOP_LOAD_PACKET, *PIOP_LOAD_PACKET;

/* Services with a request in progress, when these are serialised. */
typedef struct _IOP_SERVICE_LOCK
{
    LIST_ENTRY Links;
    WCHAR Name[IOP_NAME_LENGTH];
    PKTHREAD Owner;
    ULONG Count;
    KEVENT Free;
} IOP_SERVICE_LOCK, *PIOP_SERVICE_LOCK;

static LIST_ENTRY IopServiceLocks = {&IopServiceLocks, &IopServiceLocks};

NTSTATUS IopCallInSystemThread(PWORKER_THREAD_ROUTINE Routine, PIOP_SYSTEM_CALL Call)
{
    KeInitializeEvent(&Call->Done, NotificationEvent, FALSE);
    if (KiCurrentThread()->Process == &PsInitialSystemProcess->Pcb)
    {
        Routine(Call);
        return Call->Status;
    }
    ExInitializeWorkItem(&Call->Item, Routine, Call);
    ExpQueueWorkItem(&Call->Item, DelayedWorkQueue);
    KeWaitForSingleObject(&Call->Done, Executive, KernelMode, FALSE, NULL);
    return Call->Status;
}

/* The service's plain name: what follows the last backslash, without ".sys". */
static UNICODE_STRING IopPlainName(PCUNICODE_STRING ServiceName)
{
    static const UNICODE_STRING Suffix = RTL_CONSTANT_STRING(L".sys");
    UNICODE_STRING Name = *ServiceName, Tail;

    for (USHORT i = Name.Length / sizeof(WCHAR); i-- > 0;)
    {
        if (ServiceName->Buffer[i] == L'\\')
        {
            Name.Buffer += i + 1;
            Name.Length -= (i + 1) * sizeof(WCHAR);
            break;
        }
    }
    if (Name.Length > Suffix.Length)
    {
        Tail.Buffer = Name.Buffer + (Name.Length - Suffix.Length) / sizeof(WCHAR);
        Tail.Length = Tail.MaximumLength = Suffix.Length;
        if (RtlEqualUnicodeString(&Tail, &Suffix, TRUE))
        {
            Name.Length -= Suffix.Length;
        }
    }
    Name.MaximumLength = Name.Length;
    return Name;
}

/* File system drivers and their filters live in a directory of their own. NT asks the service's type in the
 * registry; here our own drivers are known by name and a filter by its imports. */
static BOOLEAN IopIsFileSystemDriver(PCUNICODE_STRING Name, PVOID ImageBase)
{
    static const UNICODE_STRING Ours[] = {RTL_CONSTANT_STRING(L"FltMgr"), RTL_CONSTANT_STRING(L"MemFs")};

    return ImageBase != NULL && (RtlEqualUnicodeString(Name, &Ours[0], TRUE) ||
                                 RtlEqualUnicodeString(Name, &Ours[1], TRUE) || MiImportsFrom(ImageBase, "fltmgr.sys"));
}

/* \Driver\NAME or \FileSystem\NAME in Buffer. */
static NTSTATUS IopDriverPath(PCUNICODE_STRING ServiceName, BOOLEAN FileSystem, PUNICODE_STRING Path, PWCHAR Buffer)
{
    static const UNICODE_STRING Prefixes[] = {RTL_CONSTANT_STRING(L"\\Driver\\"),
                                              RTL_CONSTANT_STRING(L"\\FileSystem\\")};
    UNICODE_STRING Name = IopPlainName(ServiceName), Prefix = Prefixes[FileSystem];

    if (Name.Length == 0 ||
        Name.Length + Prefix.Length + sizeof(WCHAR) > IOP_NAME_LENGTH * sizeof(WCHAR))
    {
        return STATUS_OBJECT_NAME_INVALID;
    }
    Path->Buffer = Buffer;
    Path->Length = 0;
    Path->MaximumLength = IOP_NAME_LENGTH * sizeof(WCHAR);
    RtlAppendUnicodeStringToString(Path, &Prefix);
    RtlAppendUnicodeStringToString(Path, &Name);
    return STATUS_SUCCESS;
}

NTSTATUS IopReferenceDriverByName(PCUNICODE_STRING ServiceName, PDRIVER_OBJECT *Driver)
{
    WCHAR Buffer[IOP_NAME_LENGTH];
    UNICODE_STRING Path;
    PVOID Object = NULL;
    NTSTATUS Status = STATUS_OBJECT_NAME_NOT_FOUND;

    for (ULONG FileSystem = 0; FileSystem < 2 && Object == NULL; FileSystem++)
    {
        Status = IopDriverPath(ServiceName, FileSystem != 0, &Path, Buffer);
        if (NT_SUCCESS(Status))
        {
            Status = ObpLookupName(&Path, ObpDriverType, &Object, NULL, NULL);
        }
    }
    *Driver = Object;
    return Status;
}

static PIOP_SERVICE_LOCK IopAcquireService(PCUNICODE_STRING ServiceName)
{
    UNICODE_STRING Name = IopPlainName(ServiceName), Held;
    PIOP_SERVICE_LOCK Lock;
    PLIST_ENTRY Entry;

    if (!OS_WIN8_OR_LATER || Name.Length >= IOP_NAME_LENGTH * sizeof(WCHAR))
    {
        return NULL;
    }
again:
    for (Entry = IopServiceLocks.Flink; Entry != &IopServiceLocks; Entry = Entry->Flink)
    {
        Lock = CONTAINING_RECORD(Entry, IOP_SERVICE_LOCK, Links);
        RtlInitUnicodeString(&Held, Lock->Name);
        if (!RtlEqualUnicodeString(&Name, &Held, TRUE))
        {
            continue;
        }
        if (Lock->Count == 0 || Lock->Owner == KiCurrentThread())
        {
            Lock->Owner = KiCurrentThread();
            Lock->Count++;
            return Lock;
        }
        KeWaitForSingleObject(&Lock->Free, Executive, KernelMode, FALSE, NULL);
        goto again;
    }
    Lock = ExpAllocateKernelPool(sizeof *Lock, IOP_TAG);
    RtlZeroMemory(Lock, sizeof *Lock);
    RtlCopyMemory(Lock->Name, Name.Buffer, Name.Length);
    KeInitializeEvent(&Lock->Free, SynchronizationEvent, FALSE);
    Lock->Owner = KiCurrentThread();
    Lock->Count = 1;
    InsertTailList(&IopServiceLocks, &Lock->Links);
    return Lock;
}

static VOID IopReleaseService(PIOP_SERVICE_LOCK Lock)
{
    if (Lock != NULL && --Lock->Count == 0)
    {
        Lock->Owner = NULL;
        KeSetEvent(&Lock->Free, IO_NO_INCREMENT, FALSE);
    }
}

/* For the filter manager, whose unload requests come by another way than these. No NT kernel has them. */
NTEXPORT(RdAcquireService, PASSIVE_LEVEL, "driver");
PVOID NTAPI RdAcquireService(PCUNICODE_STRING ServiceName)
{
    return IopAcquireService(ServiceName);
}

NTEXPORT(RdReleaseService, PASSIVE_LEVEL, "driver");
VOID NTAPI RdReleaseService(PVOID Lock)
{
    IopReleaseService(Lock);
}

NTSTATUS NTAPI IopInvalidDeviceRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
    Irp->IoStatus.Information = 0;
    IofCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_INVALID_DEVICE_REQUEST;
}

static BOOLEAN IopCopyString(PUNICODE_STRING To, PCUNICODE_STRING From)
{
    To->Buffer = ExAllocatePoolWithTag(NonPagedPool, From->Length + sizeof(WCHAR), IOP_TAG);
    if (To->Buffer == NULL)
    {
        return FALSE;
    }
    RtlCopyMemory(To->Buffer, From->Buffer, From->Length);
    To->Buffer[From->Length / sizeof(WCHAR)] = 0;
    To->Length = From->Length;
    To->MaximumLength = From->Length + sizeof(WCHAR);
    return TRUE;
}

/* Named and findable from here on. NULL: name taken, or no pool. */
PDRIVER_OBJECT IopCreateDriverObject(PCUNICODE_STRING ServiceName, PVOID ImageBase,
                                     ULONG64 ImageSize)
{
    static UNICODE_STRING Hardware =
        RTL_CONSTANT_STRING(L"\\REGISTRY\\MACHINE\\HARDWARE\\DESCRIPTION\\SYSTEM");
    UNICODE_STRING Name = IopPlainName(ServiceName), Path;
    WCHAR Buffer[IOP_NAME_LENGTH];
    PIOP_DRIVER_EXTENSION Extension;
    PDRIVER_OBJECT Driver;

    if (!NT_SUCCESS(IopDriverPath(ServiceName, IopIsFileSystemDriver(&Name, ImageBase), &Path, Buffer)))
    {
        return NULL;
    }
    Driver = ObpAllocateObject(ObpDriverType, sizeof *Driver + sizeof *Extension);
    if (Driver == NULL)
    {
        return NULL;
    }
    Extension = (PIOP_DRIVER_EXTENSION)(Driver + 1);
    Driver->Type = IO_TYPE_DRIVER;
    Driver->Size = sizeof *Driver;
    Driver->DriverExtension = &Extension->Public;
    Driver->DriverStart = ImageBase;
    Driver->DriverSize = (ULONG)ImageSize;
    Driver->HardwareDatabase = &Hardware;
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
    {
        Driver->MajorFunction[i] = IopInvalidDeviceRequest;
    }
    Extension->Public.DriverObject = Driver;
    InitializeListHead(&Extension->Reinitialization);
    KeInitializeEvent(&Extension->EntryDone, NotificationEvent, FALSE);
    if (!IopCopyString(&Driver->DriverName, &Path) ||
        !IopCopyString(&Extension->Public.ServiceKeyName, &Name) ||
        !NT_SUCCESS(ObpInsertName(Driver, &Path, TRUE)))
    {
        ObfDereferenceObject(Driver); /* frees what there is; no image is recorded yet */
        return NULL;
    }
    Extension->ImageBase = ImageBase;
    Extension->ImageSize = ImageSize;
    return Driver;
}

/* The delete procedure of driver objects: the end of the image. Everything that the driver could
 * have left in a DPC queue is flushed first. */
VOID IopDeleteDriver(PVOID Object)
{
    PDRIVER_OBJECT Driver = Object;
    PIOP_DRIVER_EXTENSION Extension = IopDriverExtensionOf(Driver);

    if (Extension->ImageBase != NULL)
    {
        VfDriverDeleting(Driver);
        KeFlushQueuedDpcs();
        RdSchedule();
    }
    while (Extension->ClientExtensions != NULL)
    {
        PIOP_CLIENT_EXTENSION Block = Extension->ClientExtensions;
        Extension->ClientExtensions = Block->Next;
        ExFreePoolWithTag(Block, IOP_TAG);
    }
    if (Extension->ImageBase != NULL)
    {
        VfDriverUnloaded(Driver);
        RdEvent(RD_EVENT_IMAGE_UNLOAD, Extension->ImageBase, 0, 0);
        RtlpRemoveImage(Extension->ImageBase);
        RdUnloadImage(Extension->ImageBase);
    }
    if (Driver->DriverName.Buffer != NULL)
    {
        ExFreePoolWithTag(Driver->DriverName.Buffer, IOP_TAG);
    }
    if (Extension->Public.ServiceKeyName.Buffer != NULL)
    {
        ExFreePoolWithTag(Extension->Public.ServiceKeyName.Buffer, IOP_TAG);
    }
}

VOID IopDropDriverObject(PDRIVER_OBJECT Driver)
{
    ObMakeTemporaryObject(Driver);
    ObfDereferenceObject(Driver);
}

/* No open file and nothing attached on any of its devices, no PnP notification registered. */
BOOLEAN IopIsUnloadSafe(PDRIVER_OBJECT Driver)
{
    if (IopDriverExtensionOf(Driver)->Notifications != 0)
    {
        return FALSE;
    }
    for (PDEVICE_OBJECT Device = Driver->DeviceObject; Device != NULL; Device = Device->NextDevice)
    {
        if (IopDeviceReferences(Device) != 0 || Device->AttachedDevice != NULL)
        {
            return FALSE;
        }
    }
    return TRUE;
}

VOID IopInvokeUnload(PDRIVER_OBJECT Driver)
{
    Driver->Flags |= DRVO_UNLOAD_INVOKED;
    if (Driver->DriverUnload != NULL)
    {
        VfDriverUnloading(Driver);
        RdEvent(RD_EVENT_UNLOAD_ROUTINE, Driver, Driver->DriverUnload, 0);
        Driver->DriverUnload(Driver);
        VfCheckRegistrations(Driver);
    }
    RdSchedule();
    IopDropDriverObject(Driver);
}

static NTSTATUS IopUnloadDriver(PCUNICODE_STRING ServiceName)
{
    PDRIVER_OBJECT Driver;
    NTSTATUS Status = IopReferenceDriverByName(ServiceName, &Driver);

    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    if (Driver->DriverUnload == NULL || Driver->DriverExtension->AddDevice != NULL ||
        (Driver->Flags & (DRVO_UNLOAD_INVOKED | DRVO_BUILTIN_DRIVER)))
    {
        Status = STATUS_INVALID_DEVICE_REQUEST;
    }
    else
    {
        IopDriverExtensionOf(Driver)->UnloadPending = TRUE;
        for (PDEVICE_OBJECT Device = Driver->DeviceObject; Device != NULL;
             Device = Device->NextDevice)
        {
            IopExtensionOf(Device)->ExtensionFlags |= DOE_UNLOAD_PENDING;
        }
        if (IopIsUnloadSafe(Driver))
        {
            IopInvokeUnload(Driver);
        }
    }
    RdSchedule();
    ObfDereferenceObject(Driver);
    return Status;
}

static BOOLEAN IopCopyAsciiName(PCUNICODE_STRING Name, PSTR Buffer, ULONG Size)
{
    ULONG Count = Name->Length / sizeof(WCHAR);

    if (Count >= Size)
    {
        return FALSE;
    }
    for (ULONG i = 0; i < Count; i++)
    {
        if (Name->Buffer[i] == 0 || Name->Buffer[i] > 126)
        {
            return FALSE;
        }
        Buffer[i] = (CHAR)Name->Buffer[i];
    }
    Buffer[Count] = 0;
    return TRUE;
}

/* \REGISTRY\...\Services\NAME, structure and text in one block that dies with DriverEntry. */
static PUNICODE_STRING IopMakeRegistryPath(PCUNICODE_STRING ServiceName)
{
    static const UNICODE_STRING Prefix =
        RTL_CONSTANT_STRING(L"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\");
    UNICODE_STRING Name = IopPlainName(ServiceName);
    USHORT Bytes = Prefix.Length + Name.Length + sizeof(WCHAR);
    PUNICODE_STRING Path = ExpAllocateKernelPool(sizeof *Path + Bytes, IOP_TAG);

    Path->Buffer = (PWSTR)(Path + 1);
    Path->Length = 0;
    Path->MaximumLength = Bytes;
    RtlAppendUnicodeStringToString(Path, &Prefix);
    RtlAppendUnicodeStringToString(Path, &Name);
    Path->Buffer[Path->Length / sizeof(WCHAR)] = 0;
    return Path;
}

static VOID IopTellImageLoaded(PIOP_DRIVER_EXTENSION Extension)
{
    static const UNICODE_STRING Prefix = RTL_CONSTANT_STRING(L"\\SystemRoot\\System32\\drivers\\");
    WCHAR Buffer[128];
    UNICODE_STRING Path = {0, sizeof Buffer, Buffer};
    IMAGE_INFO Info;

    RtlAppendUnicodeStringToString(&Path, &Prefix);
    for (PCSTR From = Extension->FileName; *From != 0; From++)
    {
        Path.Buffer[Path.Length / sizeof(WCHAR)] = (UCHAR)*From;
        Path.Length += sizeof(WCHAR);
    }
    RtlZeroMemory(&Info, sizeof Info);
    Info.ImageAddressingMode = IMAGE_ADDRESSING_MODE_32BIT;
    Info.SystemModeImage = 1;
    Info.ImageBase = Extension->ImageBase;
    Info.ImageSize = Extension->ImageSize;
    PspCallLoadImageNotifyRoutines(&Path, NULL, &Info);
}

/* What holds once DriverEntry has succeeded: devices that it made accept requests. */
VOID IopReadyDeviceObjects(PDRIVER_OBJECT Driver)
{
    for (PDEVICE_OBJECT Device = Driver->DeviceObject; Device != NULL; Device = Device->NextDevice)
    {
        Device->Flags &= ~DO_DEVICE_INITIALIZING;
    }
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
    {
        if (Driver->MajorFunction[i] == NULL)
        {
            Driver->MajorFunction[i] = IopInvalidDeviceRequest;
        }
    }
    if (Driver->DriverExtension->AddDevice == NULL)
    {
        Driver->Flags |= DRVO_LEGACY_DRIVER;
    }
    Driver->Flags |= DRVO_INITIALIZED;
}

static NTSTATUS IopLoadDriver(PCUNICODE_STRING ServiceName)
{
    UNICODE_STRING Name = IopPlainName(ServiceName);
    struct rd_image_request Request = {0};
    CHAR Service[IOP_NAME_LENGTH], FullName[128];
    PIOP_DRIVER_EXTENSION Extension;
    PDRIVER_OBJECT Driver;
    PUNICODE_STRING RegistryPath;
    NTSTATUS Status;

    if (!IopCopyAsciiName(&Name, Service, sizeof Service))
    {
        return STATUS_OBJECT_NAME_INVALID;
    }
    if (NT_SUCCESS(IopReferenceDriverByName(ServiceName, &Driver)))
    {
        ObfDereferenceObject(Driver);
        return STATUS_IMAGE_ALREADY_LOADED;
    }
    Request.name = RD_ADDRESS(Service);
    Request.full_name = RD_ADDRESS(FullName);
    VfPrepareImageRequest(Service, &Request);
    Status = RdLoadImage(&Request);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    RtlpInsertImage((PVOID)(ULONG_PTR)Request.base);
    Driver = IopCreateDriverObject(ServiceName, (PVOID)(ULONG_PTR)Request.base, Request.size);
    if (Driver == NULL)
    {
        RtlpRemoveImage((PVOID)(ULONG_PTR)Request.base);
        RdUnloadImage((PVOID)(ULONG_PTR)Request.base);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Extension = IopDriverExtensionOf(Driver);
    strncpy(Extension->FileName, FullName, sizeof Extension->FileName - 1);
    Driver->DriverInit = (PDRIVER_INITIALIZE)(ULONG_PTR)Request.entry;
    VfDriverLoaded(Driver, FullName, &Request);
    RdEvent(RD_EVENT_IMAGE_LOAD, Request.base, Driver, 0);
    IopTellImageLoaded(Extension);
    RegistryPath = IopMakeRegistryPath(ServiceName);
    RdEvent(RD_EVENT_DRIVER_ENTRY, Driver, Driver->DriverInit, 0);
    Status = Driver->DriverInit(Driver, RegistryPath);
    ExFreePoolWithTag(RegistryPath, IOP_TAG);
    if (!NT_SUCCESS(Status))
    {
        RdSchedule();
        IopDropDriverObject(Driver);
        return Status;
    }
    IopReadyDeviceObjects(Driver);
    Extension->EntryReturned = TRUE;
    KeSetEvent(&Extension->EntryDone, IO_NO_INCREMENT, FALSE);
    return STATUS_SUCCESS;
}

/* Worker routine: a load request, an unload request, or the deferred call of an unload routine. */
static VOID NTAPI IopLoadUnloadDriver(PVOID Parameter)
{
    PIOP_LOAD_PACKET Packet = Parameter;
    NTSTATUS Status = STATUS_SUCCESS;
    PIOP_SERVICE_LOCK Lock;

    if (Packet->DriverToUnload != NULL)
    {
        IopInvokeUnload(Packet->DriverToUnload);
    }
    else
    {
        Lock = IopAcquireService(Packet->ServiceName);
        Status = Packet->Load ? IopLoadDriver(Packet->ServiceName)
                              : IopUnloadDriver(Packet->ServiceName);
        IopReleaseService(Lock);
        if (Packet->Load && NT_SUCCESS(Status))
        {
            IopCallReinitializationRoutines();
        }
    }
    IopEndSystemCall(&Packet->Call, Status);
}

NTSTATUS IopRequestDriver(PCUNICODE_STRING ServiceName, BOOLEAN Load)
{
    IOP_LOAD_PACKET Packet = {.ServiceName = ServiceName, .Load = Load};

    return IopCallInSystemThread(IopLoadUnloadDriver, &Packet.Call);
}

/* A reference, an attachment or a device has gone. The caller holds a reference on the driver
 * object. */
VOID IopUnloadIfDue(PDRIVER_OBJECT Driver)
{
    PIOP_DRIVER_EXTENSION Extension = IopDriverExtensionOf(Driver);
    BOOLEAN Due = (Extension->UnloadPending && IopIsUnloadSafe(Driver)) ||
                  (Extension->Removed && Driver->DeviceObject == NULL);

    if (Due && !(Driver->Flags & DRVO_UNLOAD_INVOKED) && Driver->DriverUnload != NULL)
    {
        IOP_LOAD_PACKET Packet = {.DriverToUnload = Driver};
        Driver->Flags |= DRVO_UNLOAD_INVOKED;
        IopCallInSystemThread(IopLoadUnloadDriver, &Packet.Call);
    }
}

VOID IopPnpDriverMayUnload(PDRIVER_OBJECT Driver)
{
    if (Driver->DriverExtension->AddDevice != NULL)
    {
        IopDriverExtensionOf(Driver)->Removed = TRUE;
        IopUnloadIfDue(Driver);
    }
}

NTSTATUS NTAPI NtLoadDriver(PUNICODE_STRING DriverServiceName)
{
    return IopRequestDriver(DriverServiceName, TRUE);
}

NTSTATUS NTAPI NtUnloadDriver(PUNICODE_STRING DriverServiceName)
{
    return IopRequestDriver(DriverServiceName, FALSE);
}

NTEXPORT(ZwLoadDriver, PASSIVE_LEVEL, "driver");
NTSTATUS NTAPI ZwLoadDriver(PUNICODE_STRING DriverServiceName)
{
    return IopRequestDriver(DriverServiceName, TRUE);
}

NTEXPORT(ZwUnloadDriver, PASSIVE_LEVEL, "driver");
NTSTATUS NTAPI ZwUnloadDriver(PUNICODE_STRING DriverServiceName)
{
    return IopRequestDriver(DriverServiceName, FALSE);
}
