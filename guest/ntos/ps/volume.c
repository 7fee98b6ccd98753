/*
 * The scenario's steps about volumes and files beyond open, read and write. Mounting loads our file
 * system, has it make a disk in memory, and opens the new volume's root: the first open mounts.
 */
#include "guest/ntos/ps/scenario.h"

#include "guest/include/memfs.h"

static VOID RdCopyName(PWCHAR To, ULONG Characters, PCWSTR From)
{
    ULONG i;

    for (i = 0; i + 1 < Characters && From[i] != 0; i++)
    {
        To[i] = From[i];
    }
    To[i] = 0;
}

static VOID RdCopyAscii(PWCHAR To, ULONG Characters, PCSTR From)
{
    ULONG i;

    for (i = 0; i + 1 < Characters && From[i] != 0; i++)
    {
        To[i] = (UCHAR)From[i];
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
    RdCopyName(Request.Name, sizeof Request.Name / sizeof(WCHAR),
               Step->text != 0 ? (PCWSTR)(ULONG_PTR)Step->text : L"\\Device\\HarddiskVolume1");
    RdCopyAscii(Request.DosName, sizeof Request.DosName / sizeof(WCHAR),
                Step->input != 0 ? (PCSTR)(ULONG_PTR)Step->input : "\\DosDevices\\C:");
    Request.MayPend = (Step->flags & RD_STEP_MAY_PEND) != 0;
    Status = RdMakeDisk(Step, &Request);
    return NT_SUCCESS(Status) ? RdOpenRoot(Request.Name) : Status;
}

NTSTATUS RdDelete(const struct rd_step *Step)
{
    OBJECT_ATTRIBUTES Attributes;
    WCHAR Buffer[RD_NAME_CHARACTERS];
    UNICODE_STRING Name;

    RdNativeName(Step->text, &Name, Buffer, RD_NAME_CHARACTERS);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    return NtDeleteFile(&Attributes);
}

static NTSTATUS RdSetInfo(PRD_CONTEXT Context, PRD_SLOT Slot, const struct rd_step *Step)
{
    PVOID Input = RdUserBuffer(Context, Step->input_size);

    if (Step->input_size != 0 && Input == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlCopyMemory(Input, (PVOID)(ULONG_PTR)Step->input, Step->input_size);
    return NtSetInformationFile(Slot->Handle, Slot->IoStatus, Input, Step->input_size,
                                (FILE_INFORMATION_CLASS)Step->code);
}

/* A plain name stays in the file's directory; anything else names the whole new place. */
static NTSTATUS RdRename(PRD_CONTEXT Context, PRD_SLOT Slot, const struct rd_step *Step)
{
    PCWSTR Text = (PCWSTR)(ULONG_PTR)Step->text;
    PFILE_RENAME_INFORMATION Rename;
    WCHAR Buffer[RD_NAME_CHARACTERS];
    UNICODE_STRING Name;
    BOOLEAN Plain = TRUE;
    ULONG Bytes;

    for (PCWSTR At = Text; *At != 0; At++)
    {
        Plain = Plain && *At != L'\\';
    }
    if (Plain)
    {
        RtlInitUnicodeString(&Name, Text);
    }
    else
    {
        RdNativeName(Step->text, &Name, Buffer, RD_NAME_CHARACTERS);
    }
    Bytes = FIELD_OFFSET(FILE_RENAME_INFORMATION, FileName) + Name.Length;
    Bytes = Bytes < sizeof *Rename ? sizeof *Rename : Bytes;
    Rename = RdUserBuffer(Context, Bytes);
    if (Rename == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(Rename, Bytes);
    Rename->ReplaceIfExists = Step->value != 0;
    Rename->FileNameLength = Name.Length;
    RtlCopyMemory(Rename->FileName, Name.Buffer, Name.Length);
    return NtSetInformationFile(Slot->Handle, Slot->IoStatus, Rename, Bytes, FileRenameInformation);
}

static NTSTATUS RdList(PRD_CONTEXT Context, PRD_SLOT Slot, const struct rd_step *Step)
{
    PVOID Output = RdUserBuffer(Context, Step->output_size);
    UNICODE_STRING Pattern;
    NTSTATUS Status;

    RtlInitUnicodeString(&Pattern, (PCWSTR)(ULONG_PTR)Step->text);
    Status = NtQueryDirectoryFile(Slot->Handle, NULL, NULL, NULL, Slot->IoStatus, Output,
                                  Step->output_size, (FILE_INFORMATION_CLASS)Step->code, FALSE,
                                  Pattern.Length != 0 ? &Pattern : NULL, FALSE);
    if (Status == STATUS_PENDING)
    {
        Status = NtWaitForSingleObject(Slot->Handle, FALSE, NULL);
        Status = Status == STATUS_SUCCESS ? Slot->IoStatus->Status : Status;
    }
    return Status;
}

NTSTATUS RdFileStep(PRD_CONTEXT Context, const struct rd_step *Step)
{
    PRD_SLOT Slot = RdSlotOf(Context, Step);
    PVOID Output;

    switch (Step->op)
    {
    case RD_OP_SET_INFO:
        return RdSetInfo(Context, Slot, Step);
    case RD_OP_RENAME:
        return RdRename(Context, Slot, Step);
    case RD_OP_LIST:
        return RdList(Context, Slot, Step);
    default:
        Output = RdUserBuffer(Context, Step->output_size);
        return NtQueryVolumeInformationFile(Slot->Handle, Slot->IoStatus, Output, Step->output_size,
                                            (FS_INFORMATION_CLASS)Step->code);
    }
}
