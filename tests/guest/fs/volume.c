/*
 * Volumes as the I/O manager sees them: what a file object points to, what mounts and what does not, dismounting,
 * a filter's device above the volume.
 */
#include "fs.h"

static PFILE_OBJECT FileOf(HANDLE Handle)
{
    PVOID File = NULL;

    EXPECT_EQ(ObReferenceObjectByHandle(Handle, 0, *IoFileObjectType, KernelMode, &File, NULL),
              STATUS_SUCCESS);
    ObDereferenceObject(File); /* the handle keeps it */
    return File;
}

TEST(FileObjectNamesTheDiskAndItsRequestsGoToTheVolume)
{
    HANDLE Handle;
    PFILE_OBJECT File;
    PDEVICE_OBJECT Disk;

    FsMake(VOLUME L"\\pointed", "x");
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\pointed", FILE_OPEN, 0), STATUS_SUCCESS);
    File = FileOf(Handle);
    EXPECT_EQ(File->DeviceObject->DeviceType, FILE_DEVICE_DISK);
    EXPECT_EQ(File->Vpb, File->DeviceObject->Vpb);
    EXPECT(File->Vpb->Flags & VPB_MOUNTED);
    EXPECT_EQ(File->Vpb->RealDevice, File->DeviceObject);
    EXPECT_EQ(IoGetBaseFileSystemDeviceObject(File), File->Vpb->DeviceObject);
    EXPECT_EQ(IoGetRelatedDeviceObject(File), File->Vpb->DeviceObject);
    EXPECT_EQ(File->Vpb->DeviceObject->DeviceType, FILE_DEVICE_DISK_FILE_SYSTEM);
    EXPECT_EQ(IoGetDiskDeviceObject(File->Vpb->DeviceObject, &Disk), STATUS_SUCCESS);
    EXPECT_EQ(Disk, File->DeviceObject);
    ObDereferenceObject(Disk);
    EXPECT(File->FsContext != NULL);
    EXPECT(((PFSRTL_ADVANCED_FCB_HEADER)File->FsContext)->Flags2 &
           FSRTL_FLAG2_SUPPORTS_FILTER_CONTEXTS);
    ZwClose(Handle);
}

TEST(OpenOfTheDiskForItsAttributesDoesNotReachTheVolume)
{
    HANDLE Handle;
    PFILE_OBJECT File;

    EXPECT_EQ(FsOpenAt(&Handle, NULL, VOLUME, FILE_READ_ATTRIBUTES, FS_SHARE_ALL, FILE_OPEN, 0,
                       NULL),
              STATUS_SUCCESS);
    File = FileOf(Handle);
    EXPECT(File->Flags & FO_DIRECT_DEVICE_OPEN);
    EXPECT_EQ(File->Vpb, 0);
    EXPECT_EQ(IoGetRelatedDeviceObject(File), File->DeviceObject);
    ZwClose(Handle);
}

TEST(OpenOfTheDiskForItsDataOpensTheVolume)
{
    HANDLE Handle;
    PFILE_OBJECT File;

    EXPECT_EQ(FsOpenAt(&Handle, NULL, VOLUME, FILE_GENERIC_READ, FS_SHARE_ALL, FILE_OPEN, 0, NULL),
              STATUS_SUCCESS);
    File = FileOf(Handle);
    EXPECT(File->Flags & FO_VOLUME_OPEN);
    EXPECT_EQ(IoGetRelatedDeviceObject(File), File->Vpb->DeviceObject);
    ZwClose(Handle);
}

/* A filter's device above the volume, which counts and passes on. */
static PDEVICE_OBJECT Lower;
static ULONG Seen[IRP_MJ_MAXIMUM_FUNCTION + 1];

static NTSTATUS NTAPI PassOn(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Seen[IoGetCurrentIrpStackLocation(Irp)->MajorFunction]++;
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(Lower, Irp);
}

static PDEVICE_OBJECT AttachAboveVolume(VOID)
{
    PDEVICE_OBJECT Filter;
    PFILE_OBJECT File;
    HANDLE Handle;

    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
    {
        Seen[i] = 0;
        TestDriver->MajorFunction[i] = PassOn;
    }
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\", FILE_OPEN, FILE_DIRECTORY_FILE), STATUS_SUCCESS);
    File = FileOf(Handle);
    EXPECT_EQ(IoCreateDevice(TestDriver, 0, NULL, FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE, &Filter),
              STATUS_SUCCESS);
    EXPECT_EQ(IoAttachDeviceToDeviceStackSafe(Filter, IoGetRelatedDeviceObject(File), &Lower),
              STATUS_SUCCESS);
    Filter->Flags &= ~DO_DEVICE_INITIALIZING;
    ZwClose(Handle);
    return Filter;
}

static VOID DetachFromVolume(PDEVICE_OBJECT Filter)
{
    IoDetachDevice(Lower);
    IoDeleteDevice(Filter);
}

TEST(FilterAboveTheVolumeSeesEveryRequest)
{
    PDEVICE_OBJECT Filter = AttachAboveVolume();

    Seen[IRP_MJ_CLEANUP] = Seen[IRP_MJ_CLOSE] = 0;
    FsMake(VOLUME L"\\filtered", "filtered");
    EXPECT(FsHolds(VOLUME L"\\filtered", "filtered"));
    EXPECT_EQ(Seen[IRP_MJ_CREATE], 2);
    EXPECT_EQ(Seen[IRP_MJ_WRITE], 1);
    EXPECT_EQ(Seen[IRP_MJ_READ], 1);
    EXPECT_EQ(Seen[IRP_MJ_CLEANUP], 2);
    EXPECT_EQ(Seen[IRP_MJ_CLOSE], 2);
    DetachFromVolume(Filter);
}

TEST(DeviceHintGoesAroundTheFilter)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(VOLUME L"\\hinted");
    PDEVICE_OBJECT Filter = AttachAboveVolume();
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    HANDLE Handle;
    CHAR Text[] = "x";
    LARGE_INTEGER Zero = {{0, 0}};

    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    Seen[IRP_MJ_CLEANUP] = Seen[IRP_MJ_CLOSE] = 0;
    EXPECT_EQ(IoCreateFileSpecifyDeviceObjectHint(
                  &Handle, FS_ALL, &Attributes, &IoStatus, NULL, FILE_ATTRIBUTE_NORMAL, FS_SHARE_ALL,
                  FILE_CREATE, FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0, CreateFileTypeNone, NULL, 0,
                  Lower),
              STATUS_SUCCESS);
    EXPECT_EQ(IoGetRelatedDeviceObject(FileOf(Handle)), Lower);
    EXPECT_EQ(ZwWriteFile(Handle, NULL, NULL, NULL, &IoStatus, Text, 1, &Zero, NULL),
              STATUS_SUCCESS);
    ZwClose(Handle);
    EXPECT_EQ(Seen[IRP_MJ_CREATE] + Seen[IRP_MJ_WRITE] + Seen[IRP_MJ_CLEANUP] + Seen[IRP_MJ_CLOSE],
              0);
    EXPECT(FsHolds(VOLUME L"\\hinted", "x"));
    EXPECT_EQ(Seen[IRP_MJ_CREATE], 1);
    DetachFromVolume(Filter);
}

TEST(StreamFileObjectClosesWithoutACreate)
{
    HANDLE Handle;
    PFILE_OBJECT File, Stream;
    PDEVICE_OBJECT Filter = AttachAboveVolume();
    ULONG References;

    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\", FILE_OPEN, FILE_DIRECTORY_FILE), STATUS_SUCCESS);
    File = FileOf(Handle);
    References = File->Vpb->ReferenceCount;
    Seen[IRP_MJ_CREATE] = Seen[IRP_MJ_CLOSE] = Seen[IRP_MJ_CLEANUP] = 0;
    Stream = IoCreateStreamFileObjectLite(File, NULL);
    EXPECT(Stream != NULL);
    EXPECT(Stream->Flags & FO_STREAM_FILE);
    EXPECT_EQ(Stream->Vpb, File->Vpb);
    EXPECT_EQ(File->Vpb->ReferenceCount, References + 1);
    ObDereferenceObject(Stream);
    EXPECT_EQ(Seen[IRP_MJ_CREATE], 0);
    EXPECT_EQ(Seen[IRP_MJ_CLEANUP], 0);
    EXPECT_EQ(Seen[IRP_MJ_CLOSE], 1);
    EXPECT_EQ(File->Vpb->ReferenceCount, References);
    ZwClose(Handle);
    DetachFromVolume(Filter);
}

TEST(DismountedVolumeFailsRequestsAndTheNextOpenMountsAnew)
{
    HANDLE Volume, Old;
    IO_STATUS_BLOCK IoStatus;
    CHAR Byte;
    ULONG_PTR Read;

    FsMake(VOLUME L"\\lost", "x");
    EXPECT_EQ(FsOpen(&Old, VOLUME L"\\lost", FILE_OPEN, 0), STATUS_SUCCESS);
    EXPECT_EQ(FsOpenAt(&Volume, NULL, VOLUME, FILE_GENERIC_READ, FS_SHARE_ALL, FILE_OPEN, 0, NULL),
              STATUS_SUCCESS);
    EXPECT_EQ(ZwFsControlFile(Volume, NULL, NULL, NULL, &IoStatus, FSCTL_IS_VOLUME_MOUNTED, NULL, 0,
                              NULL, 0),
              STATUS_SUCCESS);
    EXPECT_EQ(ZwFsControlFile(Volume, NULL, NULL, NULL, &IoStatus, FSCTL_DISMOUNT_VOLUME, NULL, 0,
                              NULL, 0),
              STATUS_SUCCESS);
    EXPECT_EQ(FsRead(Old, 0, &Byte, 1, &Read), STATUS_VOLUME_DISMOUNTED);
    EXPECT_EQ(FsExists(VOLUME L"\\lost"), STATUS_OBJECT_NAME_NOT_FOUND);
    FsMake(VOLUME L"\\fresh", "fresh");
    EXPECT(FileOf(Old)->Vpb != FileOf(Old)->DeviceObject->Vpb);
    ZwClose(Volume);
    EXPECT_EQ(FsRead(Old, 0, &Byte, 1, &Read), STATUS_VOLUME_DISMOUNTED);
    ZwClose(Old);
    EXPECT(FsHolds(VOLUME L"\\fresh", "fresh"));
}
