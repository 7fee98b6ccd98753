/* What the tests of a volume share: opens by name and small requests, as a driver makes them. The runner mounts C:. */
#ifndef TESTS_GUEST_FS_H
#define TESTS_GUEST_FS_H

#include "../test.h"

#define VOLUME L"\\??\\C:"

static inline NTSTATUS FsOpenAt(PHANDLE Handle, HANDLE Root, PCWSTR Path, ACCESS_MASK Access,
                                ULONG Share, ULONG Disposition, ULONG Options,
                                PULONG_PTR Information)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus = {0};
    NTSTATUS Status;

    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, Root,
                               NULL);
    *Handle = NULL;
    Status = ZwCreateFile(Handle, Access | SYNCHRONIZE, &Attributes, &IoStatus, NULL,
                          FILE_ATTRIBUTE_NORMAL, Share, Disposition,
                          Options | FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0);
    if (Information != NULL)
    {
        *Information = IoStatus.Information;
    }
    return Status;
}

#define FS_SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define FS_ALL (FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE)

static inline NTSTATUS FsOpen(PHANDLE Handle, PCWSTR Path, ULONG Disposition, ULONG Options)
{
    return FsOpenAt(Handle, NULL, Path, FS_ALL, FS_SHARE_ALL, Disposition, Options, NULL);
}

/* A file with this text. */
static inline VOID FsMake(PCWSTR Path, PCSTR Text)
{
    HANDLE Handle;
    IO_STATUS_BLOCK IoStatus;
    LARGE_INTEGER Zero = {{0, 0}};

    EXPECT_EQ(FsOpen(&Handle, Path, FILE_OVERWRITE_IF, FILE_NON_DIRECTORY_FILE), STATUS_SUCCESS);
    EXPECT_EQ(ZwWriteFile(Handle, NULL, NULL, NULL, &IoStatus, (PVOID)Text, (ULONG)strlen(Text),
                          &Zero, NULL),
              STATUS_SUCCESS);
    ZwClose(Handle);
}

static inline VOID FsMakeDirectory(PCWSTR Path)
{
    HANDLE Handle;

    EXPECT_EQ(FsOpen(&Handle, Path, FILE_CREATE, FILE_DIRECTORY_FILE), STATUS_SUCCESS);
    ZwClose(Handle);
}

/* Status of an open of what should be there or not. */
static inline NTSTATUS FsExists(PCWSTR Path)
{
    HANDLE Handle;
    NTSTATUS Status = FsOpenAt(&Handle, NULL, Path, FILE_READ_ATTRIBUTES, FS_SHARE_ALL, FILE_OPEN, 0,
                               NULL);

    if (NT_SUCCESS(Status))
    {
        ZwClose(Handle);
    }
    return Status;
}

static inline NTSTATUS FsRead(HANDLE Handle, LONG64 Offset, PVOID Buffer, ULONG Length,
                              PULONG_PTR Read)
{
    IO_STATUS_BLOCK IoStatus = {0};
    LARGE_INTEGER At;
    NTSTATUS Status;

    At.QuadPart = Offset;
    Status = ZwReadFile(Handle, NULL, NULL, NULL, &IoStatus, Buffer, Length, &At, NULL);
    *Read = IoStatus.Information;
    return Status;
}

static inline BOOLEAN FsHolds(PCWSTR Path, PCSTR Text)
{
    CHAR Buffer[64];
    ULONG_PTR Read = 0;
    HANDLE Handle;
    BOOLEAN Same;

    if (!NT_SUCCESS(FsOpen(&Handle, Path, FILE_OPEN, 0)))
    {
        return FALSE;
    }
    FsRead(Handle, 0, Buffer, sizeof Buffer, &Read);
    Same = Read == strlen(Text) && RtlCompareMemory(Buffer, Text, Read) == Read;
    ZwClose(Handle);
    return Same;
}

#endif
