/*
 * Volumes: volume parameter blocks, mounting on the first open, and the file systems that stand
 * ready for it. A disk's device has a VPB from its creation on; a file system that recognises the
 * medium puts its volume device there, and from then on files are opened on the stack above that
 * device. FileObject->DeviceObject stays the disk's, as documented for IoGetRelatedDeviceObject.
 *
 * File systems that register themselves are asked in the order of their registration, newest first.
 * A registration for changes holds its driver object, so its image, until it is undone; file
 * systems that already exist are announced at once.
 */
#include "guest/include/exp.h"
#include "guest/include/iop.h"

typedef struct _IOP_FILE_SYSTEM
{
    LIST_ENTRY Links;
    PDEVICE_OBJECT Device; /* referenced */
} IOP_FILE_SYSTEM, *PIOP_FILE_SYSTEM;

typedef struct _IOP_FS_CHANGE
{
    LIST_ENTRY Links;
    PDRIVER_OBJECT Driver; /* referenced */
    PDRIVER_FS_NOTIFICATION Routine;
} IOP_FS_CHANGE, *PIOP_FS_CHANGE;

static LIST_ENTRY IopFileSystems = {&IopFileSystems, &IopFileSystems};
static LIST_ENTRY IopFsChanges = {&IopFsChanges, &IopFsChanges};
static KSPIN_LOCK IopVpbLock;

/* Routines may change the list: each is called at most once, in order, as far as it still stands
 * there. */
static VOID IopTellFsChange(PDEVICE_OBJECT Device, BOOLEAN Active)
{
    PLIST_ENTRY Link = IopFsChanges.Flink;

    while (Link != &IopFsChanges)
    {
        PIOP_FS_CHANGE Change = CONTAINING_RECORD(Link, IOP_FS_CHANGE, Links);
        PDRIVER_OBJECT Driver = Change->Driver;
        PLIST_ENTRY Next = Link->Flink;
        ObfReferenceObject(Driver);
        Change->Routine(Device, Active);
        ObfDereferenceObject(Driver);
        for (Link = IopFsChanges.Flink; Link != &IopFsChanges && Link != Next; Link = Link->Flink)
        {
        }
    }
}

NTEXPORT(IoRegisterFileSystem, PASSIVE_LEVEL, "device");
VOID NTAPI IoRegisterFileSystem(PDEVICE_OBJECT DeviceObject)
{
    PIOP_FILE_SYSTEM Entry = ExpAllocateKernelPool(sizeof *Entry, IOP_TAG);

    ObfReferenceObject(DeviceObject);
    Entry->Device = DeviceObject;
    InsertHeadList(&IopFileSystems, &Entry->Links);
    DeviceObject->Flags &= ~DO_DEVICE_INITIALIZING;
    IopTellFsChange(DeviceObject, TRUE);
}

NTEXPORT(IoUnregisterFileSystem, PASSIVE_LEVEL, "device");
VOID NTAPI IoUnregisterFileSystem(PDEVICE_OBJECT DeviceObject)
{
    for (PLIST_ENTRY Link = IopFileSystems.Flink; Link != &IopFileSystems; Link = Link->Flink)
    {
        PIOP_FILE_SYSTEM Entry = CONTAINING_RECORD(Link, IOP_FILE_SYSTEM, Links);
        if (Entry->Device == DeviceObject)
        {
            RemoveEntryList(Link);
            ExFreePoolWithTag(Entry, IOP_TAG);
            IopTellFsChange(DeviceObject, FALSE);
            ObfDereferenceObject(DeviceObject);
            return;
        }
    }
}

NTEXPORT(IoRegisterFsRegistrationChange, PASSIVE_LEVEL, "driver");
NTSTATUS NTAPI IoRegisterFsRegistrationChange(PDRIVER_OBJECT DriverObject,
                                              PDRIVER_FS_NOTIFICATION DriverNotificationRoutine)
{
    PIOP_FS_CHANGE Change = ExAllocatePoolWithTag(NonPagedPool, sizeof *Change, IOP_TAG);
    PLIST_ENTRY Link;

    if (Change == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ObfReferenceObject(DriverObject);
    Change->Driver = DriverObject;
    Change->Routine = DriverNotificationRoutine;
    InsertTailList(&IopFsChanges, &Change->Links);
    for (Link = IopFileSystems.Flink; Link != &IopFileSystems;)
    {
        PIOP_FILE_SYSTEM Entry = CONTAINING_RECORD(Link, IOP_FILE_SYSTEM, Links);
        PDEVICE_OBJECT Device = Entry->Device;
        PLIST_ENTRY Next = Link->Flink;
        ObfReferenceObject(Device);
        DriverNotificationRoutine(Device, TRUE);
        ObfDereferenceObject(Device);
        for (Link = IopFileSystems.Flink; Link != &IopFileSystems && Link != Next;
             Link = Link->Flink)
        {
        }
    }
    return STATUS_SUCCESS;
}

NTEXPORT(IoUnregisterFsRegistrationChange, PASSIVE_LEVEL, "driver");
VOID NTAPI IoUnregisterFsRegistrationChange(PDRIVER_OBJECT DriverObject,
                                            PDRIVER_FS_NOTIFICATION DriverNotificationRoutine)
{
    for (PLIST_ENTRY Link = IopFsChanges.Flink; Link != &IopFsChanges; Link = Link->Flink)
    {
        PIOP_FS_CHANGE Change = CONTAINING_RECORD(Link, IOP_FS_CHANGE, Links);
        if (Change->Driver == DriverObject && Change->Routine == DriverNotificationRoutine)
        {
            RemoveEntryList(Link);
            ExFreePoolWithTag(Change, IOP_TAG);
            ObfDereferenceObject(DriverObject);
            return;
        }
    }
}

/* A registration of the driver's for changes; for the verifier. NULL: none. */
PVOID IopFindFsRegistration(PDRIVER_OBJECT Driver)
{
    for (PLIST_ENTRY Link = IopFsChanges.Flink; Link != &IopFsChanges; Link = Link->Flink)
    {
        PIOP_FS_CHANGE Change = CONTAINING_RECORD(Link, IOP_FS_CHANGE, Links);
        if (Change->Driver == Driver)
        {
            return Change;
        }
    }
    return NULL;
}

NTEXPORT(IoAcquireVpbSpinLock, DISPATCH_LEVEL, "spinlock");
VOID NTAPI IoAcquireVpbSpinLock(PKIRQL Irql)
{
    *Irql = KeAcquireSpinLockRaiseToDpc(&IopVpbLock);
}

NTEXPORT(IoReleaseVpbSpinLock, DISPATCH_LEVEL, "spinlock");
VOID NTAPI IoReleaseVpbSpinLock(KIRQL Irql)
{
    KeReleaseSpinLock(&IopVpbLock, Irql);
}

/* Documented for IoCreateDevice: devices of these types get one. */
BOOLEAN IopNeedsVpb(DEVICE_TYPE Type)
{
    return Type == FILE_DEVICE_DISK || Type == FILE_DEVICE_TAPE || Type == FILE_DEVICE_CD_ROM ||
           Type == FILE_DEVICE_VIRTUAL_DISK;
}

NTSTATUS IopCreateVpb(PDEVICE_OBJECT Device)
{
    PVPB Vpb = ExAllocatePoolWithTag(NonPagedPool, sizeof *Vpb, IOP_VPB_TAG);

    if (Vpb == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(Vpb, sizeof *Vpb);
    Vpb->Type = IO_TYPE_VPB;
    Vpb->Size = sizeof *Vpb;
    Vpb->RealDevice = Device;
    Device->Vpb = Vpb;
    return STATUS_SUCCESS;
}

/* The disk's device goes. A volume that is still mounted there keeps its VPB until its last file
 * is closed, which cannot be later than this. */
VOID IopDeleteVpb(PDEVICE_OBJECT Device)
{
    if (Device->Vpb != NULL)
    {
        ExFreePool(Device->Vpb);
        Device->Vpb = NULL;
    }
}

/* A file on the volume has been closed. A VPB that a dismount took off its disk goes with the last. */
VOID IopDereferenceVpb(PVPB Vpb)
{
    if (--Vpb->ReferenceCount == 0 && Vpb->RealDevice->Vpb != Vpb &&
        !(Vpb->Flags & VPB_PERSISTENT))
    {
        ExFreePool(Vpb);
    }
}

static NTSTATUS IopAskToMount(PDEVICE_OBJECT FileSystem, PDEVICE_OBJECT Device, PVPB Vpb)
{
    PDEVICE_OBJECT Top = IoGetAttachedDeviceReference(FileSystem);
    PIRP Irp = IoAllocateIrp(Top->StackSize, FALSE);
    IO_STATUS_BLOCK IoStatus = {0};
    PIO_STACK_LOCATION Stack;
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;

    if (Irp != NULL)
    {
        Irp->RequestorMode = KernelMode;
        Stack = IoGetNextIrpStackLocation(Irp);
        Stack->MajorFunction = IRP_MJ_FILE_SYSTEM_CONTROL;
        Stack->MinorFunction = IRP_MN_MOUNT_VOLUME;
        Stack->Parameters.MountVolume.Vpb = Vpb;
        Stack->Parameters.MountVolume.DeviceObject = IoGetAttachedDevice(Device);
        Status = IopCallAndComplete(Top, Irp, NULL, &IoStatus);
    }
    ObfDereferenceObject(Top);
    return Status;
}

/* Which file systems to ask: those for the kind of medium. */
static BOOLEAN IopFits(PDEVICE_OBJECT FileSystem, PDEVICE_OBJECT Device)
{
    switch (Device->DeviceType)
    {
    case FILE_DEVICE_CD_ROM:
        return FileSystem->DeviceType == FILE_DEVICE_CD_ROM_FILE_SYSTEM;
    case FILE_DEVICE_TAPE:
        return FileSystem->DeviceType == FILE_DEVICE_TAPE_FILE_SYSTEM;
    default:
        return FileSystem->DeviceType == FILE_DEVICE_DISK_FILE_SYSTEM;
    }
}

static NTSTATUS IopMount(PDEVICE_OBJECT Device, PVPB Vpb)
{
    NTSTATUS Status = STATUS_UNRECOGNIZED_VOLUME;
    PLIST_ENTRY Link = IopFileSystems.Flink;

    while (Link != &IopFileSystems)
    {
        PIOP_FILE_SYSTEM Entry = CONTAINING_RECORD(Link, IOP_FILE_SYSTEM, Links);
        PDEVICE_OBJECT FileSystem = Entry->Device;
        PLIST_ENTRY Next = Link->Flink;
        if (IopFits(FileSystem, Device))
        {
            ObfReferenceObject(FileSystem);
            Status = IopAskToMount(FileSystem, Device, Vpb);
            ObfDereferenceObject(FileSystem);
            if (Status != STATUS_UNRECOGNIZED_VOLUME)
            {
                break;
            }
            /* The list may have changed below. */
            for (Link = IopFileSystems.Flink; Link != &IopFileSystems && Link != Next;
                 Link = Link->Flink)
            {
            }
            continue;
        }
        Link = Next;
    }
    if (NT_SUCCESS(Status))
    {
        Vpb->Flags |= VPB_MOUNTED;
        IopExtensionOf(Vpb->DeviceObject)->Vpb = Vpb; /* for IoGetDiskDeviceObject */
        Vpb->DeviceObject->StackSize =
            (CCHAR)(IoGetAttachedDevice(Vpb->RealDevice)->StackSize + 1);
    }
    return Status;
}

/* The VPB through which Device is to be opened, with one more reference; mounts what is not yet
 * mounted. One mount at a time on a device. */
NTSTATUS IopReferenceMountedVpb(PDEVICE_OBJECT Device, PVPB *Result)
{
    NTSTATUS Status = STATUS_SUCCESS;

    if (!(Device->Vpb->Flags & VPB_MOUNTED))
    {
        KeEnterCriticalRegion();
        KeWaitForSingleObject(&Device->DeviceLock, Executive, KernelMode, FALSE, NULL);
        if (!(Device->Vpb->Flags & VPB_MOUNTED))
        {
            Status = IopMount(Device, Device->Vpb);
        }
        KeSetEvent(&Device->DeviceLock, IO_NO_INCREMENT, FALSE);
        KeLeaveCriticalRegion();
    }
    if (NT_SUCCESS(Status))
    {
        *Result = Device->Vpb;
        Device->Vpb->ReferenceCount++;
    }
    return Status;
}

/* Where a file's requests begin below any filter: the volume's device if it lies on one. */
NTEXPORT(IoGetBaseFileSystemDeviceObject, DISPATCH_LEVEL, "file device");
PDEVICE_OBJECT NTAPI IoGetBaseFileSystemDeviceObject(PFILE_OBJECT FileObject)
{
    PDEVICE_OBJECT Device = FileObject->DeviceObject;

    if (FileObject->Vpb != NULL && FileObject->Vpb->DeviceObject != NULL)
    {
        return FileObject->Vpb->DeviceObject;
    }
    if (!(FileObject->Flags & FO_DIRECT_DEVICE_OPEN) && Device->Vpb != NULL &&
        Device->Vpb->DeviceObject != NULL)
    {
        return Device->Vpb->DeviceObject;
    }
    return Device;
}

NTEXPORT(IoGetRelatedDeviceObject, DISPATCH_LEVEL, "file device");
PDEVICE_OBJECT NTAPI IoGetRelatedDeviceObject(PFILE_OBJECT FileObject)
{
    PDEVICE_OBJECT Base = IoGetBaseFileSystemDeviceObject(FileObject);
    PDEVICE_OBJECT Hint = IopTopDeviceHint(FileObject);

    /* A file that was opened below some filters goes on below them, while its device stands there. */
    for (PDEVICE_OBJECT Device = Base; Hint != NULL && Device != NULL;
         Device = Device->AttachedDevice)
    {
        if (Device == Hint)
        {
            return Hint;
        }
    }
    return IoGetAttachedDevice(Base);
}

NTEXPORT(IoGetDiskDeviceObject, DISPATCH_LEVEL, "device");
NTSTATUS NTAPI IoGetDiskDeviceObject(PDEVICE_OBJECT FileSystemDeviceObject,
                                     PDEVICE_OBJECT *DiskDeviceObject)
{
    PVPB Vpb;

    /* The volume's device knows its VPB by the file system that mounted it; no VPB of its own. */
    if (FileSystemDeviceObject->Vpb != NULL)
    {
        return STATUS_INVALID_PARAMETER;
    }
    Vpb = IopExtensionOf(FileSystemDeviceObject)->Vpb;
    if (Vpb == NULL || !(Vpb->Flags & VPB_MOUNTED))
    {
        return STATUS_VOLUME_DISMOUNTED;
    }
    ObfReferenceObject(Vpb->RealDevice);
    *DiskDeviceObject = Vpb->RealDevice;
    return STATUS_SUCCESS;
}
