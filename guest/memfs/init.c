/*
 * DriverEntry, and the one dispatch routine: which device it is, whether the request goes to a work
 * item, and its completion. A request that pends has its user buffer locked first, as a file system
 * does that passes buffers as "neither".
 */
#include "guest/memfs/memfs.h"

#include "guest/include/rd.h"

DRIVER_INITIALIZE DriverEntry;

static MEMFS_ROUTINE *const Routines[IRP_MJ_MAXIMUM_FUNCTION + 1] = {
    [IRP_MJ_CREATE] = MemfsCreate,
    [IRP_MJ_CLOSE] = MemfsClose,
    [IRP_MJ_READ] = MemfsRead,
    [IRP_MJ_WRITE] = MemfsWrite,
    [IRP_MJ_QUERY_INFORMATION] = MemfsQueryInformation,
    [IRP_MJ_SET_INFORMATION] = MemfsSetInformation,
    [IRP_MJ_FLUSH_BUFFERS] = MemfsFlush,
    [IRP_MJ_QUERY_VOLUME_INFORMATION] = MemfsQueryVolume,
    [IRP_MJ_DIRECTORY_CONTROL] = MemfsDirectoryControl,
    [IRP_MJ_FILE_SYSTEM_CONTROL] = MemfsUserControl,
    [IRP_MJ_CLEANUP] = MemfsCleanup,
};

static NTSTATUS MemfsComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    IoCompleteRequest(Irp, NT_SUCCESS(Status) ? IO_DISK_INCREMENT : IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS MemfsRunRequest(PMEMFS_VCB Vcb, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    MEMFS_ROUTINE *Routine = Routines[Stack->MajorFunction];
    NTSTATUS Status = STATUS_INVALID_DEVICE_REQUEST;

    Irp->IoStatus.Information = 0;
    FsRtlEnterFileSystem();
    if (Stack->MajorFunction != IRP_MJ_CREATE &&
        (Stack->FileObject == NULL || Stack->FileObject->FsContext == NULL))
    {
        /* A stream file object that no create gave a context to: nothing to undo. */
        Status = Stack->MajorFunction == IRP_MJ_CLEANUP || Stack->MajorFunction == IRP_MJ_CLOSE
                     ? STATUS_SUCCESS
                     : STATUS_INVALID_DEVICE_REQUEST;
    }
    else if (Routine != NULL)
    {
        Status = Routine(Vcb, Irp, Stack);
    }
    FsRtlExitFileSystem();
    return MemfsComplete(Irp, Status);
}

typedef struct _MEMFS_POSTED
{
    PIO_WORKITEM Item;
    PIRP Irp;
} MEMFS_POSTED, *PMEMFS_POSTED;

static VOID NTAPI MemfsRunPosted(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    PMEMFS_POSTED Posted = Context;
    PIRP Irp = Posted->Irp;

    IoFreeWorkItem(Posted->Item);
    ExFreePoolWithTag(Posted, MEMFS_TAG);
    MemfsRunRequest(DeviceObject->DeviceExtension, Irp);
}

/* Whether this request goes to a work item. The choice is the explorer's. */
static BOOLEAN MemfsChoosesToPend(PMEMFS_VCB Vcb, PIO_STACK_LOCATION Stack)
{
    return Vcb->Device.MayPend &&
           (Stack->MajorFunction == IRP_MJ_READ || Stack->MajorFunction == IRP_MJ_WRITE ||
            (Stack->MajorFunction == IRP_MJ_DIRECTORY_CONTROL &&
             Stack->MinorFunction == IRP_MN_QUERY_DIRECTORY)) &&
           RdChoose(RD_CHOICE_PEND, 2) == 1;
}

static NTSTATUS MemfsLockUserBuffer(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    PMDL Mdl;

    /* The same place for reads, writes and directory queries. */
    if (Irp->MdlAddress != NULL || Irp->UserBuffer == NULL || Stack->Parameters.Read.Length == 0)
    {
        return STATUS_SUCCESS;
    }
    Mdl = IoAllocateMdl(Irp->UserBuffer, Stack->Parameters.Read.Length, FALSE, FALSE, Irp);
    if (Mdl == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    MmProbeAndLockPages(Mdl, Irp->RequestorMode,
                        Stack->MajorFunction == IRP_MJ_WRITE ? IoReadAccess : IoWriteAccess);
    return STATUS_SUCCESS;
}

static NTSTATUS MemfsPost(PMEMFS_VCB Vcb, PIRP Irp, PIO_STACK_LOCATION Stack)
{
    PMEMFS_POSTED Posted = ExAllocatePoolWithTag(NonPagedPool, sizeof *Posted, MEMFS_TAG);
    PIO_WORKITEM Item = IoAllocateWorkItem(Vcb->VolumeDevice);

    if (Posted == NULL || Item == NULL || !NT_SUCCESS(MemfsLockUserBuffer(Irp, Stack)))
    {
        if (Posted != NULL)
        {
            ExFreePoolWithTag(Posted, MEMFS_TAG);
        }
        if (Item != NULL)
        {
            IoFreeWorkItem(Item);
        }
        return MemfsComplete(Irp, STATUS_INSUFFICIENT_RESOURCES);
    }
    Posted->Item = Item;
    Posted->Irp = Irp;
    IoMarkIrpPending(Irp);
    IoQueueWorkItem(Item, MemfsRunPosted, CriticalWorkQueue, Posted);
    return STATUS_PENDING;
}

/* A disk in memory has nothing to transfer: the file system keeps its files itself. Opening and
 * closing it (without mounting) is all it does. */
static NTSTATUS MemfsOtherDevice(PMEMFS_DEVICE Device, PIRP Irp, PIO_STACK_LOCATION Stack);

static NTSTATUS NTAPI MemfsDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PMEMFS_DEVICE Device = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    if (Device->Kind != MEMFS_VOLUME)
    {
        Irp->IoStatus.Information = 0;
        return MemfsComplete(Irp, MemfsOtherDevice(Device, Irp, Stack));
    }
    if (MemfsChoosesToPend((PMEMFS_VCB)Device, Stack))
    {
        return MemfsPost((PMEMFS_VCB)Device, Irp, Stack);
    }
    return MemfsRunRequest((PMEMFS_VCB)Device, Irp);
}

static NTSTATUS MemfsCreateDisk(PDRIVER_OBJECT Driver, PMEMFS_DISK_REQUEST Request)
{
    UNICODE_STRING Name, DosName;
    PDEVICE_OBJECT Disk;
    PMEMFS_DEVICE Extension;
    NTSTATUS Status;

    RtlInitUnicodeString(&Name, Request->Name);
    RtlInitUnicodeString(&DosName, Request->DosName);
    Status =
        IoCreateDevice(Driver, sizeof *Extension, &Name, FILE_DEVICE_DISK, 0, FALSE, &Disk);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Extension = Disk->DeviceExtension;
    Extension->Kind = MEMFS_DISK;
    Extension->MayPend = Request->MayPend;
    Status = DosName.Length != 0 ? IoCreateSymbolicLink(&DosName, &Name) : STATUS_SUCCESS;
    if (!NT_SUCCESS(Status))
    {
        IoDeleteDevice(Disk);
        return Status;
    }
    Disk->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static NTSTATUS MemfsOtherDevice(PMEMFS_DEVICE Device, PIRP Irp, PIO_STACK_LOCATION Stack)
{
    switch (Stack->MajorFunction)
    {
    case IRP_MJ_CREATE:
        Irp->IoStatus.Information = FILE_OPENED;
        return STATUS_SUCCESS;
    case IRP_MJ_CLEANUP:
    case IRP_MJ_CLOSE:
        return STATUS_SUCCESS;
    case IRP_MJ_DEVICE_CONTROL:
        if (Device->Kind == MEMFS_CONTROL &&
            Stack->Parameters.DeviceIoControl.IoControlCode == IOCTL_MEMFS_CREATE_DISK &&
            Stack->Parameters.DeviceIoControl.InputBufferLength == sizeof(MEMFS_DISK_REQUEST))
        {
            return MemfsCreateDisk(Stack->DeviceObject->DriverObject,
                                   Irp->AssociatedIrp.SystemBuffer);
        }
        return STATUS_INVALID_DEVICE_REQUEST;
    case IRP_MJ_FILE_SYSTEM_CONTROL:
        if (Device->Kind == MEMFS_CONTROL && Stack->MinorFunction == IRP_MN_MOUNT_VOLUME)
        {
            return MemfsMount(Irp, Stack);
        }
        return STATUS_INVALID_DEVICE_REQUEST;
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(MEMFS_CONTROL_DEVICE);
    PDEVICE_OBJECT Control;
    NTSTATUS Status = IoCreateDevice(DriverObject, sizeof(MEMFS_DEVICE), &Name,
                                     FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE, &Control);

    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    ((PMEMFS_DEVICE)Control->DeviceExtension)->Kind = MEMFS_CONTROL;
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
    {
        DriverObject->MajorFunction[i] = MemfsDispatch;
    }
    IoRegisterFileSystem(Control);
    return STATUS_SUCCESS;
}
