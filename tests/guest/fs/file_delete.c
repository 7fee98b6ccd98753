/*
 * Deletion and renaming: when a name goes, when the file does, what stands in the way.
 */
#include "fs.h"

static NTSTATUS SetDelete(HANDLE Handle, BOOLEAN Delete)
{
    FILE_DISPOSITION_INFORMATION Disposition;
    IO_STATUS_BLOCK IoStatus;

    Disposition.DeleteFile = Delete;
    return ZwSetInformationFile(Handle, &IoStatus, &Disposition, sizeof Disposition,
                                FileDispositionInformation);
}

static NTSTATUS Rename(HANDLE Handle, PCWSTR Name, BOOLEAN Replace)
{
    union
    {
        FILE_RENAME_INFORMATION Rename;
        UCHAR Bytes[256];
    } Buffer;
    IO_STATUS_BLOCK IoStatus;
    ULONG Length = 0;

    while (Name[Length] != 0)
    {
        Length++;
    }
    RtlZeroMemory(&Buffer, sizeof Buffer);
    Buffer.Rename.ReplaceIfExists = Replace;
    Buffer.Rename.FileNameLength = Length * sizeof(WCHAR);
    RtlCopyMemory(Buffer.Rename.FileName, Name, Length * sizeof(WCHAR));
    return ZwSetInformationFile(Handle, &IoStatus, &Buffer, sizeof Buffer, FileRenameInformation);
}

TEST(DeletedFileGoesWithItsLastHandle)
{
    HANDLE First, Second;

    FsMake(VOLUME L"\\doomed", "x");
    EXPECT_EQ(FsOpen(&First, VOLUME L"\\doomed", FILE_OPEN, 0), STATUS_SUCCESS);
    EXPECT_EQ(FsOpen(&Second, VOLUME L"\\doomed", FILE_OPEN, 0), STATUS_SUCCESS);
    EXPECT_EQ(SetDelete(First, TRUE), STATUS_SUCCESS);
    EXPECT_EQ(FsExists(VOLUME L"\\doomed"), STATUS_DELETE_PENDING);
    ZwClose(First);
    EXPECT_EQ(FsExists(VOLUME L"\\doomed"), STATUS_DELETE_PENDING);
    ZwClose(Second);
    EXPECT_EQ(FsExists(VOLUME L"\\doomed"), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST(DeletionCanBeTakenBack)
{
    HANDLE Handle;

    FsMake(VOLUME L"\\spared", "x");
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\spared", FILE_OPEN, 0), STATUS_SUCCESS);
    EXPECT_EQ(SetDelete(Handle, TRUE), STATUS_SUCCESS);
    EXPECT_EQ(SetDelete(Handle, FALSE), STATUS_SUCCESS);
    ZwClose(Handle);
    EXPECT_EQ(FsExists(VOLUME L"\\spared"), STATUS_SUCCESS);
}

TEST(DeleteOnCloseBecomesPendingWhenItsHandleIsClosed)
{
    HANDLE First, Second;

    FsMake(VOLUME L"\\closing", "x");
    EXPECT_EQ(FsOpen(&First, VOLUME L"\\closing", FILE_OPEN, FILE_DELETE_ON_CLOSE), STATUS_SUCCESS);
    EXPECT_EQ(FsOpen(&Second, VOLUME L"\\closing", FILE_OPEN, 0), STATUS_SUCCESS);
    ZwClose(First);
    EXPECT_EQ(FsExists(VOLUME L"\\closing"), STATUS_DELETE_PENDING);
    ZwClose(Second);
    EXPECT_EQ(FsExists(VOLUME L"\\closing"), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST(NameIsFreeOnceTheHandleIsClosedEvenIfTheFileObjectIsNot)
{
    HANDLE Handle;
    PFILE_OBJECT File;

    FsMake(VOLUME L"\\held", "old");
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\held", FILE_OPEN, 0), STATUS_SUCCESS);
    EXPECT_EQ(ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, (PVOID *)&File, NULL),
              STATUS_SUCCESS);
    EXPECT_EQ(SetDelete(Handle, TRUE), STATUS_SUCCESS);
    ZwClose(Handle);
    FsMake(VOLUME L"\\held", "new");
    ObDereferenceObject(File);
    EXPECT(FsHolds(VOLUME L"\\held", "new"));
}

TEST(FullDirectoryIsNotDeleted)
{
    HANDLE Handle;
    UNICODE_STRING Name = RTL_CONSTANT_STRING(VOLUME L"\\full\\leaf");
    OBJECT_ATTRIBUTES Attributes;

    FsMakeDirectory(VOLUME L"\\full");
    FsMake(VOLUME L"\\full\\leaf", "x");
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\full", FILE_OPEN, FILE_DIRECTORY_FILE), STATUS_SUCCESS);
    EXPECT_EQ(SetDelete(Handle, TRUE), STATUS_DIRECTORY_NOT_EMPTY);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT_EQ(ZwDeleteFile(&Attributes), STATUS_SUCCESS);
    EXPECT_EQ(SetDelete(Handle, TRUE), STATUS_SUCCESS);
    ZwClose(Handle);
    EXPECT_EQ(FsExists(VOLUME L"\\full"), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST(DirectoryToBeDeletedTakesNoNewFiles)
{
    HANDLE Handle, Inner;

    FsMakeDirectory(VOLUME L"\\ending");
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\ending", FILE_OPEN, FILE_DIRECTORY_FILE), STATUS_SUCCESS);
    EXPECT_EQ(SetDelete(Handle, TRUE), STATUS_SUCCESS);
    EXPECT_EQ(FsOpen(&Inner, VOLUME L"\\ending\\new", FILE_CREATE, 0), STATUS_DELETE_PENDING);
    ZwClose(Handle);
}

TEST(RootIsNotDeleted)
{
    HANDLE Handle;

    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\", FILE_OPEN, FILE_DIRECTORY_FILE), STATUS_SUCCESS);
    EXPECT_EQ(SetDelete(Handle, TRUE), STATUS_CANNOT_DELETE);
    ZwClose(Handle);
}

TEST(RenameKeepsTheContent)
{
    HANDLE Handle;

    FsMake(VOLUME L"\\before", "content");
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\before", FILE_OPEN, 0), STATUS_SUCCESS);
    EXPECT_EQ(Rename(Handle, L"after", FALSE), STATUS_SUCCESS);
    ZwClose(Handle);
    EXPECT_EQ(FsExists(VOLUME L"\\before"), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT(FsHolds(VOLUME L"\\after", "content"));
}

TEST(RenameMovesToTheFolderOfAWholeName)
{
    HANDLE Handle;

    FsMakeDirectory(VOLUME L"\\target");
    FsMake(VOLUME L"\\mover", "content");
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\mover", FILE_OPEN, 0), STATUS_SUCCESS);
    EXPECT_EQ(Rename(Handle, VOLUME L"\\target\\moved", FALSE), STATUS_SUCCESS);
    ZwClose(Handle);
    EXPECT(FsHolds(VOLUME L"\\target\\moved", "content"));
    EXPECT_EQ(FsExists(VOLUME L"\\mover"), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST(RenameOntoAFileNeedsToBeAskedFor)
{
    HANDLE Handle;

    FsMake(VOLUME L"\\first", "first");
    FsMake(VOLUME L"\\second", "second");
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\first", FILE_OPEN, 0), STATUS_SUCCESS);
    EXPECT_EQ(Rename(Handle, L"second", FALSE), STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQ(Rename(Handle, L"second", TRUE), STATUS_SUCCESS);
    ZwClose(Handle);
    EXPECT(FsHolds(VOLUME L"\\second", "first"));
}

TEST(OpenFileIsNotReplaced)
{
    HANDLE Handle, Other;

    FsMake(VOLUME L"\\mine", "mine");
    FsMake(VOLUME L"\\theirs", "theirs");
    EXPECT_EQ(FsOpen(&Other, VOLUME L"\\theirs", FILE_OPEN, 0), STATUS_SUCCESS);
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\mine", FILE_OPEN, 0), STATUS_SUCCESS);
    EXPECT_EQ(Rename(Handle, L"theirs", TRUE), STATUS_ACCESS_DENIED);
    ZwClose(Handle);
    ZwClose(Other);
    EXPECT(FsHolds(VOLUME L"\\theirs", "theirs"));
}

TEST(DirectoryDoesNotMoveIntoItself)
{
    HANDLE Handle;

    FsMakeDirectory(VOLUME L"\\outer");
    FsMakeDirectory(VOLUME L"\\outer\\inner");
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\outer", FILE_OPEN, FILE_DIRECTORY_FILE), STATUS_SUCCESS);
    EXPECT_EQ(Rename(Handle, VOLUME L"\\outer\\inner\\outer", FALSE), STATUS_ACCESS_DENIED);
    ZwClose(Handle);
}
