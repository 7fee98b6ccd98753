/*
 * Deleting a device that is still in use: it stays until the last file on it is closed and nothing
 * is attached above.
 */
#include "../stack.h"

/* Its place in the driver's list shows whether a device has been deleted. */
static BOOLEAN IsListed(PDEVICE_OBJECT Device)
{
    PDEVICE_OBJECT Entry;

    for (Entry = TestDriver->DeviceObject; Entry != NULL; Entry = Entry->NextDevice)
    {
        if (Entry == Device)
        {
            return TRUE;
        }
    }
    return FALSE;
}

TEST(DeviceIsDeletedWhenTheOneAboveIsDetached)
{
    PDEVICE_OBJECT Bottom = TestPush(NULL, LayerComplete);
    PDEVICE_OBJECT Top = TestPush(Bottom, LayerSkip);

    IoDeleteDevice(Bottom);
    EXPECT(IsListed(Bottom));
    if (IsListed(Bottom))
    {
        IoDetachDevice(Bottom);
    }
    EXPECT(!IsListed(Bottom));
    IoDeleteDevice(Top);
}

TEST(DeviceIsDeletedWhenTheLastFileIsClosed)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\RundownTestDeletePending");
    PDEVICE_OBJECT Device, Found;
    PFILE_OBJECT File;

    TestPop(TestPush(NULL, LayerComplete)); /* for the dispatch routines */
    EXPECT_EQ(IoCreateDevice(TestDriver, sizeof(TEST_LAYER), &Name, FILE_DEVICE_UNKNOWN, 0, FALSE,
                             &Device),
              STATUS_SUCCESS);
    RtlZeroMemory(TestLayer(Device), sizeof(TEST_LAYER));
    TestLayer(Device)->Behaviour = LayerComplete;
    Device->Flags &= ~DO_DEVICE_INITIALIZING;
    EXPECT_EQ(IoGetDeviceObjectPointer(&Name, FILE_READ_DATA, &File, &Found), STATUS_SUCCESS);
    IoDeleteDevice(Device);
    EXPECT(IsListed(Device));
    ObDereferenceObject(File);
    EXPECT(!IsListed(Device));
}
