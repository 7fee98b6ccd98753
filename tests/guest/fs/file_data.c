/*
 * Reading and writing: content, ends of files, positions of synchronous file objects.
 */
#include "fs.h"

static NTSTATUS Write(HANDLE Handle, PLARGE_INTEGER At, PCSTR Text, PULONG_PTR Written)
{
    IO_STATUS_BLOCK IoStatus = {0};
    NTSTATUS Status = ZwWriteFile(Handle, NULL, NULL, NULL, &IoStatus, (PVOID)Text,
                                  (ULONG)strlen(Text), At, NULL);

    *Written = IoStatus.Information;
    return Status;
}

TEST(WhatIsWrittenIsRead)
{
    FsMake(VOLUME L"\\content", "hello, volume");
    EXPECT(FsHolds(VOLUME L"\\content", "hello, volume"));
    EXPECT(!FsHolds(VOLUME L"\\content", "hello, Volume"));
}

TEST(ReadStopsAtTheEndAndFailsBehindIt)
{
    HANDLE Handle;
    CHAR Buffer[16];
    ULONG_PTR Read;

    FsMake(VOLUME L"\\short", "12345");
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\short", FILE_OPEN, 0), STATUS_SUCCESS);
    EXPECT_EQ(FsRead(Handle, 3, Buffer, sizeof Buffer, &Read), STATUS_SUCCESS);
    EXPECT_EQ(Read, 2);
    EXPECT_EQ(Buffer[0], '4');
    EXPECT_EQ(FsRead(Handle, 5, Buffer, sizeof Buffer, &Read), STATUS_END_OF_FILE);
    EXPECT_EQ(Read, 0);
    EXPECT_EQ(FsRead(Handle, 99, Buffer, 0, &Read), STATUS_SUCCESS);
    ZwClose(Handle);
}

TEST(WriteBehindTheEndFillsTheGapWithZeros)
{
    HANDLE Handle;
    CHAR Buffer[16];
    ULONG_PTR Count;
    LARGE_INTEGER At = {{4, 0}};

    FsMake(VOLUME L"\\gap", "ab");
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\gap", FILE_OPEN, 0), STATUS_SUCCESS);
    EXPECT_EQ(Write(Handle, &At, "cd", &Count), STATUS_SUCCESS);
    EXPECT_EQ(Count, 2);
    EXPECT_EQ(FsRead(Handle, 0, Buffer, sizeof Buffer, &Count), STATUS_SUCCESS);
    EXPECT_EQ(Count, 6);
    EXPECT_EQ(RtlCompareMemory(Buffer, "ab\0\0cd", 6), 6);
    ZwClose(Handle);
}

TEST(SynchronousFileObjectKeepsItsPosition)
{
    HANDLE Handle;
    CHAR Buffer[4];
    ULONG_PTR Count;
    IO_STATUS_BLOCK IoStatus;
    FILE_POSITION_INFORMATION Position;

    FsMake(VOLUME L"\\position", "abcdef");
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\position", FILE_OPEN, 0), STATUS_SUCCESS);
    EXPECT_EQ(ZwReadFile(Handle, NULL, NULL, NULL, &IoStatus, Buffer, 2, NULL, NULL),
              STATUS_SUCCESS);
    EXPECT_EQ(Buffer[0], 'a');
    EXPECT_EQ(ZwReadFile(Handle, NULL, NULL, NULL, &IoStatus, Buffer, 2, NULL, NULL),
              STATUS_SUCCESS);
    EXPECT_EQ(Buffer[0], 'c');
    EXPECT_EQ(ZwQueryInformationFile(Handle, &IoStatus, &Position, sizeof Position,
                                     FilePositionInformation),
              STATUS_SUCCESS);
    EXPECT_EQ(Position.CurrentByteOffset.QuadPart, 4);
    Position.CurrentByteOffset.QuadPart = 1;
    EXPECT_EQ(ZwSetInformationFile(Handle, &IoStatus, &Position, sizeof Position,
                                   FilePositionInformation),
              STATUS_SUCCESS);
    EXPECT_EQ(Write(Handle, NULL, "BC", &Count), STATUS_SUCCESS);
    ZwClose(Handle);
    EXPECT(FsHolds(VOLUME L"\\position", "aBCdef"));
}

TEST(WriteToTheEndAppends)
{
    HANDLE Handle;
    ULONG_PTR Count;
    LARGE_INTEGER End;

    End.LowPart = FILE_WRITE_TO_END_OF_FILE;
    End.HighPart = -1;
    FsMake(VOLUME L"\\appended", "one");
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\appended", FILE_OPEN, 0), STATUS_SUCCESS);
    EXPECT_EQ(Write(Handle, &End, "two", &Count), STATUS_SUCCESS);
    ZwClose(Handle);
    EXPECT(FsHolds(VOLUME L"\\appended", "onetwo"));
}

TEST(EndOfFileMovesInBothDirections)
{
    HANDLE Handle;
    IO_STATUS_BLOCK IoStatus;
    FILE_END_OF_FILE_INFORMATION End;
    FILE_STANDARD_INFORMATION Standard;

    FsMake(VOLUME L"\\sized", "abcdef");
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\sized", FILE_OPEN, 0), STATUS_SUCCESS);
    End.EndOfFile.QuadPart = 2;
    EXPECT_EQ(ZwSetInformationFile(Handle, &IoStatus, &End, sizeof End, FileEndOfFileInformation),
              STATUS_SUCCESS);
    EXPECT(FsHolds(VOLUME L"\\sized", "ab"));
    End.EndOfFile.QuadPart = 700;
    EXPECT_EQ(ZwSetInformationFile(Handle, &IoStatus, &End, sizeof End, FileEndOfFileInformation),
              STATUS_SUCCESS);
    EXPECT_EQ(ZwQueryInformationFile(Handle, &IoStatus, &Standard, sizeof Standard,
                                     FileStandardInformation),
              STATUS_SUCCESS);
    EXPECT_EQ(Standard.EndOfFile.QuadPart, 700);
    EXPECT_EQ(Standard.AllocationSize.QuadPart, 1024);
    EXPECT_EQ(Standard.Directory, FALSE);
    ZwClose(Handle);
}

TEST(FileThatDoesNotFitFillsTheDisk)
{
    HANDLE Handle;
    IO_STATUS_BLOCK IoStatus;
    FILE_END_OF_FILE_INFORMATION End;

    FsMake(VOLUME L"\\huge", "x");
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\huge", FILE_OPEN, 0), STATUS_SUCCESS);
    End.EndOfFile.QuadPart = 1 << 30;
    EXPECT_EQ(ZwSetInformationFile(Handle, &IoStatus, &End, sizeof End, FileEndOfFileInformation),
              STATUS_DISK_FULL);
    ZwClose(Handle);
    EXPECT(FsHolds(VOLUME L"\\huge", "x"));
}

TEST(DirectoryIsNeitherReadNorWritten)
{
    HANDLE Handle;
    CHAR Buffer[4];
    ULONG_PTR Count;

    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\", FILE_OPEN, FILE_DIRECTORY_FILE), STATUS_SUCCESS);
    EXPECT_EQ(FsRead(Handle, 0, Buffer, sizeof Buffer, &Count), STATUS_INVALID_DEVICE_REQUEST);
    ZwClose(Handle);
}

TEST(FlushSucceeds)
{
    HANDLE Handle;
    IO_STATUS_BLOCK IoStatus;

    FsMake(VOLUME L"\\flushed", "x");
    EXPECT_EQ(FsOpen(&Handle, VOLUME L"\\flushed", FILE_OPEN, 0), STATUS_SUCCESS);
    EXPECT_EQ(ZwFlushBuffersFile(Handle, &IoStatus), STATUS_SUCCESS);
    ZwClose(Handle);
}
