/*
 * What files and volumes say about themselves.
 */
#include "fs.h"

typedef union _NAME_BUFFER
{
    FILE_NAME_INFORMATION Name;
    UCHAR Bytes[128];
} NAME_BUFFER;

TEST(NameIsThePathFromTheVolume)
{
    static const WCHAR Path[] = L"\\Names\\leaf";
    HANDLE Handle;
    IO_STATUS_BLOCK IoStatus;
    NAME_BUFFER Buffer;

    FsMakeDirectory(VOLUME L"\\Names");
    FsMake(VOLUME L"\\Names\\leaf", "x");
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\NAMES\\LEAF", FILE_OPEN, 0), STATUS_SUCCESS);
    EXPECT_EQ(ZwQueryInformationFile(Handle, &IoStatus, &Buffer, sizeof Buffer, FileNameInformation),
              STATUS_SUCCESS);
    EXPECT_EQ(Buffer.Name.FileNameLength, sizeof Path - sizeof(WCHAR));
    EXPECT_EQ(RtlCompareMemory(Buffer.Name.FileName, Path, sizeof Path - sizeof(WCHAR)),
              sizeof Path - sizeof(WCHAR));
    EXPECT_EQ(IoStatus.Information, 4 + sizeof Path - sizeof(WCHAR));
    ZwClose(Handle);
}

TEST(NameThatDoesNotFitIsCutAndTellsItsLength)
{
    HANDLE Handle;
    IO_STATUS_BLOCK IoStatus;
    NAME_BUFFER Buffer;

    FsMake(VOLUME L"\\longname", "x");
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\longname", FILE_OPEN, 0), STATUS_SUCCESS);
    RtlFillMemory(&Buffer, sizeof Buffer, 0x55);
    EXPECT_EQ(ZwQueryInformationFile(Handle, &IoStatus, &Buffer, 10, FileNameInformation),
              STATUS_BUFFER_OVERFLOW);
    EXPECT_EQ(Buffer.Name.FileNameLength, 18);
    EXPECT_EQ(Buffer.Name.FileName[0], L'\\');
    EXPECT_EQ(Buffer.Name.FileName[2], L'o');
    EXPECT_EQ(Buffer.Name.FileName[3], 0x5555);
    ZwClose(Handle);
}

TEST(BasicInformationHoldsTimesAndAttributes)
{
    HANDLE Handle;
    IO_STATUS_BLOCK IoStatus;
    FILE_BASIC_INFORMATION Basic;

    FsMake(VOLUME L"\\basic", "x");
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\basic", FILE_OPEN, 0), STATUS_SUCCESS);
    EXPECT_EQ(ZwQueryInformationFile(Handle, &IoStatus, &Basic, sizeof Basic, FileBasicInformation),
              STATUS_SUCCESS);
    EXPECT_EQ(Basic.FileAttributes, FILE_ATTRIBUTE_ARCHIVE);
    EXPECT(Basic.CreationTime.QuadPart != 0);
    RtlZeroMemory(&Basic, sizeof Basic);
    Basic.LastWriteTime.QuadPart = 12345;
    Basic.FileAttributes = FILE_ATTRIBUTE_HIDDEN;
    EXPECT_EQ(ZwSetInformationFile(Handle, &IoStatus, &Basic, sizeof Basic, FileBasicInformation),
              STATUS_SUCCESS);
    EXPECT_EQ(ZwQueryInformationFile(Handle, &IoStatus, &Basic, sizeof Basic, FileBasicInformation),
              STATUS_SUCCESS);
    EXPECT_EQ(Basic.FileAttributes, FILE_ATTRIBUTE_HIDDEN);
    EXPECT_EQ(Basic.LastWriteTime.QuadPart, 12345);
    EXPECT(Basic.CreationTime.QuadPart != 0);
    ZwClose(Handle);
}

TEST(AllInformationAgreesWithItsParts)
{
    union
    {
        FILE_ALL_INFORMATION All;
        UCHAR Bytes[256];
    } Buffer;
    HANDLE Handle;
    IO_STATUS_BLOCK IoStatus;
    FILE_INTERNAL_INFORMATION Internal;

    FsMake(VOLUME L"\\all", "12345");
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\all", FILE_OPEN, 0), STATUS_SUCCESS);
    EXPECT_EQ(ZwQueryInformationFile(Handle, &IoStatus, &Buffer, sizeof Buffer, FileAllInformation),
              STATUS_SUCCESS);
    EXPECT_EQ(ZwQueryInformationFile(Handle, &IoStatus, &Internal, sizeof Internal,
                                     FileInternalInformation),
              STATUS_SUCCESS);
    EXPECT_EQ(Buffer.All.StandardInformation.EndOfFile.QuadPart, 5);
    EXPECT_EQ(Buffer.All.InternalInformation.IndexNumber.QuadPart, Internal.IndexNumber.QuadPart);
    EXPECT_EQ(Buffer.All.NameInformation.FileNameLength, 8);
    ZwClose(Handle);
}

TEST(TooSmallBufferAndUnknownClassAreRefused)
{
    HANDLE Handle;
    IO_STATUS_BLOCK IoStatus;
    FILE_BASIC_INFORMATION Basic;

    FsMake(VOLUME L"\\refused", "x");
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\refused", FILE_OPEN, 0), STATUS_SUCCESS);
    EXPECT_EQ(ZwQueryInformationFile(Handle, &IoStatus, &Basic, 8, FileBasicInformation),
              STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQ(ZwQueryInformationFile(Handle, &IoStatus, &Basic, sizeof Basic,
                                     (FILE_INFORMATION_CLASS)99),
              STATUS_INVALID_PARAMETER);
    ZwClose(Handle);
}

TEST(FileObjectIsQueriedWithoutAHandle)
{
    HANDLE Handle;
    PFILE_OBJECT File;
    FILE_STANDARD_INFORMATION Standard;
    ULONG Returned;

    FsMake(VOLUME L"\\object", "123");
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\object", FILE_OPEN, 0), STATUS_SUCCESS);
    EXPECT_EQ(ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, (PVOID *)&File, NULL),
              STATUS_SUCCESS);
    EXPECT_EQ(IoQueryFileInformation(File, FileStandardInformation, sizeof Standard, &Standard,
                                     &Returned),
              STATUS_SUCCESS);
    EXPECT_EQ(Returned, sizeof Standard);
    EXPECT_EQ(Standard.EndOfFile.QuadPart, 3);
    Standard.EndOfFile.QuadPart = 1;
    EXPECT_EQ(IoSetInformation(File, FileEndOfFileInformation, sizeof(LARGE_INTEGER),
                               &Standard.EndOfFile),
              STATUS_SUCCESS);
    ObDereferenceObject(File);
    ZwClose(Handle);
    EXPECT(FsHolds(VOLUME L"\\object", "1"));
}

TEST(VolumeTellsItsNameSizeAndKind)
{
    union
    {
        FILE_FS_ATTRIBUTE_INFORMATION Attributes;
        FILE_FS_VOLUME_INFORMATION Volume;
        FILE_FS_SIZE_INFORMATION Size;
        FILE_FS_DEVICE_INFORMATION Device;
        UCHAR Bytes[128];
    } Buffer;
    HANDLE Handle;
    IO_STATUS_BLOCK IoStatus;

    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\", FILE_OPEN, FILE_DIRECTORY_FILE), STATUS_SUCCESS);
    EXPECT_EQ(ZwQueryVolumeInformationFile(Handle, &IoStatus, &Buffer, sizeof Buffer,
                                           FileFsAttributeInformation),
              STATUS_SUCCESS);
    EXPECT_EQ(Buffer.Attributes.MaximumComponentNameLength, 255);
    EXPECT_EQ(ZwQueryVolumeInformationFile(Handle, &IoStatus, &Buffer, sizeof Buffer,
                                           FileFsVolumeInformation),
              STATUS_SUCCESS);
    EXPECT(Buffer.Volume.VolumeSerialNumber != 0);
    EXPECT_EQ(ZwQueryVolumeInformationFile(Handle, &IoStatus, &Buffer, sizeof Buffer,
                                           FileFsSizeInformation),
              STATUS_SUCCESS);
    EXPECT_EQ(Buffer.Size.BytesPerSector, 512);
    EXPECT(Buffer.Size.AvailableAllocationUnits.QuadPart <
           Buffer.Size.TotalAllocationUnits.QuadPart);
    EXPECT_EQ(ZwQueryVolumeInformationFile(Handle, &IoStatus, &Buffer, sizeof Buffer,
                                           FileFsDeviceInformation),
              STATUS_SUCCESS);
    EXPECT_EQ(Buffer.Device.DeviceType, FILE_DEVICE_DISK);
    ZwClose(Handle);
}
