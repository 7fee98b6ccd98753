/*
 * File objects: open by name, cleanup with the last handle, close with the last reference. Cleanup
 * and close are sent by whoever drops the last of either, in any thread, and always succeed as far
 * as the caller can tell.
 */
#include "guest/include/exp.h"
#include "guest/include/iop.h"

#define IOP_CREATE_OPTIONS 0x00FFFFFFu

/* Sends cleanup or close and waits. */
static VOID IopSendClose(PFILE_OBJECT File, UCHAR Major)
{
    PDEVICE_OBJECT Device = IoGetRelatedDeviceObject(File);
    PIRP Irp = IopAllocateIrpMustSucceed(Device->StackSize);
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);
    IO_STATUS_BLOCK IoStatus = {0};
    KEVENT Event;

    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    Irp->UserEvent = &Event;
    Irp->UserIosb = &IoStatus;
    Irp->Flags = IRP_CLOSE_OPERATION | IRP_SYNCHRONOUS_API;
    Irp->RequestorMode = KernelMode;
    Irp->Tail.Overlay.Thread = (PETHREAD)KiCurrentThread();
    Irp->Tail.Overlay.OriginalFileObject = File;
    Stack->MajorFunction = Major;
    Stack->FileObject = File;
    /* The event is set in every case: a close is finished by its completer. */
    IofCallDriver(Device, Irp);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
}

VOID IopCloseFile(PEPROCESS Process, PVOID Object, LONG_PTR HandlesLeft)
{
    PFILE_OBJECT File = Object;

    if (HandlesLeft == 0 && File->DeviceObject != NULL && (File->Flags & FO_HANDLE_CREATED))
    {
        IopSendClose(File, IRP_MJ_CLEANUP);
        File->Flags |= FO_CLEANUP_COMPLETE;
    }
}

VOID IopDeleteFile(PVOID Object)
{
    PFILE_OBJECT File = Object;

    if (File->DeviceObject != NULL)
    {
        IopSendClose(File, IRP_MJ_CLOSE);
        IopDereferenceDevice(File->DeviceObject);
    }
    if (File->FileName.Buffer != NULL)
    {
        ExFreePoolWithTag(File->FileName.Buffer, IOP_TAG);
    }
}

NTEXPORT(IoGetRelatedDeviceObject, DISPATCH_LEVEL, "file device");
PDEVICE_OBJECT NTAPI IoGetRelatedDeviceObject(PFILE_OBJECT FileObject)
{
    return IoGetAttachedDevice(FileObject->DeviceObject);
}

static VOID IopInitializeFile(PFILE_OBJECT File, PDEVICE_OBJECT Device, ULONG Options,
                              ACCESS_MASK Access, ULONG ShareAccess)
{
    File->Type = IO_TYPE_FILE;
    File->Size = sizeof *File;
    File->DeviceObject = Device;
    File->ReadAccess = (Access & FILE_READ_DATA) != 0;
    File->WriteAccess = (Access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0;
    File->DeleteAccess = (Access & DELETE) != 0;
    File->SharedRead = (ShareAccess & FILE_SHARE_READ) != 0;
    File->SharedWrite = (ShareAccess & FILE_SHARE_WRITE) != 0;
    File->SharedDelete = (ShareAccess & FILE_SHARE_DELETE) != 0;
    if (Options & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT))
    {
        File->Flags |= FO_SYNCHRONOUS_IO;
        if (Options & FILE_SYNCHRONOUS_IO_ALERT)
        {
            File->Flags |= FO_ALERTABLE_IO;
        }
    }
    KeInitializeEvent(&File->Lock, SynchronizationEvent, FALSE);
    KeInitializeEvent(&File->Event, NotificationEvent, FALSE);
    InitializeListHead(&File->IrpList);
}

static NTSTATUS IopSendCreate(PFILE_OBJECT File, ACCESS_MASK Access, ULONG FileAttributes,
                              ULONG ShareAccess, ULONG Disposition, ULONG Options,
                              KPROCESSOR_MODE Mode, PIO_STATUS_BLOCK IoStatus)
{
    PDEVICE_OBJECT Device = IoGetRelatedDeviceObject(File);
    PIRP Irp = IoAllocateIrp(Device->StackSize, FALSE);
    PIO_STACK_LOCATION Stack;
    IO_SECURITY_CONTEXT Security;
    ACCESS_STATE AccessState;

    if (Irp == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(&AccessState, sizeof AccessState);
    AccessState.OriginalDesiredAccess = Access;
    AccessState.PreviouslyGrantedAccess = Access;
    Security.SecurityQos = NULL;
    Security.AccessState = &AccessState;
    Security.DesiredAccess = Access;
    Security.FullCreateOptions = Options;
    Irp->RequestorMode = Mode;
    Irp->Flags = IRP_CREATE_OPERATION;
    Stack = IoGetNextIrpStackLocation(Irp);
    Stack->MajorFunction = IRP_MJ_CREATE;
    Stack->FileObject = File;
    Stack->Parameters.Create.SecurityContext = &Security;
    Stack->Parameters.Create.Options = Disposition << 24 | (Options & IOP_CREATE_OPTIONS);
    Stack->Parameters.Create.FileAttributes = (USHORT)FileAttributes;
    Stack->Parameters.Create.ShareAccess = (USHORT)ShareAccess;
    return IopCallAndComplete(Device, Irp, File, IoStatus);
}

/* A file object on Device, opened by its driver; *File has one reference. */
static NTSTATUS IopOpenDevice(PDEVICE_OBJECT Device, PCUNICODE_STRING Rest, ACCESS_MASK Access,
                              PIO_STATUS_BLOCK IoStatus, ULONG FileAttributes, ULONG ShareAccess,
                              ULONG Disposition, ULONG Options, KPROCESSOR_MODE Mode,
                              PFILE_OBJECT *Result)
{
    PFILE_OBJECT File;
    NTSTATUS Status = IopReferenceDeviceForOpen(Device);

    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    File = ObpAllocateObject(ObpFileType, sizeof *File);
    if (File == NULL)
    {
        IopDereferenceDevice(Device);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    IopInitializeFile(File, Device, Options, Access, ShareAccess);
    Status = STATUS_INSUFFICIENT_RESOURCES;
    if (Rest->Length == 0 ||
        (File->FileName.Buffer = ExAllocatePoolWithTag(PagedPool, Rest->Length, IOP_TAG)) != NULL)
    {
        RtlCopyMemory(File->FileName.Buffer, Rest->Buffer, Rest->Length);
        File->FileName.Length = File->FileName.MaximumLength = Rest->Length;
        Status = IopSendCreate(File, Access, FileAttributes, ShareAccess, Disposition, Options,
                               Mode, IoStatus);
    }
    if (!NT_SUCCESS(Status))
    {
        /* Never opened, so the driver sees no close. */
        File->DeviceObject = NULL;
        IopDereferenceDevice(Device);
        ObfDereferenceObject(File);
        return Status;
    }
    *Result = File;
    return Status;
}

NTSTATUS IopCreateFile(PHANDLE Handle, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes,
                       PIO_STATUS_BLOCK IoStatus, ULONG FileAttributes, ULONG ShareAccess,
                       ULONG Disposition, ULONG Options, KPROCESSOR_MODE Mode)
{
    UNICODE_STRING Rest;
    PWSTR Storage = NULL;
    PFILE_OBJECT File;
    PVOID Object;
    NTSTATUS Status;

    if (Attributes == NULL || Attributes->ObjectName == NULL || Attributes->RootDirectory != NULL)
    {
        return STATUS_INVALID_PARAMETER;
    }
    Status = ObpLookupName(Attributes->ObjectName, NULL, &Object, &Rest, &Storage);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Status = STATUS_OBJECT_TYPE_MISMATCH;
    if (ObpHeaderOf(Object)->Type == ObpDeviceType)
    {
        Status = IopOpenDevice(Object, &Rest, Access, IoStatus, FileAttributes, ShareAccess,
                               Disposition, Options, Mode, &File);
    }
    if (NT_SUCCESS(Status))
    {
        NTSTATUS HandleStatus = ObpCreateHandle(File, Access, Attributes->Attributes, Handle);
        if (NT_SUCCESS(HandleStatus))
        {
            File->Flags |= FO_HANDLE_CREATED;
        }
        else
        {
            Status = HandleStatus;
        }
        ObfDereferenceObject(File);
    }
    if (Storage != NULL)
    {
        ExFreePoolWithTag(Storage, OBP_TAG);
    }
    ObfDereferenceObject(Object);
    return Status;
}

NTEXPORT(IoGetDeviceObjectPointer, PASSIVE_LEVEL, "file device");
NTSTATUS NTAPI IoGetDeviceObjectPointer(PUNICODE_STRING ObjectName, ACCESS_MASK DesiredAccess,
                                        PFILE_OBJECT *FileObject, PDEVICE_OBJECT *DeviceObject)
{
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    HANDLE Handle;
    PVOID File;
    NTSTATUS Status;

    InitializeObjectAttributes(&Attributes, ObjectName, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE,
                               NULL, NULL);
    Status = ZwOpenFile(&Handle, DesiredAccess, &Attributes, &IoStatus, 0, FILE_NON_DIRECTORY_FILE);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Status = ObReferenceObjectByHandle(Handle, 0, ObpFileType, KernelMode, &File, NULL);
    if (NT_SUCCESS(Status))
    {
        *FileObject = File;
        *DeviceObject = IoGetRelatedDeviceObject(File);
    }
    ZwClose(Handle);
    return Status;
}

/* PreviousMode is KernelMode inside a Zw routine, so drivers below see their caller as the kernel.
 */
static KPROCESSOR_MODE IopSetPreviousMode(KPROCESSOR_MODE Mode)
{
    KPROCESSOR_MODE Old = KiCurrentThread()->PreviousMode;

    KiCurrentThread()->PreviousMode = Mode;
    return Old;
}

NTEXPORT(NtCreateFile, PASSIVE_LEVEL, "file device");
NTSTATUS NTAPI NtCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                            PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                            ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer,
                            ULONG EaLength)
{
    if (EaLength != 0)
    {
        return STATUS_EAS_NOT_SUPPORTED;
    }
    return IopCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, FileAttributes,
                         ShareAccess, CreateDisposition, CreateOptions,
                         KiCurrentThread()->PreviousMode);
}

NTEXPORT(ZwCreateFile, PASSIVE_LEVEL, "file device");
NTSTATUS NTAPI ZwCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                            PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                            ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer,
                            ULONG EaLength)
{
    KPROCESSOR_MODE Mode = IopSetPreviousMode(KernelMode);
    NTSTATUS Status = NtCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock,
                                   AllocationSize, FileAttributes, ShareAccess, CreateDisposition,
                                   CreateOptions, EaBuffer, EaLength);

    IopSetPreviousMode(Mode);
    return Status;
}

NTEXPORT(NtOpenFile, PASSIVE_LEVEL, "file device");
NTSTATUS NTAPI NtOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                          POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                          ULONG ShareAccess, ULONG OpenOptions)
{
    return IopCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, 0, ShareAccess,
                         FILE_OPEN, OpenOptions, KiCurrentThread()->PreviousMode);
}

NTEXPORT(ZwOpenFile, PASSIVE_LEVEL, "file device");
NTSTATUS NTAPI ZwOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                          POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                          ULONG ShareAccess, ULONG OpenOptions)
{
    KPROCESSOR_MODE Mode = IopSetPreviousMode(KernelMode);
    NTSTATUS Status = NtOpenFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock,
                                 ShareAccess, OpenOptions);

    IopSetPreviousMode(Mode);
    return Status;
}

NTEXPORT(IoCreateFile, PASSIVE_LEVEL, "file device");
NTSTATUS NTAPI IoCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                            PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                            ULONG Disposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength,
                            CREATE_FILE_TYPE CreateFileType, PVOID InternalParameters,
                            ULONG Options)
{
    KPROCESSOR_MODE Mode =
        (Options & IO_NO_PARAMETER_CHECKING) ? KernelMode : KiCurrentThread()->PreviousMode;

    if (EaLength != 0 || CreateFileType != CreateFileTypeNone)
    {
        return STATUS_NOT_SUPPORTED;
    }
    return IopCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, FileAttributes,
                         ShareAccess, Disposition, CreateOptions, Mode);
}
