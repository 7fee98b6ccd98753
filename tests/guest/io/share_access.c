/*
 * Share access: the counts that IoSetShareAccess and its like keep for a file system.
 */
#include "../test.h"

static VOID InitializeFile(PFILE_OBJECT File)
{
    RtlZeroMemory(File, sizeof *File);
    File->Type = IO_TYPE_FILE;
    File->Size = sizeof *File;
}

TEST(FirstOpenSetsTheCounts)
{
    SHARE_ACCESS Share;
    FILE_OBJECT File;

    InitializeFile(&File);
    RtlFillMemory(&Share, sizeof Share, 0x55);
    IoSetShareAccess(FILE_READ_DATA | DELETE, FILE_SHARE_READ, &File, &Share);
    EXPECT_EQ(Share.OpenCount, 1);
    EXPECT_EQ(Share.Readers, 1);
    EXPECT_EQ(Share.Writers, 0);
    EXPECT_EQ(Share.Deleters, 1);
    EXPECT_EQ(Share.SharedRead, 1);
    EXPECT_EQ(Share.SharedWrite, 0);
    EXPECT(File.ReadAccess && File.DeleteAccess && !File.WriteAccess && File.SharedRead);
}

TEST(OpenForAttributesIsNotCounted)
{
    SHARE_ACCESS Share;
    FILE_OBJECT File;

    InitializeFile(&File);
    IoSetShareAccess(FILE_READ_ATTRIBUTES, 0, &File, &Share);
    EXPECT_EQ(Share.OpenCount, 0);
    EXPECT_EQ(IoCheckShareAccess(FILE_READ_ATTRIBUTES, 0, &File, &Share, TRUE), STATUS_SUCCESS);
    EXPECT_EQ(Share.OpenCount, 0);
}

TEST(BothSidesMustAgree)
{
    SHARE_ACCESS Share;
    FILE_OBJECT First, Second;

    InitializeFile(&First);
    InitializeFile(&Second);
    IoSetShareAccess(FILE_READ_DATA, FILE_SHARE_READ, &First, &Share);
    EXPECT_EQ(IoCheckShareAccess(FILE_WRITE_DATA, FILE_SHARE_READ, &Second, &Share, TRUE),
              STATUS_SHARING_VIOLATION);
    EXPECT_EQ(IoCheckShareAccess(FILE_READ_DATA, FILE_SHARE_WRITE, &Second, &Share, TRUE),
              STATUS_SHARING_VIOLATION);
    EXPECT_EQ(Share.OpenCount, 1);
    EXPECT_EQ(IoCheckShareAccess(FILE_READ_DATA, FILE_SHARE_READ, &Second, &Share, TRUE),
              STATUS_SUCCESS);
    EXPECT_EQ(Share.OpenCount, 2);
    EXPECT_EQ(Share.Readers, 2);
}

TEST(CheckWithoutUpdateCountsNothingAndUpdateDoes)
{
    SHARE_ACCESS Share;
    FILE_OBJECT First, Second;

    InitializeFile(&First);
    InitializeFile(&Second);
    IoSetShareAccess(FILE_READ_DATA, FILE_SHARE_READ, &First, &Share);
    EXPECT_EQ(IoCheckShareAccess(FILE_READ_DATA, FILE_SHARE_READ, &Second, &Share, FALSE),
              STATUS_SUCCESS);
    EXPECT_EQ(Share.OpenCount, 1);
    IoUpdateShareAccess(&Second, &Share);
    EXPECT_EQ(Share.OpenCount, 2);
}

TEST(RemovalTakesBackWhatTheFileObjectCounted)
{
    SHARE_ACCESS Share;
    FILE_OBJECT First, Second;

    InitializeFile(&First);
    InitializeFile(&Second);
    IoSetShareAccess(FILE_WRITE_DATA, FILE_SHARE_WRITE, &First, &Share);
    EXPECT_EQ(IoCheckShareAccess(FILE_WRITE_DATA, FILE_SHARE_WRITE, &Second, &Share, TRUE),
              STATUS_SUCCESS);
    IoRemoveShareAccess(&First, &Share);
    EXPECT_EQ(Share.OpenCount, 1);
    EXPECT_EQ(Share.Writers, 1);
    EXPECT_EQ(Share.SharedWrite, 1);
    IoRemoveShareAccess(&Second, &Share);
    EXPECT_EQ(Share.OpenCount + Share.Writers + Share.SharedWrite, 0);
}
