/*
 * Opening files on a volume: which disposition does what, paths, options, share access.
 */
#include "fs.h"

static NTSTATUS Try(PCWSTR Path, ULONG Disposition, ULONG Options)
{
    HANDLE Handle;
    NTSTATUS Status = FsOpen(&Handle, Path, Disposition, Options);

    if (NT_SUCCESS(Status))
    {
        ZwClose(Handle);
    }
    return Status;
}

static ULONG_PTR Action(PCWSTR Path, ULONG Disposition)
{
    HANDLE Handle;
    ULONG_PTR Information;

    EXPECT_EQ(FsOpenAt(&Handle, NULL, Path, FS_ALL, FS_SHARE_ALL, Disposition, 0, &Information),
              STATUS_SUCCESS);
    ZwClose(Handle);
    return Information;
}

TEST(RootOfTheVolumeIsADirectory)
{
    EXPECT_EQ(Try(VOLUME L"\\", FILE_OPEN, FILE_DIRECTORY_FILE), STATUS_SUCCESS);
    EXPECT_EQ(Try(VOLUME L"\\", FILE_OPEN, FILE_NON_DIRECTORY_FILE), STATUS_FILE_IS_A_DIRECTORY);
}

TEST(MissingFileIsNameNotFoundAndMissingFolderIsPathNotFound)
{
    EXPECT_EQ(Try(VOLUME L"\\absent", FILE_OPEN, 0), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(Try(VOLUME L"\\absent", FILE_OVERWRITE, 0), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(Try(VOLUME L"\\absent\\file", FILE_OPEN_IF, 0), STATUS_OBJECT_PATH_NOT_FOUND);
}

TEST(FileInsideAFileIsPathNotFound)
{
    FsMake(VOLUME L"\\plain", "x");
    EXPECT_EQ(Try(VOLUME L"\\plain\\inner", FILE_OPEN, 0), STATUS_OBJECT_PATH_NOT_FOUND);
}

TEST(NamesCompareWithoutCaseAndKeepTheirCase)
{
    FsMake(VOLUME L"\\MixedCase", "x");
    EXPECT_EQ(Try(VOLUME L"\\MIXEDCASE", FILE_CREATE, 0), STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQ(Try(VOLUME L"\\mixedcase", FILE_OPEN, 0), STATUS_SUCCESS);
}

TEST(WildCardsAreNoNames)
{
    EXPECT_EQ(Try(VOLUME L"\\a*b", FILE_OPEN_IF, 0), STATUS_OBJECT_NAME_INVALID);
    EXPECT_EQ(Try(VOLUME L"\\a?b", FILE_OPEN, 0), STATUS_OBJECT_NAME_INVALID);
}

TEST(DispositionDecidesAndInformationSaysWhatWasDone)
{
    EXPECT_EQ(Action(VOLUME L"\\acted", FILE_OPEN_IF), FILE_CREATED);
    EXPECT_EQ(Action(VOLUME L"\\acted", FILE_OPEN_IF), FILE_OPENED);
    EXPECT_EQ(Action(VOLUME L"\\acted", FILE_OPEN), FILE_OPENED);
    EXPECT_EQ(Action(VOLUME L"\\acted", FILE_OVERWRITE), FILE_OVERWRITTEN);
    EXPECT_EQ(Action(VOLUME L"\\acted", FILE_OVERWRITE_IF), FILE_OVERWRITTEN);
    EXPECT_EQ(Action(VOLUME L"\\acted", FILE_SUPERSEDE), FILE_SUPERSEDED);
    EXPECT_EQ(Try(VOLUME L"\\acted", FILE_CREATE, 0), STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQ(Action(VOLUME L"\\created1", FILE_CREATE), FILE_CREATED);
    EXPECT_EQ(Action(VOLUME L"\\created2", FILE_OVERWRITE_IF), FILE_CREATED);
    EXPECT_EQ(Action(VOLUME L"\\created3", FILE_SUPERSEDE), FILE_CREATED);
}

TEST(OverwritingEmptiesTheFile)
{
    FsMake(VOLUME L"\\emptied", "text");
    EXPECT(FsHolds(VOLUME L"\\emptied", "text"));
    EXPECT_EQ(Action(VOLUME L"\\emptied", FILE_OVERWRITE), FILE_OVERWRITTEN);
    EXPECT(FsHolds(VOLUME L"\\emptied", ""));
}

TEST(DirectoryAndFileOptionsAreChecked)
{
    FsMakeDirectory(VOLUME L"\\folder");
    FsMake(VOLUME L"\\folder\\leaf", "x");
    EXPECT_EQ(Try(VOLUME L"\\folder", FILE_OPEN, FILE_NON_DIRECTORY_FILE),
              STATUS_FILE_IS_A_DIRECTORY);
    EXPECT_EQ(Try(VOLUME L"\\folder\\leaf", FILE_OPEN, FILE_DIRECTORY_FILE),
              STATUS_NOT_A_DIRECTORY);
    EXPECT_EQ(Try(VOLUME L"\\folder\\", FILE_OPEN, 0), STATUS_SUCCESS);
    EXPECT_EQ(Try(VOLUME L"\\folder\\leaf\\", FILE_OPEN, 0), STATUS_OBJECT_NAME_INVALID);
    EXPECT_EQ(Try(VOLUME L"\\folder", FILE_OPEN, FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE),
              STATUS_INVALID_PARAMETER);
}

TEST(DeleteOnCloseNeedsDeleteAccess)
{
    HANDLE Handle;

    EXPECT_EQ(FsOpenAt(&Handle, NULL, VOLUME L"\\undeletable", FILE_GENERIC_READ, FS_SHARE_ALL,
                       FILE_OPEN_IF, FILE_DELETE_ON_CLOSE, NULL),
              STATUS_INVALID_PARAMETER);
}

TEST(RelativeOpenStartsAtItsRoot)
{
    HANDLE Folder, Handle;

    FsMakeDirectory(VOLUME L"\\base");
    FsMake(VOLUME L"\\base\\inside", "inside");
    EXPECT_EQ(FsOpen(&Folder, VOLUME L"\\base", FILE_OPEN, FILE_DIRECTORY_FILE), STATUS_SUCCESS);
    EXPECT_EQ(FsOpenAt(&Handle, Folder, L"inside", FS_ALL, FS_SHARE_ALL, FILE_OPEN, 0, NULL),
              STATUS_SUCCESS);
    ZwClose(Handle);
    EXPECT_EQ(FsOpenAt(&Handle, Folder, L"absent", FS_ALL, FS_SHARE_ALL, FILE_OPEN, 0, NULL),
              STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(FsOpenAt(&Handle, Folder, L"\\inside", FS_ALL, FS_SHARE_ALL, FILE_OPEN, 0, NULL),
              STATUS_INVALID_PARAMETER);
    EXPECT_EQ(FsOpenAt(&Handle, Folder, L"", FS_ALL, FS_SHARE_ALL, FILE_OPEN, 0, NULL),
              STATUS_SUCCESS);
    ZwClose(Handle);
    ZwClose(Folder);
}

TEST(ShareAccessOfTheFirstOpenBindsTheSecond)
{
    HANDLE First, Second;

    FsMake(VOLUME L"\\shared", "x");
    EXPECT_EQ(FsOpenAt(&First, NULL, VOLUME L"\\shared", FILE_GENERIC_READ, FILE_SHARE_READ,
                       FILE_OPEN, 0, NULL),
              STATUS_SUCCESS);
    EXPECT_EQ(FsOpenAt(&Second, NULL, VOLUME L"\\shared", FILE_GENERIC_WRITE, FS_SHARE_ALL,
                       FILE_OPEN, 0, NULL),
              STATUS_SHARING_VIOLATION);
    EXPECT_EQ(FsOpenAt(&Second, NULL, VOLUME L"\\shared", FILE_GENERIC_READ, FILE_SHARE_WRITE,
                       FILE_OPEN, 0, NULL),
              STATUS_SHARING_VIOLATION);
    EXPECT_EQ(FsOpenAt(&Second, NULL, VOLUME L"\\shared", FILE_GENERIC_READ, FILE_SHARE_READ,
                       FILE_OPEN, 0, NULL),
              STATUS_SUCCESS);
    ZwClose(Second);
    ZwClose(First);
    EXPECT_EQ(FsOpenAt(&Second, NULL, VOLUME L"\\shared", FILE_GENERIC_WRITE, 0, FILE_OPEN, 0, NULL),
              STATUS_SUCCESS);
    ZwClose(Second);
}

TEST(OverwritingIsWritingToTheShareCheck)
{
    HANDLE First, Second;

    FsMake(VOLUME L"\\guarded", "x");
    EXPECT_EQ(FsOpenAt(&First, NULL, VOLUME L"\\guarded", FILE_GENERIC_READ, FILE_SHARE_READ,
                       FILE_OPEN, 0, NULL),
              STATUS_SUCCESS);
    EXPECT_EQ(FsOpenAt(&Second, NULL, VOLUME L"\\guarded", FILE_GENERIC_READ, FILE_SHARE_READ,
                       FILE_OVERWRITE, 0, NULL),
              STATUS_SHARING_VIOLATION);
    ZwClose(First);
    EXPECT(FsHolds(VOLUME L"\\guarded", "x"));
}

TEST(ReadOnlyFileIsNotOpenedForWriting)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(VOLUME L"\\fixed");
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    HANDLE Handle;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT_EQ(ZwCreateFile(&Handle, FS_ALL, &Attributes, &IoStatus, NULL, FILE_ATTRIBUTE_READONLY,
                           FS_SHARE_ALL, FILE_CREATE, FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0),
              STATUS_SUCCESS);
    ZwClose(Handle);
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\fixed", FILE_OPEN, 0), STATUS_ACCESS_DENIED);
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\fixed", FILE_OVERWRITE, 0), STATUS_ACCESS_DENIED);
    EXPECT_EQ(FsExists(VOLUME L"\\fixed"), STATUS_SUCCESS);
}

TEST(DirectoryIsNotOverwritten)
{
    FsMakeDirectory(VOLUME L"\\kept");
    EXPECT_EQ(Try(VOLUME L"\\kept", FILE_OVERWRITE_IF, 0), STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQ(Try(VOLUME L"\\kept", FILE_CREATE, FILE_DIRECTORY_FILE), STATUS_OBJECT_NAME_COLLISION);
}
