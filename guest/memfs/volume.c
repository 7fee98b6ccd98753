/* What the volume says about itself, and its control requests. */
#include "guest/memfs/memfs.h"

static ULONG MemfsUsedSectors(PMEMFS_FCB Fcb)
{
    ULONG Used = (ULONG)(Fcb->Header.AllocationSize.QuadPart / MEMFS_SECTOR);

    for (PLIST_ENTRY Link = Fcb->Children.Flink; Link != &Fcb->Children; Link = Link->Flink)
    {
        Used += MemfsUsedSectors(CONTAINING_RECORD(Link, MEMFS_FCB, Siblings));
    }
    return Used;
}

static NTSTATUS MemfsVolumeName(PMEMFS_VCB Vcb, PFILE_FS_VOLUME_INFORMATION Out, ULONG Length,
                                PULONG_PTR Written)
{
    ULONG Name = Vcb->Vpb->VolumeLabelLength;
    ULONG Room = Length - FIELD_OFFSET(FILE_FS_VOLUME_INFORMATION, VolumeLabel);

    if (Length < sizeof *Out)
    {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    RtlZeroMemory(Out, sizeof *Out);
    Out->VolumeCreationTime = Vcb->Root->CreationTime;
    Out->VolumeSerialNumber = Vcb->Vpb->SerialNumber;
    Out->VolumeLabelLength = Name;
    RtlCopyMemory(Out->VolumeLabel, Vcb->Vpb->VolumeLabel, Name < Room ? Name : Room & ~1u);
    *Written = FIELD_OFFSET(FILE_FS_VOLUME_INFORMATION, VolumeLabel) + (Name < Room ? Name : Room);
    return Name <= Room ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

static NTSTATUS MemfsVolumeSize(PMEMFS_VCB Vcb, FS_INFORMATION_CLASS Class, PVOID Buffer,
                                ULONG Length, PULONG_PTR Written)
{
    PFILE_FS_SIZE_INFORMATION Out = Buffer;
    PFILE_FS_FULL_SIZE_INFORMATION Full = Buffer;
    LONG64 Free = (LONG64)MEMFS_VOLUME_SECTORS - MemfsUsedSectors(Vcb->Root);

    Free = Free < 0 ? 0 : Free;
    *Written = Class == FileFsSizeInformation ? sizeof *Out : sizeof *Full;
    if (Length < *Written)
    {
        *Written = 0;
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    RtlZeroMemory(Buffer, *Written);
    if (Class == FileFsSizeInformation)
    {
        Out->TotalAllocationUnits.QuadPart = MEMFS_VOLUME_SECTORS;
        Out->AvailableAllocationUnits.QuadPart = Free;
        Out->SectorsPerAllocationUnit = 1;
        Out->BytesPerSector = MEMFS_SECTOR;
        return STATUS_SUCCESS;
    }
    Full->TotalAllocationUnits.QuadPart = MEMFS_VOLUME_SECTORS;
    Full->CallerAvailableAllocationUnits.QuadPart = Free;
    Full->ActualAvailableAllocationUnits.QuadPart = Free;
    Full->SectorsPerAllocationUnit = 1;
    Full->BytesPerSector = MEMFS_SECTOR;
    return STATUS_SUCCESS;
}

static NTSTATUS MemfsVolumeAttributes(PFILE_FS_ATTRIBUTE_INFORMATION Out, ULONG Length,
                                      PULONG_PTR Written)
{
    static const WCHAR Name[] = L"MEMFS";
    ULONG Bytes = sizeof Name - sizeof(WCHAR);
    ULONG Room = Length - FIELD_OFFSET(FILE_FS_ATTRIBUTE_INFORMATION, FileSystemName);

    if (Length < sizeof *Out)
    {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    RtlZeroMemory(Out, sizeof *Out);
    Out->FileSystemAttributes = FILE_CASE_PRESERVED_NAMES | FILE_UNICODE_ON_DISK;
    Out->MaximumComponentNameLength = 255;
    Out->FileSystemNameLength = Bytes;
    RtlCopyMemory(Out->FileSystemName, Name, Bytes < Room ? Bytes : Room & ~1u);
    *Written = FIELD_OFFSET(FILE_FS_ATTRIBUTE_INFORMATION, FileSystemName) +
               (Bytes < Room ? Bytes : Room);
    return Bytes <= Room ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

static NTSTATUS MemfsVolumeDevice(PMEMFS_VCB Vcb, PFILE_FS_DEVICE_INFORMATION Out, ULONG Length,
                                  PULONG_PTR Written)
{
    if (Length < sizeof *Out)
    {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    Out->DeviceType = FILE_DEVICE_DISK;
    Out->Characteristics = Vcb->Vpb->RealDevice->Characteristics | FILE_DEVICE_IS_MOUNTED;
    *Written = sizeof *Out;
    return STATUS_SUCCESS;
}

NTSTATUS MemfsQueryVolume(PMEMFS_VCB Vcb, PIRP Irp, PIO_STACK_LOCATION Stack)
{
    FS_INFORMATION_CLASS Class = Stack->Parameters.QueryVolume.FsInformationClass;
    ULONG Length = Stack->Parameters.QueryVolume.Length;
    PVOID Buffer = Irp->AssociatedIrp.SystemBuffer;
    PULONG_PTR Written = &Irp->IoStatus.Information;
    NTSTATUS Status;

    if (Vcb->Dismounted)
    {
        return STATUS_VOLUME_DISMOUNTED;
    }
    ExAcquireResourceSharedLite(&Vcb->Resource, TRUE);
    switch (Class)
    {
    case FileFsVolumeInformation:
        Status = MemfsVolumeName(Vcb, Buffer, Length, Written);
        break;
    case FileFsSizeInformation:
    case FileFsFullSizeInformation:
        Status = MemfsVolumeSize(Vcb, Class, Buffer, Length, Written);
        break;
    case FileFsAttributeInformation:
        Status = MemfsVolumeAttributes(Buffer, Length, Written);
        break;
    case FileFsDeviceInformation:
        Status = MemfsVolumeDevice(Vcb, Buffer, Length, Written);
        break;
    default:
        Status = STATUS_INVALID_PARAMETER;
        break;
    }
    ExReleaseResourceLite(&Vcb->Resource);
    return Status;
}

NTSTATUS MemfsUserControl(PMEMFS_VCB Vcb, PIRP Irp, PIO_STACK_LOCATION Stack)
{
    NTSTATUS Status;

    if (Stack->MinorFunction != IRP_MN_USER_FS_REQUEST && Stack->MinorFunction != IRP_MN_KERNEL_CALL)
    {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    switch (Stack->Parameters.FileSystemControl.FsControlCode)
    {
    case FSCTL_IS_VOLUME_MOUNTED:
        return Vcb->Dismounted ? STATUS_VOLUME_DISMOUNTED : STATUS_SUCCESS;
    case FSCTL_DISMOUNT_VOLUME:
        if (MemfsFcbOf(Stack->FileObject)->Node != MemfsVolumeNode)
        {
            return STATUS_INVALID_PARAMETER;
        }
        ExAcquireResourceExclusiveLite(&Vcb->Resource, TRUE);
        Status = MemfsDismount(Vcb);
        ExReleaseResourceLite(&Vcb->Resource);
        return Status;
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}
