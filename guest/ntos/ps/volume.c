/*
 * The scenario's steps about volumes and files beyond open, read and write. Mounting loads our file
 * system, has it make a disk in memory, and opens the new volume's root: the first open mounts.
 */
#include "guest/ntos/ps/scenario.h"

#include "guest/include/memfs.h"

static VOID RdCopyName(PWCHAR To, ULONG Characters, ULONG64 Text, PCWSTR Default)
{
    PCWSTR From = Text != 0 ? (PCWSTR)(ULONG_PTR)Text : Default;
    ULONG i;

    for (i = 0; i + 1 < Characters && From[i] != 0; i++)
    {
        To[i] = From[i];
    }
    To[i] = 0;
}

static NTSTATUS RdMakeDisk(const struct rd_step *Step, PMEMFS_DISK_REQUEST Request)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(MEMFS_CONTROL_DEVICE);
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    HANDLE Control;
    NTSTATUS Status;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    Status = ZwOpenFile(&Control, FILE_GENERIC_READ, &Attributes, &IoStatus, 0,
                        FILE_SYNCHRONOUS_IO_NONALERT);
    if (NT_SUCCESS(Status))
    {
        Status = ZwDeviceIoControlFile(Control, NULL, NULL, NULL, &IoStatus,
                                       IOCTL_MEMFS_CREATE_DISK, Request, sizeof *Request, NULL, 0);
        ZwClose(Control);
    }
    return Status;
}

static NTSTATUS RdOpenRoot(PCWSTR Device)
{
    WCHAR Buffer[sizeof ((PMEMFS_DISK_REQUEST)0)->Name / sizeof(WCHAR) + 1];
    UNICODE_STRING Name = {0, sizeof Buffer, Buffer};
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    HANDLE Root;
    NTSTATUS Status;

    RtlAppendUnicodeToString(&Name, Device);
    RtlAppendUnicodeToString(&Name, L"\\");
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    Status = ZwOpenFile(&Root, FILE_LIST_DIRECTORY | SYNCHRONIZE, &Attributes, &IoStatus,
                        FILE_SHARE_READ | FILE_SHARE_WRITE,
                        FILE_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT);
    if (NT_SUCCESS(Status))
    {
        ZwClose(Root);
    }
    return Status;
}

NTSTATUS RdMount(const struct rd_step *Step)
{
    UNICODE_STRING Service = RTL_CONSTANT_STRING(L"MemFs");
    MEMFS_DISK_REQUEST Request;
    NTSTATUS Status = IopRequestDriver(&Service, TRUE);

    if (!NT_SUCCESS(Status) && Status != STATUS_IMAGE_ALREADY_LOADED)
    {
        return Status;
    }
    RtlZeroMemory(&Request, sizeof Request);
    RdCopyName(Request.Name, sizeof Request.Name / sizeof(WCHAR), Step->text,
               L"\\Device\\HarddiskVolume1");
    RdCopyName(Request.DosName, sizeof Request.DosName / sizeof(WCHAR), Step->text2,
               L"\\DosDevices\\C:");
    Request.MayPend = (Step->flags & RD_STEP_MAY_PEND) != 0;
    Status = RdMakeDisk(Step, &Request);
    return NT_SUCCESS(Status) ? RdOpenRoot(Request.Name) : Status;
}
