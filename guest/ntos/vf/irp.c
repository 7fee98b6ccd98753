/* I/O verification of IRPs as objects: built, initialised, reused and freed by verified drivers (verifier.md 5a, 5b). */
#include "guest/include/vf.h"

/* Sent, and neither completed nor back: a call with it is in progress, or somebody keeps it pending. */
static BOOLEAN VfIsInUse(PIRP Irp)
{
    return VfIsIrpInCall(Irp) ||
           (Irp->CurrentLocation > 0 && Irp->CurrentLocation <= Irp->StackCount &&
               (IoGetCurrentIrpStackLocation(Irp)->Control & SL_PENDING_RETURNED));
}

VFTHUNK(IoFreeIrp, VF_OPTION_IO);
__attribute__((noinline)) VOID NTAPI VerifierIoFreeIrp(PIRP Irp)
{
    ULONG_PTR Caller = RD_ADDRESS(__builtin_return_address(0));

    if (Irp->Type != IO_TYPE_IRP)
    {
        VerifierIoBugCheck(0x01, RD_ADDRESS(Irp), 0, 0);
    }
    if (!IsListEmpty(&Irp->ThreadListEntry))
    {
        VerifierIoBugCheck(0x20C, Caller, RD_ADDRESS(Irp), RD_ADDRESS(Irp->Tail.Overlay.Thread));
    }
    if (VfIsInUse(Irp))
    {
        VerifierIoBugCheck(0x20A, Caller, RD_ADDRESS(Irp), 0);
    }
    IoFreeIrp(Irp);
}

VFTHUNK(IoReuseIrp, VF_OPTION_IO);
__attribute__((noinline)) VOID NTAPI VerifierIoReuseIrp(PIRP Irp, NTSTATUS Status)
{
    ULONG_PTR Caller = RD_ADDRESS(__builtin_return_address(0));

    if ((Irp->Flags & IRP_ASSOCIATED_IRP) || !IsListEmpty(&Irp->ThreadListEntry))
    {
        VerifierIoBugCheck(0x311, Caller, RD_ADDRESS(Irp), 0);
    }
    if (VfIsInUse(Irp))
    {
        VerifierIoBugCheck(0x310, Caller, RD_ADDRESS(Irp), 0);
    }
    IoReuseIrp(Irp, Status);
}

/* Did IoAllocateIrp make it? The memory of any other may hold whatever it likes before it is initialised. */
static BOOLEAN VfIsAllocatedIrp(PIRP Irp)
{
    struct rd_pool_record Record;

    return RdPoolQuery(Irp, &Record) && !Record.freed && Record.address == RD_ADDRESS(Irp) &&
           Record.tag == IOP_IRP_TAG && Record.owner == 0;
}

VFTHUNK(IoInitializeIrp, VF_OPTION_IO);
__attribute__((noinline)) VOID NTAPI VerifierIoInitializeIrp(
    PIRP Irp, USHORT PacketSize, CCHAR StackSize)
{
    ULONG_PTR Caller = RD_ADDRESS(__builtin_return_address(0));
    BOOLEAN Allocated = VfIsAllocatedIrp(Irp);

    if (Allocated ? VfIsInUse(Irp) : VfIsIrpInCall(Irp))
    {
        VerifierIoBugCheck(0x310, Caller, RD_ADDRESS(Irp), 0);
    }
    if (Allocated && ((Irp->Flags & IRP_ASSOCIATED_IRP) || !IsListEmpty(&Irp->ThreadListEntry)))
    {
        VerifierIoBugCheck(0x311, Caller, RD_ADDRESS(Irp), 0);
    }
    if (Allocated)
    {
        VerifierIoBugCheck(Irp->AllocationFlags & IRP_QUOTA_CHARGED ? 0x20D : 0x238, Caller,
            RD_ADDRESS(Irp), 0);
    }
    IoInitializeIrp(Irp, PacketSize, StackSize);
}

static BOOLEAN VfIsBadBuffer(PVOID Buffer, ULONG Length)
{
    PUCHAR Byte = Buffer;

    if (Buffer == NULL || Length == 0)
    {
        return FALSE;
    }
    for (ULONG Offset = 0; Offset < Length; Offset += PAGE_SIZE)
    {
        if (!MmIsAddressValid(Byte + Offset))
        {
            return TRUE;
        }
    }
    return !MmIsAddressValid(Byte + Length - 1);
}

VFTHUNK(IoBuildAsynchronousFsdRequest, VF_OPTION_IO);
__attribute__((noinline)) PIRP NTAPI VerifierIoBuildAsynchronousFsdRequest(ULONG MajorFunction,
    PDEVICE_OBJECT DeviceObject, PVOID Buffer, ULONG Length, PLARGE_INTEGER StartingOffset,
    PIO_STATUS_BLOCK IoStatusBlock)
{
    if (VfIsBadBuffer(Buffer, Length))
    {
        VerifierIoBugCheck(
            0x08, RD_ADDRESS(DeviceObject), MajorFunction, (ULONG)STATUS_ACCESS_VIOLATION);
    }
    return IoBuildAsynchronousFsdRequest(
        MajorFunction, DeviceObject, Buffer, Length, StartingOffset, IoStatusBlock);
}

VFTHUNK(IoBuildDeviceIoControlRequest, VF_OPTION_IO);
__attribute__((noinline)) PIRP NTAPI VerifierIoBuildDeviceIoControlRequest(ULONG IoControlCode,
    PDEVICE_OBJECT DeviceObject, PVOID InputBuffer, ULONG InputBufferLength, PVOID OutputBuffer,
    ULONG OutputBufferLength, BOOLEAN InternalDeviceIoControl, PKEVENT Event,
    PIO_STATUS_BLOCK IoStatusBlock)
{
    /* METHOD_NEITHER hands the addresses through; nobody touches them here. */
    if (METHOD_FROM_CTL_CODE(IoControlCode) != METHOD_NEITHER &&
        (VfIsBadBuffer(InputBuffer, InputBufferLength) ||
            VfIsBadBuffer(OutputBuffer, OutputBufferLength)))
    {
        VerifierIoBugCheck(
            0x09, RD_ADDRESS(DeviceObject), IoControlCode, (ULONG)STATUS_ACCESS_VIOLATION);
    }
    return IoBuildDeviceIoControlRequest(IoControlCode, DeviceObject, InputBuffer,
        InputBufferLength, OutputBuffer, OutputBufferLength, InternalDeviceIoControl, Event,
        IoStatusBlock);
}
