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

static VOID IopLeaveDevice(PFILE_OBJECT File);

VOID IopDeleteFile(PVOID Object)
{
    PFILE_OBJECT File = Object;
    BOOLEAN Volume = File->Vpb != NULL;

    if (File->DeviceObject != NULL)
    {
        IopSendClose(File, IRP_MJ_CLOSE);
        IopLeaveDevice(File);
    }
    if (File->FileName.Buffer != NULL)
    {
        ExFreePoolWithTag(File->FileName.Buffer, IOP_TAG);
    }
    if (Volume)
    {
        RdSchedule(); /* IopEndRequestOnVolume; the file is gone here */
    }
}

/* What only few files have. */
typedef struct _IOP_FILE_EXTENSION
{
    PDEVICE_OBJECT TopHint; /* never followed unless it stands in the file's stack */
} IOP_FILE_EXTENSION, *PIOP_FILE_EXTENSION;

PDEVICE_OBJECT IopTopDeviceHint(PFILE_OBJECT File)
{
    PIOP_FILE_EXTENSION Extension = File->FileObjectExtension;

    return Extension != NULL ? Extension->TopHint : NULL;
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

static NTSTATUS IopSendCreate(PFILE_OBJECT File, const IOP_OPEN *Open, PIO_STATUS_BLOCK IoStatus)
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
    AccessState.OriginalDesiredAccess = Open->Access;
    AccessState.PreviouslyGrantedAccess = Open->Access;
    Security.SecurityQos = NULL;
    Security.AccessState = &AccessState;
    Security.DesiredAccess = Open->Access;
    Security.FullCreateOptions = Open->Options;
    Irp->RequestorMode = Open->Mode;
    Irp->Flags = IRP_CREATE_OPERATION;
    Irp->Overlay.AllocationSize = Open->AllocationSize;
    Stack = IoGetNextIrpStackLocation(Irp);
    Stack->MajorFunction = IRP_MJ_CREATE;
    Stack->Flags = Open->StackFlags;
    Stack->FileObject = File;
    Stack->Parameters.Create.SecurityContext = &Security;
    Stack->Parameters.Create.Options =
        Open->Disposition << 24 | (Open->Options & IOP_CREATE_OPTIONS);
    Stack->Parameters.Create.FileAttributes = (USHORT)Open->FileAttributes;
    Stack->Parameters.Create.ShareAccess = (USHORT)Open->ShareAccess;
    return IopCallAndComplete(Device, Irp, File, IoStatus);
}

/* An open of a disk's own name for nothing that needs its medium does not mount it. */
static BOOLEAN IopIsDirectOpen(PCUNICODE_STRING Rest, PFILE_OBJECT Related, const IOP_OPEN *Open)
{
    return Rest->Length == 0 && Related == NULL &&
           !(Open->Access & ~(ULONG)(SYNCHRONIZE | FILE_READ_ATTRIBUTES | READ_CONTROL |
                                     ACCESS_SYSTEM_SECURITY | WRITE_OWNER | WRITE_DAC));
}

/* What the file's requests go through: a mounted volume, a device of its own choice in the stack. */
static NTSTATUS IopChooseStack(PFILE_OBJECT File, PCUNICODE_STRING Rest, PFILE_OBJECT Related,
                               const IOP_OPEN *Open)
{
    if (Open->TopHint != NULL)
    {
        PIOP_FILE_EXTENSION Extension =
            ExAllocatePoolWithTag(NonPagedPool, sizeof *Extension, IOP_TAG);
        if (Extension == NULL)
        {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        Extension->TopHint = Open->TopHint;
        File->FileObjectExtension = Extension;
    }
    if (File->DeviceObject->Vpb == NULL)
    {
        return STATUS_SUCCESS;
    }
    if (Related != NULL && Related->Vpb != NULL)
    {
        File->Vpb = Related->Vpb;
        File->Vpb->ReferenceCount++;
        return STATUS_SUCCESS;
    }
    if (IopIsDirectOpen(Rest, Related, Open) || (Related != NULL && Related->Vpb == NULL))
    {
        File->Flags |= FO_DIRECT_DEVICE_OPEN;
        return STATUS_SUCCESS;
    }
    return IopReferenceMountedVpb(File->DeviceObject, &File->Vpb);
}

/* Takes back what a file holds beside its name, in the order of IopOpenDevice backwards. */
static VOID IopLeaveDevice(PFILE_OBJECT File)
{
    PDEVICE_OBJECT Device = File->DeviceObject;

    File->DeviceObject = NULL;
    if (File->Vpb != NULL)
    {
        IopDereferenceVpb(File->Vpb);
        File->Vpb = NULL;
    }
    if (File->FileObjectExtension != NULL)
    {
        ExFreePoolWithTag(File->FileObjectExtension, IOP_TAG);
        File->FileObjectExtension = NULL;
    }
    IopDereferenceDevice(Device);
}

/* A file object on Device, opened by its driver; *File has one reference. */
static NTSTATUS IopOpenDevice(PDEVICE_OBJECT Device, PCUNICODE_STRING Rest, PFILE_OBJECT Related,
                              PIO_STATUS_BLOCK IoStatus, const IOP_OPEN *Open, PFILE_OBJECT *Result)
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
    IopInitializeFile(File, Device, Open->Options, Open->Access, Open->ShareAccess);
    Status = IopChooseStack(File, Rest, Related, Open);
    if (NT_SUCCESS(Status) && Rest->Length != 0)
    {
        File->FileName.Buffer = ExAllocatePoolWithTag(PagedPool, Rest->Length, IOP_TAG);
        Status = File->FileName.Buffer != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    }
    if (NT_SUCCESS(Status))
    {
        RtlCopyMemory(File->FileName.Buffer, Rest->Buffer, Rest->Length);
        File->FileName.Length = File->FileName.MaximumLength = Rest->Length;
        File->RelatedFileObject = Related;
        Status = IopSendCreate(File, Open, IoStatus);
        File->RelatedFileObject = NULL; /* says something only while the file is being opened */
    }
    if (!NT_SUCCESS(Status))
    {
        /* Never opened, so the driver sees no close. */
        IopLeaveDevice(File);
        ObfDereferenceObject(File);
        return Status;
    }
    File->Flags |= FO_FILE_OPEN;
    *Result = File;
    return Status;
}

static NTSTATUS IopFindDevice(POBJECT_ATTRIBUTES Attributes, PFILE_OBJECT *Related, PVOID *Object,
                              PUNICODE_STRING Rest, PWSTR *Storage, KPROCESSOR_MODE Mode)
{
    NTSTATUS Status;
    PVOID File;

    if (Attributes->RootDirectory == NULL)
    {
        return ObpLookupName(Attributes->ObjectName, NULL, Object, Rest, Storage);
    }
    Status = ObReferenceObjectByHandle(Attributes->RootDirectory, 0, ObpFileType, Mode, &File, NULL);
    if (NT_SUCCESS(Status))
    {
        *Related = File;
        *Object = (*Related)->DeviceObject;
        ObfReferenceObject(*Object);
        *Rest = *Attributes->ObjectName;
        if (Rest->Length != 0 && Rest->Buffer[0] == L'\\')
        {
            ObfDereferenceObject(*Object);
            ObfDereferenceObject(File);
            *Related = NULL;
            Status = STATUS_INVALID_PARAMETER;
        }
    }
    return Status;
}

/* Combinations that NtCreateFile documents to be invalid. */
static BOOLEAN IopIsGoodOpen(const IOP_OPEN *Open)
{
    BOOLEAN Directory = (Open->Options & FILE_DIRECTORY_FILE) != 0;

    return Open->Disposition <= FILE_MAXIMUM_DISPOSITION &&
           !(Directory && (Open->Options & FILE_NON_DIRECTORY_FILE)) &&
           !(Directory && Open->Disposition != FILE_OPEN && Open->Disposition != FILE_CREATE &&
             Open->Disposition != FILE_OPEN_IF) &&
           !((Open->Options & FILE_DELETE_ON_CLOSE) &&
             !(Open->Access & (DELETE | MAXIMUM_ALLOWED)));
}

NTSTATUS IopCreateFile(PHANDLE Handle, POBJECT_ATTRIBUTES Attributes, PIO_STATUS_BLOCK IoStatus,
                       const IOP_OPEN *Asked)
{
    static GENERIC_MAPPING Generic = {FILE_GENERIC_READ, FILE_GENERIC_WRITE,
                                            FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS};
    IOP_OPEN Open = *Asked;
    UNICODE_STRING Rest;
    PWSTR Storage = NULL;
    PFILE_OBJECT File, Related = NULL;
    PVOID Object;
    NTSTATUS Status;

    RtlMapGenericMask(&Open.Access, &Generic);
    if (Attributes == NULL || Attributes->ObjectName == NULL || !IopIsGoodOpen(&Open))
    {
        return STATUS_INVALID_PARAMETER;
    }
    if (Open.Access & MAXIMUM_ALLOWED)
    {
        Open.Access = (Open.Access & ~(ULONG)MAXIMUM_ALLOWED) | FILE_ALL_ACCESS;
    }
    Status = IopFindDevice(Attributes, &Related, &Object, &Rest, &Storage, Open.Mode);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Status = STATUS_OBJECT_TYPE_MISMATCH;
    if (ObpHeaderOf(Object)->Type == ObpDeviceType)
    {
        Status = IopOpenDevice(Object, &Rest, Related, IoStatus, &Open, &File);
    }
    if (NT_SUCCESS(Status))
    {
        NTSTATUS HandleStatus =
            ObpCreateHandle(File, Open.Access, Attributes->Attributes, Handle);
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
    if (Related != NULL)
    {
        ObfDereferenceObject(Related);
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

NTEXPORT(NtCreateFile, PASSIVE_LEVEL, "file device");
NTSTATUS NTAPI NtCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                            PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                            ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer,
                            ULONG EaLength)
{
    IOP_OPEN Open = {0};

    if (EaLength != 0)
    {
        return STATUS_EAS_NOT_SUPPORTED;
    }
    Open.Access = DesiredAccess;
    Open.FileAttributes = FileAttributes;
    Open.ShareAccess = ShareAccess;
    Open.Disposition = CreateDisposition;
    Open.Options = CreateOptions;
    Open.Mode = KiCurrentThread()->PreviousMode;
    if (AllocationSize != NULL)
    {
        Open.AllocationSize = *AllocationSize;
    }
    return IopCreateFile(FileHandle, ObjectAttributes, IoStatusBlock, &Open);
}

NTEXPORT(ZwCreateFile, PASSIVE_LEVEL, "file device");
NTSTATUS NTAPI ZwCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                            PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                            ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer,
                            ULONG EaLength)
{
    ZW(NtCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, AllocationSize, FileAttributes, ShareAccess,
                    CreateDisposition, CreateOptions, EaBuffer, EaLength));
}

NTEXPORT(NtOpenFile, PASSIVE_LEVEL, "file device");
NTSTATUS NTAPI NtOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                          POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                          ULONG ShareAccess, ULONG OpenOptions)
{
    IOP_OPEN Open = {.Access = DesiredAccess,
                     .ShareAccess = ShareAccess,
                     .Disposition = FILE_OPEN,
                     .Options = OpenOptions,
                     .Mode = KiCurrentThread()->PreviousMode};

    return IopCreateFile(FileHandle, ObjectAttributes, IoStatusBlock, &Open);
}

NTEXPORT(ZwOpenFile, PASSIVE_LEVEL, "file device");
NTSTATUS NTAPI ZwOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                          POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                          ULONG ShareAccess, ULONG OpenOptions)
{
    ZW(NtOpenFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, ShareAccess, OpenOptions));
}

static NTSTATUS IopIoCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                                POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                                PLARGE_INTEGER AllocationSize, ULONG FileAttributes,
                                ULONG ShareAccess, ULONG Disposition, ULONG CreateOptions,
                                ULONG EaLength, CREATE_FILE_TYPE CreateFileType, ULONG Options,
                                PDEVICE_OBJECT TopHint)
{
    IOP_OPEN Open = {.Access = DesiredAccess,
                     .FileAttributes = FileAttributes,
                     .ShareAccess = ShareAccess,
                     .Disposition = Disposition,
                     .Options = CreateOptions,
                     .TopHint = TopHint};

    if (EaLength != 0 || CreateFileType != CreateFileTypeNone)
    {
        return STATUS_NOT_SUPPORTED;
    }
    Open.Mode =
        (Options & IO_NO_PARAMETER_CHECKING) ? KernelMode : KiCurrentThread()->PreviousMode;
    Open.StackFlags = (Options & IO_OPEN_TARGET_DIRECTORY) ? SL_OPEN_TARGET_DIRECTORY : 0;
    if (AllocationSize != NULL)
    {
        Open.AllocationSize = *AllocationSize;
    }
    return IopCreateFile(FileHandle, ObjectAttributes, IoStatusBlock, &Open);
}

NTEXPORT(IoCreateFile, PASSIVE_LEVEL, "file device");
NTSTATUS NTAPI IoCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                            PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                            ULONG Disposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength,
                            CREATE_FILE_TYPE CreateFileType, PVOID InternalParameters,
                            ULONG Options)
{
    return IopIoCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock,
                           AllocationSize, FileAttributes, ShareAccess, Disposition, CreateOptions,
                           EaLength, CreateFileType, Options, NULL);
}

/* Documented: implies IO_NO_PARAMETER_CHECKING. */
NTEXPORT(IoCreateFileSpecifyDeviceObjectHint, PASSIVE_LEVEL, "file device");
NTSTATUS NTAPI IoCreateFileSpecifyDeviceObjectHint(
    PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
    PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER AllocationSize, ULONG FileAttributes,
    ULONG ShareAccess, ULONG Disposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength,
    CREATE_FILE_TYPE CreateFileType, PVOID InternalParameters, ULONG Options, PVOID DeviceObject)
{
    return IopIoCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock,
                           AllocationSize, FileAttributes, ShareAccess, Disposition, CreateOptions,
                           EaLength, CreateFileType, Options | IO_NO_PARAMETER_CHECKING,
                           DeviceObject);
}

/* A file object that a file system makes for itself: no create request led to it, but a close ends
 * it. DeviceObject: the disk's, as in every other file object. */
static PFILE_OBJECT IopMakeStream(PFILE_OBJECT FileObject, PDEVICE_OBJECT DeviceObject)
{
    PDEVICE_OBJECT Device = FileObject != NULL ? FileObject->DeviceObject : DeviceObject;
    PFILE_OBJECT File;

    if (!NT_SUCCESS(IopReferenceDeviceForOpen(Device)))
    {
        return NULL;
    }
    File = ObpAllocateObject(ObpFileType, sizeof *File);
    if (File == NULL)
    {
        IopDereferenceDevice(Device);
        return NULL;
    }
    IopInitializeFile(File, Device, FILE_SYNCHRONOUS_IO_NONALERT, 0, 0);
    File->Flags |= FO_STREAM_FILE;
    File->Vpb = FileObject != NULL ? FileObject->Vpb : Device->Vpb;
    if (File->Vpb != NULL)
    {
        File->Vpb->ReferenceCount++;
    }
    return File;
}

NTEXPORT(IoCreateStreamFileObjectLite, PASSIVE_LEVEL, "file device");
PFILE_OBJECT NTAPI IoCreateStreamFileObjectLite(PFILE_OBJECT FileObject,
                                                PDEVICE_OBJECT DeviceObject)
{
    return IopMakeStream(FileObject, DeviceObject);
}

/* Documented: makes a handle and closes it, so the file system sees a cleanup before it returns. */
NTEXPORT(IoCreateStreamFileObject, PASSIVE_LEVEL, "file device");
PFILE_OBJECT NTAPI IoCreateStreamFileObject(PFILE_OBJECT FileObject, PDEVICE_OBJECT DeviceObject)
{
    PFILE_OBJECT File = IopMakeStream(FileObject, DeviceObject);
    HANDLE Handle;

    if (File == NULL || !NT_SUCCESS(ObpCreateHandle(File, 0, OBJ_KERNEL_HANDLE, &Handle)))
    {
        if (File != NULL)
        {
            ObfDereferenceObject(File);
        }
        return NULL;
    }
    File->Flags |= FO_HANDLE_CREATED;
    ZwClose(Handle);
    return File;
}
