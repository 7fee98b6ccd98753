/*
 * Information requests on open files: about the file, its directory's entries, its volume; and
 * changes. They are synchronous whatever the file is, but for directory queries. For a rename to
 * another place the I/O manager opens the target's directory first, as IRP_MJ_SET_INFORMATION
 * documents.
 */
#include "guest/include/exp.h"
#include "guest/include/iop.h"

/* What a handle must allow for a change; the rest needs what documentation leaves open. */
static ACCESS_MASK IopSetAccessOf(FILE_INFORMATION_CLASS Class)
{
    switch (Class)
    {
    case FileBasicInformation:
        return FILE_WRITE_ATTRIBUTES;
    case FileRenameInformation:
    case FileDispositionInformation:
        return DELETE;
    case FileEndOfFileInformation:
    case FileAllocationInformation:
        return FILE_WRITE_DATA;
    default:
        return 0;
    }
}

static NTSTATUS IopCheckHandle(HANDLE FileHandle, ACCESS_MASK Access, KPROCESSOR_MODE Mode)
{
    PVOID File;
    NTSTATUS Status =
        ObReferenceObjectByHandle(FileHandle, Access, ObpFileType, Mode, &File, NULL);

    if (NT_SUCCESS(Status))
    {
        ObfDereferenceObject(File);
    }
    return Status;
}

static NTSTATUS IopOpenRenameTarget(PIOP_REQUEST Request, PFILE_RENAME_INFORMATION Rename,
                                    PHANDLE Handle)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Name = {(USHORT)Rename->FileNameLength, (USHORT)Rename->FileNameLength,
                           Rename->FileName};
    IO_STATUS_BLOCK IoStatus;
    IOP_OPEN Open = {.Access = FILE_WRITE_DATA | SYNCHRONIZE,
                     .ShareAccess = FILE_SHARE_READ | FILE_SHARE_WRITE,
                     .Disposition = FILE_OPEN,
                     .Options = FILE_OPEN_FOR_BACKUP_INTENT,
                     .StackFlags = SL_OPEN_TARGET_DIRECTORY,
                     .TopHint = IopTopDeviceHint(Request->File),
                     .Mode = KernelMode};
    PVOID Target;
    NTSTATUS Status;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE,
                               Rename->RootDirectory, NULL);
    Status = IopCreateFile(Handle, &Attributes, &IoStatus, &Open);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Status = ObReferenceObjectByHandle(*Handle, 0, ObpFileType, KernelMode, &Target, NULL);
    if (NT_SUCCESS(Status) &&
        IoGetRelatedDeviceObject(Target) != IoGetRelatedDeviceObject(Request->File))
    {
        ObfDereferenceObject(Target);
        Status = STATUS_NOT_SAME_DEVICE;
    }
    if (!NT_SUCCESS(Status))
    {
        ZwClose(*Handle);
        return Status;
    }
    Request->Stack->Parameters.SetFile.FileObject = Target;
    ObfDereferenceObject(Target); /* the handle keeps it */
    return STATUS_SUCCESS;
}

static NTSTATUS IopPrepareRename(PIOP_REQUEST Request, ULONG Length, PHANDLE Target)
{
    PFILE_RENAME_INFORMATION Rename = Request->Irp->AssociatedIrp.SystemBuffer;

    if (Length < sizeof *Rename || Rename->FileNameLength == 0 || (Rename->FileNameLength & 1) ||
        Rename->FileNameLength > Length - FIELD_OFFSET(FILE_RENAME_INFORMATION, FileName))
    {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    Request->Stack->Parameters.SetFile.ReplaceIfExists = Rename->ReplaceIfExists;
    if (Rename->RootDirectory == NULL && Rename->FileName[0] != L'\\')
    {
        return STATUS_SUCCESS; /* in its own directory */
    }
    return IopOpenRenameTarget(Request, Rename, Target);
}

static NTSTATUS IopInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                   PVOID FileInformation, ULONG Length, ULONG Class, UCHAR Major)
{
    BOOLEAN Set = Major == IRP_MJ_SET_INFORMATION;
    IOP_REQUEST Request;
    HANDLE Target = NULL;
    NTSTATUS Status;

    if (Set)
    {
        Status = IopCheckHandle(FileHandle, IopSetAccessOf(Class), KiCurrentThread()->PreviousMode);
        if (!NT_SUCCESS(Status))
        {
            return Status;
        }
    }
    Status = IopBeginRequest(&Request, FileHandle, NULL, NULL, NULL, IoStatusBlock, Major);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    /* QueryFile, SetFile and QueryVolume begin alike. */
    Request.Stack->Parameters.QueryFile.Length = Length;
    Request.Stack->Parameters.QueryFile.FileInformationClass = Class;
    Request.Irp->UserBuffer = FileInformation;
    if (!Set)
    {
        Request.Irp->Flags |= IRP_INPUT_OPERATION;
    }
    Status = IopProbe(FileInformation, Length, Request.Mode);
    if (NT_SUCCESS(Status))
    {
        Status = IopAllocateSystemBuffer(Request.Irp, FileInformation, Set ? Length : 0, Length);
    }
    if (NT_SUCCESS(Status) && Set && Class == FileRenameInformation)
    {
        Status = IopPrepareRename(&Request, Length, &Target);
    }
    if (!NT_SUCCESS(Status))
    {
        return IopFailRequest(&Request, Status);
    }
    Status = IopSynchronousRequest(&Request, IoStatusBlock);
    if (Target != NULL)
    {
        ZwClose(Target);
    }
    return Status;
}

NTEXPORT(NtQueryInformationFile, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI NtQueryInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                      PVOID FileInformation, ULONG Length,
                                      FILE_INFORMATION_CLASS FileInformationClass)
{
    return IopInformationFile(FileHandle, IoStatusBlock, FileInformation, Length,
                              FileInformationClass, IRP_MJ_QUERY_INFORMATION);
}

NTEXPORT(ZwQueryInformationFile, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI ZwQueryInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                      PVOID FileInformation, ULONG Length,
                                      FILE_INFORMATION_CLASS FileInformationClass)
{
    ZW(NtQueryInformationFile(FileHandle, IoStatusBlock, FileInformation, Length,
                              FileInformationClass));
}

NTEXPORT(NtSetInformationFile, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI NtSetInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                    PVOID FileInformation, ULONG Length,
                                    FILE_INFORMATION_CLASS FileInformationClass)
{
    return IopInformationFile(FileHandle, IoStatusBlock, FileInformation, Length,
                              FileInformationClass, IRP_MJ_SET_INFORMATION);
}

NTEXPORT(ZwSetInformationFile, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI ZwSetInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                    PVOID FileInformation, ULONG Length,
                                    FILE_INFORMATION_CLASS FileInformationClass)
{
    ZW(NtSetInformationFile(FileHandle, IoStatusBlock, FileInformation, Length,
                            FileInformationClass));
}

NTEXPORT(NtQueryVolumeInformationFile, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI NtQueryVolumeInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                            PVOID FsInformation, ULONG Length,
                                            FS_INFORMATION_CLASS FsInformationClass)
{
    return IopInformationFile(FileHandle, IoStatusBlock, FsInformation, Length, FsInformationClass,
                              IRP_MJ_QUERY_VOLUME_INFORMATION);
}

NTEXPORT(ZwQueryVolumeInformationFile, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI ZwQueryVolumeInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                            PVOID FsInformation, ULONG Length,
                                            FS_INFORMATION_CLASS FsInformationClass)
{
    ZW(NtQueryVolumeInformationFile(FileHandle, IoStatusBlock, FsInformation, Length,
                                    FsInformationClass));
}

/* The pattern goes with the request as a copy, since the request may outlive the call. */
static NTSTATUS IopCopyPattern(PIOP_REQUEST Request, PUNICODE_STRING Pattern)
{
    PUNICODE_STRING Copy;

    if (Pattern == NULL || Pattern->Length == 0)
    {
        return STATUS_SUCCESS;
    }
    Copy = ExAllocatePoolWithTag(NonPagedPool, sizeof *Copy + Pattern->Length, IOP_TAG);
    if (Copy == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Copy->Buffer = (PWSTR)(Copy + 1);
    Copy->Length = Copy->MaximumLength = Pattern->Length;
    RtlCopyMemory(Copy->Buffer, Pattern->Buffer, Pattern->Length);
    Request->Irp->Tail.Overlay.AuxiliaryBuffer = (PCHAR)Copy;
    Request->Stack->Parameters.QueryDirectory.FileName = Copy;
    return STATUS_SUCCESS;
}

NTEXPORT(NtQueryDirectoryFile, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI NtQueryDirectoryFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                                    PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                                    PVOID FileInformation, ULONG Length,
                                    FILE_INFORMATION_CLASS FileInformationClass,
                                    BOOLEAN ReturnSingleEntry, PUNICODE_STRING FileName,
                                    BOOLEAN RestartScan)
{
    IOP_REQUEST Request;
    NTSTATUS Status = IopBeginRequest(&Request, FileHandle, Event, ApcRoutine, ApcContext,
                                      IoStatusBlock, IRP_MJ_DIRECTORY_CONTROL);

    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Request.Stack->MinorFunction = IRP_MN_QUERY_DIRECTORY;
    Request.Stack->Flags = (RestartScan ? SL_RESTART_SCAN : 0) |
                           (ReturnSingleEntry ? SL_RETURN_SINGLE_ENTRY : 0);
    Request.Stack->Parameters.QueryDirectory.Length = Length;
    Request.Stack->Parameters.QueryDirectory.FileInformationClass = FileInformationClass;
    Request.Irp->UserBuffer = FileInformation;
    Status = IopProbe(FileInformation, Length, Request.Mode);
    /* Listing a directory is reading it: the same bit. */
    if (Request.Mode != KernelMode && !Request.File->ReadAccess)
    {
        Status = STATUS_ACCESS_DENIED;
    }
    if (NT_SUCCESS(Status))
    {
        Status = IopCopyPattern(&Request, FileName);
    }
    if (NT_SUCCESS(Status) && (Request.Device->Flags & DO_BUFFERED_IO))
    {
        Request.Irp->Flags |= IRP_INPUT_OPERATION;
        Status = IopAllocateSystemBuffer(Request.Irp, NULL, 0, Length);
    }
    else if (NT_SUCCESS(Status) && (Request.Device->Flags & DO_DIRECT_IO))
    {
        Status = IopLockBuffer(&Request, FileInformation, Length, IoWriteAccess);
    }
    return NT_SUCCESS(Status) ? IopSendRequest(&Request) : IopFailRequest(&Request, Status);
}

NTEXPORT(ZwQueryDirectoryFile, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI ZwQueryDirectoryFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                                    PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                                    PVOID FileInformation, ULONG Length,
                                    FILE_INFORMATION_CLASS FileInformationClass,
                                    BOOLEAN ReturnSingleEntry, PUNICODE_STRING FileName,
                                    BOOLEAN RestartScan)
{
    ZW(NtQueryDirectoryFile(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock,
                            FileInformation, Length, FileInformationClass, ReturnSingleEntry,
                            FileName, RestartScan));
}

/* Opened to be deleted with its last handle, which is this one unless somebody else has it open. */
NTSTATUS NTAPI NtDeleteFile(POBJECT_ATTRIBUTES ObjectAttributes)
{
    IO_STATUS_BLOCK IoStatus;
    IOP_OPEN Open = {.Access = DELETE,
                     .ShareAccess = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                     .Disposition = FILE_OPEN,
                     .Options = FILE_DELETE_ON_CLOSE,
                     .Mode = KiCurrentThread()->PreviousMode};
    HANDLE Handle;
    NTSTATUS Status = IopCreateFile(&Handle, ObjectAttributes, &IoStatus, &Open);

    return NT_SUCCESS(Status) ? NtClose(Handle) : Status;
}

NTEXPORT(ZwDeleteFile, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI ZwDeleteFile(POBJECT_ATTRIBUTES ObjectAttributes)
{
    ZW(NtDeleteFile(ObjectAttributes));
}

/* The same requests for a kernel client that has the file object: its own buffer is the system's. */
static NTSTATUS IopInformationObject(PFILE_OBJECT File, UCHAR Major, ULONG Class, PVOID Buffer,
                                     ULONG Length, PULONG Returned)
{
    PDEVICE_OBJECT Device = IoGetRelatedDeviceObject(File);
    PIRP Irp = IoAllocateIrp(Device->StackSize, FALSE);
    IO_STATUS_BLOCK IoStatus = {0};
    PIO_STACK_LOCATION Stack;
    NTSTATUS Status;

    if (Irp == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Irp->RequestorMode = KernelMode;
    Irp->AssociatedIrp.SystemBuffer = Buffer;
    Irp->Flags = IRP_BUFFERED_IO;
    Stack = IoGetNextIrpStackLocation(Irp);
    Stack->MajorFunction = Major;
    Stack->FileObject = File;
    Stack->Parameters.QueryFile.Length = Length;
    Stack->Parameters.QueryFile.FileInformationClass = Class;
    Status = IopCallAndComplete(Device, Irp, File, &IoStatus);
    if (Returned != NULL)
    {
        *Returned = (ULONG)IoStatus.Information;
    }
    return Status;
}

NTEXPORT(IoQueryFileInformation, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI IoQueryFileInformation(PFILE_OBJECT FileObject,
                                      FILE_INFORMATION_CLASS FileInformationClass, ULONG Length,
                                      PVOID FileInformation, PULONG ReturnedLength)
{
    return IopInformationObject(FileObject, IRP_MJ_QUERY_INFORMATION, FileInformationClass,
                                FileInformation, Length, ReturnedLength);
}

NTEXPORT(IoQueryVolumeInformation, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI IoQueryVolumeInformation(PFILE_OBJECT FileObject,
                                        FS_INFORMATION_CLASS FsInformationClass, ULONG Length,
                                        PVOID FsInformation, PULONG ReturnedLength)
{
    return IopInformationObject(FileObject, IRP_MJ_QUERY_VOLUME_INFORMATION, FsInformationClass,
                                FsInformation, Length, ReturnedLength);
}

NTEXPORT(IoSetInformation, PASSIVE_LEVEL, "file");
NTSTATUS NTAPI IoSetInformation(PFILE_OBJECT FileObject,
                                FILE_INFORMATION_CLASS FileInformationClass, ULONG Length,
                                PVOID FileInformation)
{
    return IopInformationObject(FileObject, IRP_MJ_SET_INFORMATION, FileInformationClass,
                                FileInformation, Length, NULL);
}
