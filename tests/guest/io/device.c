/*
 * Device objects: creation, names, attachment, deletion.
 */
#include "../stack.h"

TEST(NewDeviceIsInitializing)
{
    PDEVICE_OBJECT Device;

    EXPECT_EQ(IoCreateDevice(TestDriver, 64, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device),
              STATUS_SUCCESS);
    EXPECT(Device->Flags & DO_DEVICE_INITIALIZING);
    EXPECT_EQ(Device->Type, IO_TYPE_DEVICE);
    EXPECT_EQ(Device->StackSize, 1);
    EXPECT_EQ(Device->ReferenceCount, 0);
    EXPECT_EQ(Device->DriverObject, TestDriver);
    EXPECT_EQ(Device->DeviceType, FILE_DEVICE_UNKNOWN);
    EXPECT_EQ(Device->AttachedDevice, 0);
    IoDeleteDevice(Device);
}

TEST(ExtensionIsZeroedAndWritable)
{
    PDEVICE_OBJECT Device;
    PUCHAR Extension;
    ULONG Index, Sum = 0;

    IoCreateDevice(TestDriver, 64, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    Extension = Device->DeviceExtension;
    EXPECT(Extension != NULL);
    for (Index = 0; Index < 64; Index++)
    {
        Sum += Extension[Index];
        Extension[Index] = 1;
    }
    EXPECT_EQ(Sum, 0);
    IoDeleteDevice(Device);
}

TEST(NewDeviceIsFirstInTheDriversList)
{
    PDEVICE_OBJECT First, Second;

    IoCreateDevice(TestDriver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &First);
    IoCreateDevice(TestDriver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Second);
    EXPECT_EQ(TestDriver->DeviceObject, Second);
    EXPECT_EQ(Second->NextDevice, First);
    IoDeleteDevice(Second);
    EXPECT_EQ(TestDriver->DeviceObject, First);
    IoDeleteDevice(First);
    EXPECT_EQ(TestDriver->DeviceObject, 0);
}

TEST(NamesAreUnique)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT First, Second;

    RtlInitUnicodeString(&Name, L"\\Device\\RundownTestUnique");
    EXPECT_EQ(IoCreateDevice(TestDriver, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &First),
              STATUS_SUCCESS);
    EXPECT_EQ(IoCreateDevice(TestDriver, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Second),
              STATUS_OBJECT_NAME_COLLISION);
    IoDeleteDevice(First);
    EXPECT_EQ(IoCreateDevice(TestDriver, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &First),
              STATUS_SUCCESS);
    IoDeleteDevice(First);
}

TEST(AttachingLinksTheDevicesAndCountsLocations)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    PDEVICE_OBJECT Top = TestPush(Bottom, LayerSkip);

    EXPECT_EQ(Bottom->AttachedDevice, Top);
    EXPECT_EQ(Top->StackSize, 2);
    EXPECT_EQ(Top->AttachedDevice, 0);
    IoDetachDevice(Bottom);
    EXPECT_EQ(Bottom->AttachedDevice, 0);
    IoDeleteDevice(Top);
    TestPop(Bottom);
}

TEST(AttachingGoesOnTopOfWhateverIsAttached)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    PDEVICE_OBJECT Middle = TestPush(Bottom, LayerSkip);
    PDEVICE_OBJECT Top;

    IoCreateDevice(TestDriver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Top);
    EXPECT_EQ(IoAttachDeviceToDeviceStack(Top, Bottom), Middle);
    EXPECT_EQ(Top->StackSize, 3);
    EXPECT_EQ(Middle->AttachedDevice, Top);
    IoDetachDevice(Middle);
    IoDeleteDevice(Top);
    TestPop(Middle);
    TestPop(Bottom);
}

TEST(AttachedReferenceIsTheTopOfTheStack)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    PDEVICE_OBJECT Top = TestPush(Bottom, LayerSkip);
    PDEVICE_OBJECT Found = IoGetAttachedDeviceReference(Bottom);

    EXPECT_EQ(Found, Top);
    ObDereferenceObject(Found);
    TestPop(Top);
    TestPop(Bottom);
}

TEST(DeletedDeviceLivesOnUntilItsLastReference)
{
    PDEVICE_OBJECT Device;

    IoCreateDevice(TestDriver, 16, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    ObReferenceObject(Device);
    IoDeleteDevice(Device);
    EXPECT_EQ(Device->Type, IO_TYPE_DEVICE);
    *(PUCHAR)Device->DeviceExtension = 7;
    ObDereferenceObject(Device);
}

TEST(DeviceIsFoundByItsNameAndByALink)
{
    UNICODE_STRING Name, Link;
    PDEVICE_OBJECT Device, Found;
    PFILE_OBJECT File;

    RtlInitUnicodeString(&Name, L"\\Device\\RundownTestNamed");
    RtlInitUnicodeString(&Link, L"\\DosDevices\\RundownTestLink");
    Device = TestPush(NULL, LayerComplete);
    TestPop(Device);
    EXPECT_EQ(IoCreateDevice(TestDriver, sizeof(TEST_LAYER), &Name, FILE_DEVICE_UNKNOWN, 0, FALSE,
                             &Device),
              STATUS_SUCCESS);
    TestLayer(Device)->Behaviour = LayerComplete;
    Device->Flags &= ~DO_DEVICE_INITIALIZING;
    EXPECT_EQ(IoCreateSymbolicLink(&Link, &Name), STATUS_SUCCESS);
    EXPECT_EQ(IoGetDeviceObjectPointer(&Link, FILE_READ_DATA, &File, &Found), STATUS_SUCCESS);
    EXPECT_EQ(Found, Device);
    EXPECT_EQ(File->DeviceObject, Device);
    ObDereferenceObject(File);
    EXPECT_EQ(IoDeleteSymbolicLink(&Link), STATUS_SUCCESS);
    EXPECT(!NT_SUCCESS(IoGetDeviceObjectPointer(&Link, FILE_READ_DATA, &File, &Found)));
    IoDeleteDevice(Device);
}

TEST(OpeningAnInitializingDeviceFails)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device, Found;
    PFILE_OBJECT File;

    RtlInitUnicodeString(&Name, L"\\Device\\RundownTestInitializing");
    IoCreateDevice(TestDriver, sizeof(TEST_LAYER), &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    TestLayer(Device)->Behaviour = LayerComplete;
    EXPECT_EQ(IoGetDeviceObjectPointer(&Name, FILE_READ_DATA, &File, &Found), STATUS_NO_SUCH_DEVICE);
    IoDeleteDevice(Device);
}

TEST(AttachingToAnInitializingDeviceFails)
{
    PDEVICE_OBJECT Bottom, Top;

    IoCreateDevice(TestDriver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Bottom);
    IoCreateDevice(TestDriver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Top);
    EXPECT_EQ(IoAttachDeviceToDeviceStack(Top, Bottom), 0);
    IoDeleteDevice(Top);
    IoDeleteDevice(Bottom);
}

TEST(DeletedDeviceLivesOnUntilTheDeviceAboveIsDetached)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    PDEVICE_OBJECT Top = TestPush(Bottom, LayerSkip);

    IoDeleteDevice(Bottom);
    EXPECT_EQ(Bottom->Type, IO_TYPE_DEVICE);
    EXPECT_EQ(Bottom->AttachedDevice, Top);
    IoDetachDevice(Bottom);
    IoDeleteDevice(Top);
    EXPECT_EQ(TestDriver->DeviceObject, 0);
}

TEST(DeletedDeviceLivesOnUntilItsLastFileIsClosed)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device, Found;
    PFILE_OBJECT File;

    RtlInitUnicodeString(&Name, L"\\Device\\RundownTestOpen");
    IoCreateDevice(TestDriver, sizeof(TEST_LAYER), &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    TestLayer(Device)->Behaviour = LayerComplete;
    Device->Flags &= ~DO_DEVICE_INITIALIZING;
    EXPECT_EQ(IoGetDeviceObjectPointer(&Name, FILE_READ_DATA, &File, &Found), STATUS_SUCCESS);
    IoDeleteDevice(Device);
    EXPECT_EQ(File->DeviceObject, Device);
    EXPECT_EQ(Device->Type, IO_TYPE_DEVICE);
    EXPECT_EQ(TestDriver->DeviceObject, Device);
    ObDereferenceObject(File);
    EXPECT_EQ(TestDriver->DeviceObject, 0);
}
