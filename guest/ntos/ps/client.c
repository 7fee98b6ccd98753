/*
 * The kernel client of a scenario: holds a reference on the device object it was given, and nothing
 * else; builds a non-threaded IRP for each request, with a completion routine of its own that stops
 * completion, and frees the IRP itself.
 */
#include "guest/include/exp.h"
#include "guest/include/psp.h"
#include "guest/ntos/ps/scenario.h"

#define RD_CLIENT_TAG 0x696C4352 /* 'RCli' */

NTSTATUS RdKernelOpen(PRD_SLOT Slot, PCUNICODE_STRING Name)
{
    Slot->Device = NULL;
    return IopReferenceTopDevice(Name, &Slot->Device);
}

NTSTATUS RdKernelClose(PRD_SLOT Slot)
{
    PDEVICE_OBJECT Device = Slot->Device;

    if (Device == NULL)
    {
        return STATUS_INVALID_HANDLE;
    }
    Slot->Device = NULL;
    ObfDereferenceObject(Device);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI RdClientCompletion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PRD_SLOT Slot = Context;

    if (Irp->PendingReturned)
    {
        KeSetEvent(&Slot->Event, IO_NO_INCREMENT, FALSE);
    }
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* The outcome is known: copy results, free everything. */
static NTSTATUS RdFinishClient(PRD_SLOT Slot)
{
    PIRP Irp = Slot->Irp;
    ULONG_PTR Bytes = Irp->IoStatus.Information;

    Slot->Status = Irp->IoStatus.Status;
    if (Slot->Buffer != NULL)
    {
        if (!NT_ERROR(Slot->Status) && Slot->UserOutput != NULL && Bytes <= Slot->OutputSize)
        {
            RtlCopyMemory(Slot->UserOutput, Slot->Buffer, Bytes);
        }
        ExFreePoolWithTag(Slot->Buffer, RD_CLIENT_TAG);
        Slot->Buffer = NULL;
    }
    while (Irp->MdlAddress != NULL)
    {
        PMDL Mdl = Irp->MdlAddress;
        Irp->MdlAddress = Mdl->Next;
        IoFreeMdl(Mdl);
    }
    IoFreeIrp(Irp);
    Slot->Irp = NULL;
    Slot->Pending = FALSE;
    return Slot->Status;
}

/* The client's memory is nonpaged pool, so an MDL needs no locking. */
static NTSTATUS RdDescribe(PIRP Irp, PVOID Buffer, ULONG Bytes)
{
    PMDL Mdl = IoAllocateMdl(Buffer, Bytes, FALSE, FALSE, Irp);

    if (Mdl == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    MmBuildMdlForNonPagedPool(Mdl);
    return STATUS_SUCCESS;
}

static NTSTATUS RdBuildClientIrp(PRD_SLOT Slot, const struct rd_step *Step, PVOID Input,
                                 PVOID Output)
{
    ULONG Bytes = Step->input_size > Step->output_size ? Step->input_size : Step->output_size;
    PIRP Irp = Slot->Irp;
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);
    NTSTATUS Status = STATUS_SUCCESS;

    if (Bytes != 0)
    {
        Slot->Buffer = ExAllocatePoolWithTag(NonPagedPool, Bytes, RD_CLIENT_TAG);
        if (Slot->Buffer == NULL)
        {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        RtlZeroMemory(Slot->Buffer, Bytes);
        RtlCopyMemory(Slot->Buffer, Input, Step->input_size);
    }
    Slot->UserOutput = Output;
    Slot->OutputSize = Step->output_size;
    Irp->AssociatedIrp.SystemBuffer = Slot->Buffer;
    Irp->UserBuffer = Slot->Buffer;
    if (Step->op == RD_OP_IOCTL)
    {
        ULONG Method = METHOD_FROM_CTL_CODE(Step->code);
        Stack->MajorFunction = IRP_MJ_DEVICE_CONTROL;
        Stack->Parameters.DeviceIoControl.IoControlCode = Step->code;
        Stack->Parameters.DeviceIoControl.InputBufferLength = Step->input_size;
        Stack->Parameters.DeviceIoControl.OutputBufferLength = Step->output_size;
        Stack->Parameters.DeviceIoControl.Type3InputBuffer = Slot->Buffer;
        if ((Method == METHOD_IN_DIRECT || Method == METHOD_OUT_DIRECT) && Step->output_size != 0)
        {
            Status = RdDescribe(Irp, Slot->Buffer, Step->output_size);
        }
        return Status;
    }
    Stack->MajorFunction = Step->op == RD_OP_READ    ? IRP_MJ_READ
                           : Step->op == RD_OP_WRITE ? IRP_MJ_WRITE
                                                     : IRP_MJ_FLUSH_BUFFERS;
    if (Step->op != RD_OP_FLUSH)
    {
        Stack->Parameters.Read.Length = Bytes;
        Stack->Parameters.Read.ByteOffset.QuadPart = Step->value;
        if ((Slot->Device->Flags & DO_DIRECT_IO) && Bytes != 0)
        {
            Status = RdDescribe(Irp, Slot->Buffer, Bytes);
        }
    }
    return Status;
}

NTSTATUS RdKernelRequest(PRD_SLOT Slot, const struct rd_step *Step, PVOID Input, PVOID Output)
{
    NTSTATUS Status;

    if (Slot->Device == NULL)
    {
        return STATUS_INVALID_HANDLE;
    }
    Slot->Irp = IoAllocateIrp(Slot->Device->StackSize, FALSE);
    if (Slot->Irp == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Slot->Irp->Tail.Overlay.Thread = (PETHREAD)KiCurrentThread();
    Slot->Irp->RequestorMode = KernelMode;
    KeInitializeEvent(&Slot->Event, NotificationEvent, FALSE);
    Status = RdBuildClientIrp(Slot, Step, Input, Output);
    if (!NT_SUCCESS(Status))
    {
        Slot->Irp->IoStatus.Status = Status;
        return RdFinishClient(Slot);
    }
    IoSetCompletionRoutine(Slot->Irp, RdClientCompletion, Slot, TRUE, TRUE, TRUE);
    Status = IofCallDriver(Slot->Device, Slot->Irp);
    if (Status != STATUS_PENDING)
    {
        return RdFinishClient(Slot);
    }
    Slot->Pending = TRUE;
    return (Step->flags & RD_STEP_ASYNC) ? Status : RdKernelWait(Slot);
}

NTSTATUS RdKernelWait(PRD_SLOT Slot)
{
    if (!Slot->Pending)
    {
        return Slot->Status;
    }
    KeWaitForSingleObject(&Slot->Event, Executive, KernelMode, FALSE, NULL);
    return RdFinishClient(Slot);
}

/* The IRP is this client's until it has waited for it, so it is there to be cancelled. */
NTSTATUS RdKernelCancel(PRD_SLOT Slot)
{
    if (Slot->Pending)
    {
        IoCancelIrp(Slot->Irp);
    }
    return STATUS_SUCCESS;
}
