/*
 * Pool under the verifier: the automatic checks of every request (0xC4/0x00 to 0x16), special pool and pool tracking.
 *
 * Windows puts special-pool blocks on pages of their own and looks for damage when they are freed. The machine's shadow
 * memory sees every wrong access as it happens, on all blocks; so what special pool adds here is its names, and
 * what pool tracking adds is the look at unload. Blocks are counted where the driver calls the pool; what the kernel
 * allocates on a driver's behalf is the kernel's, but for work items and MDLs, which a driver must free itself.
 */
#include "guest/include/exp.h"
#include "guest/include/vfmem.h"

#define VF_PAGED_POOL 1u /* bit 0 of POOL_TYPE */

/* What 0xC1 found, its last parameter. */
#define VF_FREED_NOT_ALLOCATED 0x20
#define VF_FREED_BAD_ADDRESS 0x21

NOLOG PVF_DRIVER VfOwnerOf(PVOID Caller)
{
    PLIST_ENTRY Entry;

    for (Entry = VfDriverList.Flink; Entry != &VfDriverList; Entry = Entry->Flink)
    {
        PVF_DRIVER Driver = CONTAINING_RECORD(Entry, VF_DRIVER, Links);
        if (!Driver->Unloaded && KiInRange(Caller, RD_ADDRESS(Driver->ImageBase),
                                           RD_ADDRESS(Driver->ImageBase) + Driver->ImageSize))
        {
            return Driver;
        }
    }
    return NULL;
}

static NOLOG BOOLEAN VfIsDeleting(PVF_DRIVER Driver)
{
    RdTouch(&Driver->Deleting, 1, FALSE);
    return Driver->Deleting;
}

static NOLOG VOID VfSetDeleting(PVF_DRIVER Driver)
{
    RdTouch(&Driver->Deleting, 1, TRUE);
    Driver->Deleting = TRUE;
}

VOID VfDriverDeleting(PDRIVER_OBJECT DriverObject)
{
    PVF_DRIVER Driver = VfFindDriverByObject(DriverObject);

    if (Driver != NULL && Driver->Flags & VF_OPTION_POOL_TRACKING)
    {
        VfSetDeleting(Driver);
    }
}

/* Sums over what a driver has not freed. */
typedef struct _VF_LEAKS
{
    ULONG64 PagedBytes, NonPagedBytes;
    ULONG Count;
} VF_LEAKS;

static VF_LEAKS VfCountBlocks(PVF_DRIVER Driver)
{
    struct rd_pool_record Record;
    VF_LEAKS Leaks = {0};
    ULONG Index = 0;

    while (RdPoolOwned(Driver, &Index, &Record))
    {
        *(Record.type & VF_PAGED_POOL ? &Leaks.PagedBytes : &Leaks.NonPagedBytes) += Record.bytes;
        Leaks.Count++;
    }
    return Leaks;
}

static VOID VfCheckRequest(ULONG PoolType, SIZE_T Bytes, PVF_DRIVER Driver)
{
    KIRQL Irql = KeGetCurrentIrql();

    if (Bytes == 0)
    {
        VerifierBugCheck(0x00, Irql, PoolType, Bytes);
    }
    if (PoolType & VF_PAGED_POOL && Irql > APC_LEVEL)
    {
        VerifierBugCheck(0x01, Irql, PoolType, Bytes);
    }
    if (Irql > DISPATCH_LEVEL)
    {
        VerifierBugCheck(0x02, Irql, PoolType, Bytes);
    }
    if (Driver != NULL && Driver->Flags & VF_OPTION_POOL_TRACKING && VfIsDeleting(Driver))
    {
        VF_LEAKS Leaks = VfCountBlocks(Driver);
        VerifierBugCheck(0x61, Leaks.PagedBytes, Leaks.NonPagedBytes, Leaks.Count);
    }
}

static PVOID VfOwnBlock(PVOID Block, ULONG PoolType, PVF_DRIVER Driver, PVOID Caller)
{
    ULONG Flags = 0;

    if (Block == NULL || Driver == NULL)
    {
        return Block;
    }
    if (Driver->Flags & VF_OPTION_SPECIAL_POOL)
    {
        Flags |= RD_POOL_SPECIAL;
    }
    if (Driver->Flags & VF_OPTION_FORCE_IRQL && PoolType & VF_PAGED_POOL)
    {
        Flags |= RD_POOL_TRIMMED;
    }
    RdPoolOwn(Block, Driver, Caller, Flags);
    return Block;
}

#define VF_CALLER() __builtin_return_address(0)
#define VF_ROUTINE __attribute__((noinline))

#undef ExAllocatePool
#undef ExAllocatePoolWithQuota
#undef ExAllocatePoolWithTag
#undef ExAllocatePoolWithQuotaTag
#undef ExFreePool
#undef ExFreePoolWithTag

VFTHUNK(ExAllocatePoolWithTag, VF_OPTION_AUTOMATIC);
VF_ROUTINE PVOID NTAPI VerifierExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    PVF_DRIVER Driver = VfOwnerOf(VF_CALLER());

    VfCheckRequest(PoolType, NumberOfBytes, Driver);
    return VfOwnBlock(
        ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag), PoolType, Driver, VF_CALLER());
}

VFTHUNK(ExAllocatePool, VF_OPTION_AUTOMATIC);
VF_ROUTINE PVOID NTAPI VerifierExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
    PVF_DRIVER Driver = VfOwnerOf(VF_CALLER());

    VfCheckRequest(PoolType, NumberOfBytes, Driver);
    return VfOwnBlock(ExAllocatePool(PoolType, NumberOfBytes), PoolType, Driver, VF_CALLER());
}

VFTHUNK(ExAllocatePoolWithTagPriority, VF_OPTION_AUTOMATIC);
VF_ROUTINE PVOID NTAPI VerifierExAllocatePoolWithTagPriority(
    POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag, EX_POOL_PRIORITY Priority)
{
    PVF_DRIVER Driver = VfOwnerOf(VF_CALLER());

    VfCheckRequest(PoolType, NumberOfBytes, Driver);
    return VfOwnBlock(ExAllocatePoolWithTagPriority(PoolType, NumberOfBytes, Tag, Priority),
        PoolType, Driver, VF_CALLER());
}

VFTHUNK(ExAllocatePoolWithQuotaTag, VF_OPTION_AUTOMATIC);
VF_ROUTINE PVOID NTAPI VerifierExAllocatePoolWithQuotaTag(
    POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    PVF_DRIVER Driver = VfOwnerOf(VF_CALLER());

    VfCheckRequest(PoolType, NumberOfBytes, Driver);
    return VfOwnBlock(
        ExAllocatePoolWithQuotaTag(PoolType, NumberOfBytes, Tag), PoolType, Driver, VF_CALLER());
}

VFTHUNK(ExAllocatePoolWithQuota, VF_OPTION_AUTOMATIC);
VF_ROUTINE PVOID NTAPI VerifierExAllocatePoolWithQuota(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
    PVF_DRIVER Driver = VfOwnerOf(VF_CALLER());

    VfCheckRequest(PoolType, NumberOfBytes, Driver);
    return VfOwnBlock(
        ExAllocatePoolWithQuota(PoolType, NumberOfBytes), PoolType, Driver, VF_CALLER());
}

/* The POOL_FLAG_ family: what it gives for a bad request is documented (NULL), so only the IRQL is a rule. */
#define VF_FLAG_PAGED 0x100ull

PVOID NTAPI ExAllocatePool2(ULONG64 Flags, SIZE_T NumberOfBytes, ULONG Tag);
PVOID NTAPI ExAllocatePool3(
    ULONG64 Flags, SIZE_T NumberOfBytes, ULONG Tag, PVOID ExtendedParameters, ULONG Count);

static ULONG VfTypeOfFlags(ULONG64 Flags)
{
    return Flags & VF_FLAG_PAGED ? PagedPool : NonPagedPoolNx;
}

VFTHUNK(ExAllocatePool2, VF_OPTION_AUTOMATIC);
VF_ROUTINE PVOID NTAPI VerifierExAllocatePool2(ULONG64 Flags, SIZE_T NumberOfBytes, ULONG Tag)
{
    PVF_DRIVER Driver = VfOwnerOf(VF_CALLER());

    VfCheckRequest(VfTypeOfFlags(Flags), NumberOfBytes, Driver);
    return VfOwnBlock(
        ExAllocatePool2(Flags, NumberOfBytes, Tag), VfTypeOfFlags(Flags), Driver, VF_CALLER());
}

VFTHUNK(ExAllocatePool3, VF_OPTION_AUTOMATIC);
VF_ROUTINE PVOID NTAPI VerifierExAllocatePool3(
    ULONG64 Flags, SIZE_T NumberOfBytes, ULONG Tag, PVOID ExtendedParameters, ULONG Count)
{
    PVF_DRIVER Driver = VfOwnerOf(VF_CALLER());

    VfCheckRequest(VfTypeOfFlags(Flags), NumberOfBytes, Driver);
    return VfOwnBlock(ExAllocatePool3(Flags, NumberOfBytes, Tag, ExtendedParameters, Count),
        VfTypeOfFlags(Flags), Driver, VF_CALLER());
}

/* A driver must free its work items and MDLs; Windows 8.1 and later count the former. */
VFTHUNK(IoAllocateWorkItem, VF_OPTION_POOL_TRACKING);
VF_ROUTINE PIO_WORKITEM NTAPI VerifierIoAllocateWorkItem(PDEVICE_OBJECT DeviceObject)
{
    PIO_WORKITEM Item = IoAllocateWorkItem(DeviceObject);

    return RdLoaderBlock->os >= RD_OS_WIN10 ? VfOwnBlock(Item, NonPagedPool, VfOwnerOf(VF_CALLER()), VF_CALLER())
                             : Item;
}

VFTHUNK(IoAllocateMdl, VF_OPTION_POOL_TRACKING);
VF_ROUTINE PMDL NTAPI VerifierIoAllocateMdl(PVOID VirtualAddress, ULONG Length,
    BOOLEAN SecondaryBuffer, BOOLEAN ChargeQuota, PIRP Irp)
{
    return VfOwnBlock(IoAllocateMdl(VirtualAddress, Length, SecondaryBuffer, ChargeQuota, Irp),
        NonPagedPool, VfOwnerOf(VF_CALLER()), VF_CALLER());
}

/* Why a block cannot be freed. Special pool has words of its own for a bad address. */
static VOID VfCheckFree(PVOID P, struct rd_pool_record *Record)
{
    KIRQL Irql = KeGetCurrentIrql();
    ULONG64 Block = RD_ADDRESS(P);

    if ((LONG64)Block >= 0 || !RdPoolQuery(P, Record))
    {
        VerifierBugCheck(0x10, Block, 0, 0);
    }
    if (Record->address != Block)
    {
        if (Record->flags & RD_POOL_SPECIAL)
        {
            VfReportIssue(0xC1, Block, Record->bytes, Record->address + Record->bytes - Block,
                          VF_FREED_BAD_ADDRESS);
        }
        VerifierBugCheck(0x16, 0, Block, 0);
    }
    if (Record->freed)
    {
        if (Record->flags & RD_POOL_SPECIAL)
        {
            VfReportIssue(0xC1, Block, 0, 0, VF_FREED_NOT_ALLOCATED);
        }
        VerifierBugCheck(0x13, 0, Block - 16, 0);
    }
    if (Record->type & VF_PAGED_POOL && Irql > APC_LEVEL)
    {
        VerifierBugCheck(0x11, Irql, Record->type, Block);
    }
    if (Irql > DISPATCH_LEVEL)
    {
        VerifierBugCheck(0x12, Irql, Record->type, Block);
    }
    if (VfIsOptionEnabled(VF_OPTION_IO) && Record->tag == IOP_IRP_TAG && Record->owner == 0 &&
        ((PIRP)P)->Type == IO_TYPE_IRP)
    {
        VerifierBugCheck(0x105, Block, 0, 0);
    }
    VfCheckFreedBlock(Record);
}

VFTHUNK(ExFreePoolWithTag, VF_OPTION_AUTOMATIC);
VF_ROUTINE VOID NTAPI VerifierExFreePoolWithTag(PVOID P, ULONG Tag)
{
    struct rd_pool_record Record;

    VfCheckFree(P, &Record);
    ExFreePoolWithTag(P, Tag);
}

VFTHUNK(ExFreePool, VF_OPTION_AUTOMATIC);
VF_ROUTINE VOID NTAPI VerifierExFreePool(PVOID P)
{
    struct rd_pool_record Record;

    VfCheckFree(P, &Record);
    ExFreePool(P);
}

VOID NTAPI ExFreePool2(PVOID P, ULONG Tag, PVOID ExtendedParameters, ULONG Count);
VFTHUNK(ExFreePool2, VF_OPTION_AUTOMATIC);
VF_ROUTINE VOID NTAPI VerifierExFreePool2(PVOID P, ULONG Tag, PVOID ExtendedParameters, ULONG Count)
{
    struct rd_pool_record Record;

    VfCheckFree(P, &Record);
    ExFreePool2(P, Tag, ExtendedParameters, Count);
}

/* A line for each block, with the place that allocated it; the first one is to blame. */
static VOID VfNoteLeaks(PVF_DRIVER Driver)
{
    struct rd_pool_record Record;
    ULONG Index = 0, Kind = RD_NOTE_STACK | RD_NOTE_BLAME;
    CHAR Text[120], Tag[5];

    while (RdPoolOwned(Driver, &Index, &Record))
    {
        for (ULONG Byte = 0; Byte < 4; Byte++)
        {
            CHAR Letter = (CHAR)(Record.tag >> 8 * Byte);
            Tag[Byte] = Letter >= ' ' && Letter <= '~' ? Letter : '.';
        }
        Tag[4] = 0;
        _snprintf(Text, sizeof Text - 1, "Not freed: %016I64x, 0x%I64x bytes of %s pool, tag %s, allocated by",
            Record.address, Record.bytes, Record.type & VF_PAGED_POOL ? "paged" : "nonpaged", Tag);
        Text[sizeof Text - 1] = 0;
        RdNote(Kind, Text, &Record.caller, 1, NULL);
        Kind = RD_NOTE_STACK;
    }
}

VOID VfCheckPoolAtUnload(PVF_DRIVER Driver)
{
    VF_LEAKS Leaks;

    if (!(Driver->Flags & VF_OPTION_POOL_TRACKING))
    {
        return;
    }
    Leaks = VfCountBlocks(Driver);
    if (Leaks.Count != 0)
    {
        VfNoteLeaks(Driver);
        VerifierBugCheck(0x62, RD_ADDRESS(Driver->Name), RD_ADDRESS(Driver), Leaks.Count);
    }
}
