/*
 * Mount and dismount. A dismounted volume fails every request but cleanup and close; its disk gets
 * a fresh VPB at once, so the next open mounts an empty volume while old files are still open. The
 * last close ends the old one.
 */
#include "guest/memfs/memfs.h"

NTSTATUS MemfsMount(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    static const UNICODE_STRING None = RTL_CONSTANT_STRING(L"");
    static const WCHAR Label[] = L"MEMFS";
    PVPB Vpb = Stack->Parameters.MountVolume.Vpb;
    PDEVICE_OBJECT Disk = Vpb->RealDevice, Volume;
    PMEMFS_DEVICE Extension = Disk->DeviceExtension;
    PMEMFS_VCB Vcb;
    NTSTATUS Status;

    /* What a file system reads from the first sectors: whether the medium is one of its own. */
    if (Disk->DriverObject != Stack->DeviceObject->DriverObject || Extension->Kind != MEMFS_DISK)
    {
        return STATUS_UNRECOGNIZED_VOLUME;
    }
    Status = IoCreateDevice(Disk->DriverObject, sizeof *Vcb, NULL, FILE_DEVICE_DISK_FILE_SYSTEM, 0,
                            FALSE, &Volume);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Vcb = Volume->DeviceExtension;
    Vcb->Device.Kind = MEMFS_VOLUME;
    Vcb->Device.MayPend = Extension->MayPend;
    Vcb->VolumeDevice = Volume;
    Vcb->Vpb = Vpb;
    Vcb->NextOrder = 2; /* 0 and 1 are "." and ".." */
    Vcb->Root = MemfsCreateNode(MemfsDirectory, &None, 0);
    Vcb->Volume = MemfsCreateNode(MemfsVolumeNode, &None, 0);
    if (Vcb->Root == NULL || Vcb->Volume == NULL)
    {
        if (Vcb->Root != NULL)
        {
            MemfsDereference(Vcb->Root);
        }
        if (Vcb->Volume != NULL)
        {
            MemfsDereference(Vcb->Volume);
        }
        IoDeleteDevice(Volume);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ExInitializeResourceLite(&Vcb->Resource);
    Vpb->DeviceObject = Volume;
    Vpb->SerialNumber = 0x4D454D31;
    RtlCopyMemory(Vpb->VolumeLabel, Label, sizeof Label - sizeof(WCHAR));
    Vpb->VolumeLabelLength = sizeof Label - sizeof(WCHAR);
    Volume->SectorSize = MEMFS_SECTOR;
    Volume->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

NTSTATUS MemfsDismount(PMEMFS_VCB Vcb)
{
    PDEVICE_OBJECT Disk = Vcb->Vpb->RealDevice;
    PVPB Fresh;
    KIRQL Irql;

    if (Vcb->Dismounted)
    {
        return STATUS_VOLUME_DISMOUNTED;
    }
    Fresh = ExAllocatePoolWithTag(NonPagedPool, sizeof *Fresh, ' bpV');
    if (Fresh == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(Fresh, sizeof *Fresh);
    Fresh->Type = IO_TYPE_VPB;
    Fresh->Size = sizeof *Fresh;
    Fresh->RealDevice = Disk;
    Vcb->Dismounted = TRUE;
    IoAcquireVpbSpinLock(&Irql);
    Vcb->Vpb->Flags &= ~VPB_MOUNTED;
    Disk->Vpb = Fresh;
    IoReleaseVpbSpinLock(Irql);
    return STATUS_SUCCESS;
}

/* Frees what stands below; nothing of it is open. */
static VOID MemfsFreeTree(PMEMFS_FCB Fcb)
{
    while (!IsListEmpty(&Fcb->Children))
    {
        PMEMFS_FCB Child = CONTAINING_RECORD(Fcb->Children.Flink, MEMFS_FCB, Siblings);
        MemfsFreeTree(Child);
        MemfsUnlink(Child);
    }
}

static BOOLEAN MemfsIsOpenBelow(PMEMFS_FCB Fcb)
{
    LONG Children = 0;

    for (PLIST_ENTRY Link = Fcb->Children.Flink; Link != &Fcb->Children; Link = Link->Flink)
    {
        Children++;
        if (MemfsIsOpenBelow(CONTAINING_RECORD(Link, MEMFS_FCB, Siblings)))
        {
            return TRUE;
        }
    }
    /* Beyond its children and its own place: file objects, and unlinked files that still name it. */
    return Fcb->References > Children + 1;
}

VOID MemfsEndVolumeIfDue(PMEMFS_VCB Vcb)
{
    if (!Vcb->Dismounted || Vcb->Volume->References > 1 || MemfsIsOpenBelow(Vcb->Root))
    {
        return;
    }
    MemfsFreeTree(Vcb->Root);
    MemfsDereference(Vcb->Root);
    MemfsDereference(Vcb->Volume);
    ExDeleteResourceLite(&Vcb->Resource);
    Vcb->Vpb->DeviceObject = NULL;
    IoDeleteDevice(Vcb->VolumeDevice);
}
