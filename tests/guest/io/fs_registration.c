/*
 * Who is told when file systems come and go.
 */
#include "../test.h"

static PDEVICE_OBJECT Told[8];
static BOOLEAN Active[8];
static ULONG Count;

static VOID NTAPI Notify(PDEVICE_OBJECT DeviceObject, BOOLEAN FsActive)
{
    if (Count < 8)
    {
        Told[Count] = DeviceObject;
        Active[Count] = FsActive;
        Count++;
    }
}

static PDEVICE_OBJECT MakeFileSystem(VOID)
{
    PDEVICE_OBJECT Device;

    EXPECT_EQ(IoCreateDevice(TestDriver, 0, NULL, FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE, &Device),
              STATUS_SUCCESS);
    return Device;
}

TEST(RegistrationOfAFileSystemIsTold)
{
    PDEVICE_OBJECT Device = MakeFileSystem();

    Count = 0;
    EXPECT_EQ(IoRegisterFsRegistrationChange(TestDriver, Notify), STATUS_SUCCESS);
    EXPECT_EQ(Count, 0);
    IoRegisterFileSystem(Device);
    EXPECT_EQ(Count, 1);
    EXPECT_EQ(Told[0], Device);
    EXPECT_EQ(Active[0], TRUE);
    EXPECT_EQ(Device->Flags & DO_DEVICE_INITIALIZING, 0);
    IoUnregisterFileSystem(Device);
    EXPECT_EQ(Count, 2);
    EXPECT_EQ(Told[1], Device);
    EXPECT_EQ(Active[1], FALSE);
    IoUnregisterFsRegistrationChange(TestDriver, Notify);
    IoDeleteDevice(Device);
}

TEST(NewcomerIsToldOfFileSystemsThatExist)
{
    PDEVICE_OBJECT First = MakeFileSystem(), Second = MakeFileSystem();

    Count = 0;
    IoRegisterFileSystem(First);
    IoRegisterFileSystem(Second);
    EXPECT_EQ(IoRegisterFsRegistrationChange(TestDriver, Notify), STATUS_SUCCESS);
    EXPECT_EQ(Count, 2);
    EXPECT(Active[0] && Active[1]);
    EXPECT((Told[0] == First && Told[1] == Second) || (Told[0] == Second && Told[1] == First));
    IoUnregisterFsRegistrationChange(TestDriver, Notify);
    IoUnregisterFileSystem(First);
    IoUnregisterFileSystem(Second);
    EXPECT_EQ(Count, 2);
    IoDeleteDevice(First);
    IoDeleteDevice(Second);
}

TEST(UnregisteredRoutineIsNotTold)
{
    PDEVICE_OBJECT Device = MakeFileSystem();

    Count = 0;
    EXPECT_EQ(IoRegisterFsRegistrationChange(TestDriver, Notify), STATUS_SUCCESS);
    IoUnregisterFsRegistrationChange(TestDriver, Notify);
    IoRegisterFileSystem(Device);
    IoUnregisterFileSystem(Device);
    EXPECT_EQ(Count, 0);
    IoDeleteDevice(Device);
}

/* A file system of this driver's for a disk of its own: what mounting asks, in which order. */
static ULONG Mounts;
static NTSTATUS MountStatus;
static PDEVICE_OBJECT MountedBy;

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status = STATUS_SUCCESS;

    if (Stack->MajorFunction == IRP_MJ_FILE_SYSTEM_CONTROL &&
        Stack->MinorFunction == IRP_MN_MOUNT_VOLUME)
    {
        Mounts++;
        MountedBy = DeviceObject;
        Status = MountStatus;
        if (NT_SUCCESS(Status))
        {
            Stack->Parameters.MountVolume.Vpb->DeviceObject = DeviceObject;
        }
    }
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS OpenDisk(PCWSTR Path)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    HANDLE Handle;
    NTSTATUS Status;

    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    Status = ZwOpenFile(&Handle, FILE_GENERIC_READ, &Attributes, &IoStatus, FILE_SHARE_READ,
                        FILE_SYNCHRONOUS_IO_NONALERT);
    if (NT_SUCCESS(Status))
    {
        ZwClose(Handle);
    }
    return Status;
}

TEST(NewestFileSystemIsAskedFirstAndTheNextOneIfItDeclines)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\RundownTestDisk");
    PDEVICE_OBJECT Disk, First = MakeFileSystem(), Second = MakeFileSystem();

    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
    {
        TestDriver->MajorFunction[i] = Dispatch;
    }
    EXPECT_EQ(IoCreateDevice(TestDriver, 0, &Name, FILE_DEVICE_DISK, 0, FALSE, &Disk),
              STATUS_SUCCESS);
    EXPECT(Disk->Vpb != NULL);
    EXPECT_EQ(Disk->Vpb->RealDevice, Disk);
    Disk->Flags &= ~DO_DEVICE_INITIALIZING;
    EXPECT_EQ(OpenDisk(L"\\Device\\RundownTestDisk\\file"), STATUS_UNRECOGNIZED_VOLUME);
    IoRegisterFileSystem(First);
    IoRegisterFileSystem(Second);
    Mounts = 0;
    MountStatus = STATUS_UNRECOGNIZED_VOLUME;
    EXPECT_EQ(OpenDisk(L"\\Device\\RundownTestDisk\\file"), STATUS_UNRECOGNIZED_VOLUME);
    EXPECT_EQ(Mounts, 2);
    EXPECT_EQ(MountedBy, First);
    EXPECT_EQ(Disk->Vpb->Flags & VPB_MOUNTED, 0);
    Mounts = 0;
    MountStatus = STATUS_SUCCESS;
    EXPECT_EQ(OpenDisk(L"\\Device\\RundownTestDisk\\file"), STATUS_SUCCESS);
    EXPECT_EQ(Mounts, 1);
    EXPECT_EQ(MountedBy, Second);
    EXPECT(Disk->Vpb->Flags & VPB_MOUNTED);
    EXPECT_EQ(Disk->Vpb->ReferenceCount, 0);
    EXPECT_EQ(OpenDisk(L"\\Device\\RundownTestDisk\\file"), STATUS_SUCCESS);
    EXPECT_EQ(Mounts, 1);
    IoUnregisterFileSystem(First);
    IoUnregisterFileSystem(Second);
    IoDeleteDevice(Disk);
    IoDeleteDevice(First);
    IoDeleteDevice(Second);
}
