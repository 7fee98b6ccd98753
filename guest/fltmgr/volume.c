/*
 * Volumes. At the first registration the filter manager asks to be told of file systems; it attaches to the control device
 * of each, to see its mounts, and to every volume device that the file system has already made. A volume goes when
 * the file system deletes its device: the I/O manager then calls FastIoDetachDevice of whoever is attached.
 */
#include "guest/include/fltp.h"

static BOOLEAN FltpVolumesStarted;
static LIST_ENTRY FltpFileSystems = {&FltpFileSystems, &FltpFileSystems};

#define FLTP_COPIED_FLAGS (DO_BUFFERED_IO | DO_DIRECT_IO)

PFLT_VOLUME FltpVolumeOfDevice(PDEVICE_OBJECT Device)
{
    for (PLIST_ENTRY Link = FltpVolumes.Flink; Link != &FltpVolumes; Link = Link->Flink)
    {
        PFLT_VOLUME Volume = CONTAINING_RECORD(Link, FLT_VOLUME, Base.PrimaryLink);
        if (Volume->FilterDevice == Device || Volume->VolumeDevice == Device || Volume->DiskDevice == Device)
        {
            return Volume;
        }
    }
    return NULL;
}

/* Without a trailing backslash. */
static UNICODE_STRING FltpTrim(PCUNICODE_STRING Name)
{
    UNICODE_STRING Trimmed = *Name;

    if (Trimmed.Length >= sizeof(WCHAR) && Trimmed.Buffer[Trimmed.Length / sizeof(WCHAR) - 1] == L'\\')
    {
        Trimmed.Length -= sizeof(WCHAR);
    }
    return Trimmed;
}

static PFLT_VOLUME FltpVolumeOfName(PCUNICODE_STRING Name)
{
    for (PLIST_ENTRY Link = FltpVolumes.Flink; Link != &FltpVolumes; Link = Link->Flink)
    {
        PFLT_VOLUME Volume = CONTAINING_RECORD(Link, FLT_VOLUME, Base.PrimaryLink);
        if (RtlEqualUnicodeString(&Volume->DeviceName, Name, TRUE))
        {
            return Volume;
        }
    }
    return NULL;
}

/* Exported by the kernel, in no kit header. */
__declspec(dllimport) extern POBJECT_TYPE *IoDeviceObjectType;
NTSYSAPI NTSTATUS NTAPI ObReferenceObjectByName(PUNICODE_STRING ObjectName, ULONG Attributes, PACCESS_STATE PassedAccessState,
                                                ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                                KPROCESSOR_MODE AccessMode, PVOID ParseContext, PVOID *Object);

/* "C:", or any other name that leads to the disk. */
static PFLT_VOLUME FltpVolumeOfLink(PCUNICODE_STRING Name)
{
    WCHAR Buffer[32];
    UNICODE_STRING Link = {.MaximumLength = sizeof Buffer, .Buffer = Buffer};
    BOOLEAN Drive = Name->Length == 2 * sizeof(WCHAR) && Name->Buffer[1] == L':';
    PLIST_ENTRY Entry;
    PVOID Disk;

    RtlAppendUnicodeToString(&Link, Drive ? L"\\??\\" : L"");
    if (!NT_SUCCESS(RtlAppendUnicodeStringToString(&Link, Name)) ||
        !NT_SUCCESS(ObReferenceObjectByName(&Link, OBJ_CASE_INSENSITIVE, NULL, 0, *IoDeviceObjectType, KernelMode, NULL,
                                            &Disk)))
    {
        return NULL;
    }
    ObDereferenceObject(Disk); /* only its address is compared */
    for (Entry = FltpVolumes.Flink; Entry != &FltpVolumes; Entry = Entry->Flink)
    {
        PFLT_VOLUME Volume = CONTAINING_RECORD(Entry, FLT_VOLUME, Base.PrimaryLink);
        if (Volume->DiskDevice == Disk)
        {
            return Volume;
        }
    }
    return NULL;
}

PFLT_VOLUME FltpFindVolume(PCUNICODE_STRING Name)
{
    UNICODE_STRING Plain = FltpTrim(Name);
    PFLT_VOLUME Volume = FltpVolumeOfName(&Plain);

    return Volume != NULL ? Volume : FltpVolumeOfLink(&Plain);
}

/* The name of the disk under the volume, or else of the volume device itself. */
static BOOLEAN FltpNameVolume(PFLT_VOLUME Volume)
{
    PDEVICE_OBJECT Named = Volume->DiskDevice != NULL ? Volume->DiskDevice : Volume->VolumeDevice;
    struct
    {
        OBJECT_NAME_INFORMATION Information;
        WCHAR Text[128];
    } Query;
    ULONG Returned;

    if (!NT_SUCCESS(ObQueryNameString(Named, &Query.Information, sizeof Query, &Returned)))
    {
        Query.Information.Name.Length = 0;
    }
    Volume->DeviceName.Length = Query.Information.Name.Length;
    Volume->DeviceName.MaximumLength = Volume->DeviceName.Length + sizeof(WCHAR);
    Volume->DeviceName.Buffer = FltpAllocate(Volume->DeviceName.MaximumLength, FLTP_NAME_TAG);
    if (Volume->DeviceName.Buffer == NULL)
    {
        return FALSE;
    }
    RtlCopyMemory(Volume->DeviceName.Buffer, Query.Information.Name.Buffer, Volume->DeviceName.Length);
    return TRUE;
}

static PDEVICE_OBJECT FltpCreateDevice(FLTP_DEVICE_KIND Kind, PDEVICE_OBJECT Target, PFLTP_DEVICE *Extension)
{
    PDEVICE_OBJECT Device;

    if (!NT_SUCCESS(IoCreateDevice(FltpDriverObject, sizeof(FLTP_DEVICE), NULL, Target->DeviceType,
                                   Target->Characteristics, FALSE, &Device)))
    {
        return NULL;
    }
    *Extension = Device->DeviceExtension;
    (*Extension)->Kind = Kind;
    Device->Flags |= Target->Flags & FLTP_COPIED_FLAGS;
    if (!NT_SUCCESS(IoAttachDeviceToDeviceStackSafe(Device, Target, &(*Extension)->Lower)))
    {
        IoDeleteDevice(Device);
        return NULL;
    }
    return Device;
}

static VOID FltpMakeVolume(PDEVICE_OBJECT VolumeDevice, PDEVICE_OBJECT DiskDevice)
{
    PFLTP_DEVICE Extension;
    PFLT_VOLUME Volume;

    if (FltpVolumeOfDevice(VolumeDevice) != NULL)
    {
        return;
    }
    Volume = FltpAllocate(sizeof *Volume, FLTP_TAG);
    if (Volume == NULL)
    {
        return;
    }
    FltpInitializeObject(&Volume->Base, FLT_OBFL_TYPE_VOLUME);
    InitializeListHead(&Volume->Instances);
    InitializeListHead(&Volume->VolumeContexts);
    InitializeListHead(&Volume->FileContexts);
    InitializeListHead(&Volume->Streams);
    Volume->VolumeDevice = VolumeDevice;
    Volume->DiskDevice = DiskDevice;
    if (!FltpNameVolume(Volume))
    {
        ExFreePoolWithTag(Volume, FLTP_TAG);
        return;
    }
    Volume->FilterDevice = FltpCreateDevice(FltpVolumeDevice, VolumeDevice, &Extension);
    if (Volume->FilterDevice == NULL)
    {
        ExFreePoolWithTag(Volume->DeviceName.Buffer, FLTP_NAME_TAG);
        ExFreePoolWithTag(Volume, FLTP_TAG);
        return;
    }
    ObReferenceObject(VolumeDevice);
    Extension->Volume = Volume;
    Volume->Lower = Extension->Lower;
    InsertTailList(&FltpVolumes, &Volume->Base.PrimaryLink);
    Volume->FilterDevice->Flags &= ~DO_DEVICE_INITIALIZING;
    FltpAttachEveryFilter(Volume);
}

static VOID FltpDestroyVolume(PFLT_VOLUME Volume)
{
    Volume->Base.Flags |= FLT_OBFL_DRAINING;
    while (!IsListEmpty(&Volume->Instances))
    {
        FltpTeardownInstance(CONTAINING_RECORD(Volume->Instances.Flink, FLT_INSTANCE, VolumeLink),
                             FLTFL_INSTANCE_TEARDOWN_VOLUME_DISMOUNT);
    }
    FltpForgetVolume(Volume);
    ExWaitForRundownProtectionRelease(&Volume->Base.RundownRef);
    RemoveEntryList(&Volume->Base.PrimaryLink);
    IoDetachDevice(Volume->Lower);
    IoDeleteDevice(Volume->FilterDevice);
    ObDereferenceObject(Volume->VolumeDevice);
    ExFreePoolWithTag(Volume->DeviceName.Buffer, FLTP_NAME_TAG);
    FltpDrop(&Volume->Base);
}

/* A device under one of ours is being deleted. */
static VOID NTAPI FltpFastIoDetachDevice(PDEVICE_OBJECT SourceDevice, PDEVICE_OBJECT TargetDevice)
{
    PFLTP_DEVICE Device = SourceDevice->DeviceExtension;

    if (Device->Kind == FltpVolumeDevice)
    {
        FltpDestroyVolume(Device->Volume);
        return;
    }
    RemoveEntryList(&Device->Links);
    IoDetachDevice(TargetDevice);
    IoDeleteDevice(SourceDevice);
}

static PDEVICE_OBJECT FltpDiskOf(PDEVICE_OBJECT VolumeDevice)
{
    PDEVICE_OBJECT Disk = NULL;

    if (!NT_SUCCESS(IoGetDiskDeviceObject(VolumeDevice, &Disk)))
    {
        return NULL;
    }
    ObDereferenceObject(Disk); /* the mounted volume keeps it */
    return Disk;
}

/* Volumes of a file system that came before us. */
static VOID FltpFindMountedVolumes(PDEVICE_OBJECT ControlDevice)
{
    PDEVICE_OBJECT Devices[32];
    ULONG Count;

    if (!NT_SUCCESS(IoEnumerateDeviceObjectList(ControlDevice->DriverObject, Devices, sizeof Devices, &Count)))
    {
        return;
    }
    for (ULONG i = Count; i-- > 0;)
    {
        if (Devices[i] != ControlDevice && Devices[i]->DeviceType == ControlDevice->DeviceType &&
            !(Devices[i]->Flags & DO_DEVICE_INITIALIZING))
        {
            FltpMakeVolume(Devices[i], FltpDiskOf(Devices[i]));
        }
        ObDereferenceObject(Devices[i]);
    }
}

static VOID NTAPI FltpFsNotification(PDEVICE_OBJECT DeviceObject, BOOLEAN Active)
{
    PFLTP_DEVICE Extension;
    PDEVICE_OBJECT Device;

    if (Active)
    {
        Device = FltpCreateDevice(FltpFileSystemDevice, DeviceObject, &Extension);
        if (Device == NULL)
        {
            return;
        }
        Extension->FileSystem = DeviceObject;
        InsertTailList(&FltpFileSystems, &Extension->Links);
        Device->Flags &= ~DO_DEVICE_INITIALIZING;
        FltpFindMountedVolumes(DeviceObject);
        return;
    }
    for (PLIST_ENTRY Link = FltpFileSystems.Flink; Link != &FltpFileSystems; Link = Link->Flink)
    {
        Extension = CONTAINING_RECORD(Link, FLTP_DEVICE, Links);
        if (Extension->FileSystem == DeviceObject)
        {
            Device = Extension->Lower->AttachedDevice;
            RemoveEntryList(Link);
            IoDetachDevice(Extension->Lower);
            IoDeleteDevice(Device);
            return;
        }
    }
}

VOID FltpStartVolumes(VOID)
{
    static FAST_IO_DISPATCH FastIo = {.SizeOfFastIoDispatch = sizeof FastIo,
                                      .FastIoDetachDevice = FltpFastIoDetachDevice};

    if (!FltpVolumesStarted)
    {
        FltpVolumesStarted = TRUE;
        FltpDriverObject->FastIoDispatch = &FastIo;
        IoRegisterFsRegistrationChange(FltpDriverObject, FltpFsNotification);
    }
}

static NTSTATUS NTAPI FltpMountCompletion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    if (Irp->PendingReturned)
    {
        KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    }
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS FltpMount(PFLTP_DEVICE Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PDEVICE_OBJECT Disk = Stack->Parameters.MountVolume.Vpb->RealDevice;
    KEVENT Done;
    NTSTATUS Status;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, FltpMountCompletion, &Done, TRUE, TRUE, TRUE);
    Status = IoCallDriver(Device->Lower, Irp);
    if (Status == STATUS_PENDING)
    {
        KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    }
    Status = Irp->IoStatus.Status;
    if (NT_SUCCESS(Status) && Disk->Vpb != NULL && Disk->Vpb->DeviceObject != NULL)
    {
        FltpMakeVolume(Disk->Vpb->DeviceObject, Disk);
    }
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS FltpFileSystemDispatch(PFLTP_DEVICE Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    if (Stack->MajorFunction == IRP_MJ_FILE_SYSTEM_CONTROL && Stack->MinorFunction == IRP_MN_MOUNT_VOLUME)
    {
        return FltpMount(Device, Irp);
    }
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(Device->Lower, Irp);
}

NTEXPORT(FltGetDeviceObject, APC_LEVEL, "fltobject device");
NTSTATUS FLTAPI FltGetDeviceObject(PFLT_VOLUME Volume, PDEVICE_OBJECT *DeviceObject)
{
    ObReferenceObject(Volume->FilterDevice);
    *DeviceObject = Volume->FilterDevice;
    return STATUS_SUCCESS;
}

NTEXPORT(FltGetDiskDeviceObject, APC_LEVEL, "fltobject device");
NTSTATUS FLTAPI FltGetDiskDeviceObject(PFLT_VOLUME Volume, PDEVICE_OBJECT *DiskDeviceObject)
{
    *DiskDeviceObject = Volume->DiskDevice;
    if (Volume->DiskDevice == NULL)
    {
        return STATUS_FLT_NO_DEVICE_OBJECT;
    }
    ObReferenceObject(Volume->DiskDevice);
    return STATUS_SUCCESS;
}

NTEXPORT(FltGetVolumeName, PASSIVE_LEVEL, "fltobject");
NTSTATUS FLTAPI FltGetVolumeName(PFLT_VOLUME Volume, PUNICODE_STRING VolumeName, PULONG BufferSizeNeeded)
{
    if (BufferSizeNeeded != NULL)
    {
        *BufferSizeNeeded = Volume->DeviceName.Length;
    }
    if (VolumeName == NULL || VolumeName->MaximumLength < Volume->DeviceName.Length)
    {
        return STATUS_BUFFER_TOO_SMALL;
    }
    RtlCopyUnicodeString(VolumeName, &Volume->DeviceName);
    return STATUS_SUCCESS;
}
