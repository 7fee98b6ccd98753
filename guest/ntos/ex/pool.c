/*
 * Pool. Every thread of execution allocates from a slab of its own and nothing is ever reused, so unrelated
 * allocations get the same addresses whatever the schedule and every use after free is seen. A block has no
 * header: the machine keeps size, tag and state, and 16 poisoned bytes stand on either side. The address says
 * what kind a block is, which ExFreePool needs for its IRQL rule:
 *
 *     below a page    nonpaged at 0 modulo 32 (never at a page's start), paged at 16 modulo 32
 *     a page or more  at a page's start; nonpaged on even pages, paged on odd ones
 */
#include "guest/include/exp.h"

#define EXP_ZONE 16u
#define EXP_SLABS (RD_POOL_SIZE / RD_POOL_SLAB)
#define EXP_PAGED 1u /* bit 0 of POOL_TYPE */

#define EXP_POOL_QUOTA_FAIL 8u
#define EXP_POOL_RAISE 16u
#define EXP_POOL_ZERO 1024u

typedef struct _EXP_SLAB
{
    ULONG64 Next;
    ULONG64 Limit;
} EXP_SLAB;

static EXP_SLAB ExpSlab[RD_MAX_STACKS];
static ULONG ExpNextSpareSlab = RD_MAX_STACKS;
static ULONG ExpFaultBudget;

C_ASSERT(RD_MAX_STACKS < EXP_SLABS);

static ULONG64 ExpSlabAddress(ULONG Number)
{
    return RD_POOL_BASE + Number * RD_POOL_SLAB;
}

VOID ExpInitializePool(VOID)
{
    ULONG Number;

    for (Number = 0; Number < RD_MAX_STACKS; Number++)
    {
        ExpSlab[Number].Next = ExpSlabAddress(Number);
        ExpSlab[Number].Limit = ExpSlabAddress(Number + 1);
    }
}

VOID ExpSetFaultBudget(ULONG Count)
{
    ExpFaultBudget = Count;
}

/* Deferred routines run on whatever thread they interrupt: they have their processor's slab. */
static EXP_SLAB *ExpCurrentSlab(VOID)
{
    PKPRCB Prcb = KiCurrentPrcb();

    return &ExpSlab[Prcb->DpcRoutineActive ? Prcb->Number : KiCurrentThread()->Index];
}

static ULONG64 ExpPlaceBlock(ULONG64 Next, SIZE_T Bytes, BOOLEAN Paged)
{
    ULONG64 Block;

    if (Bytes >= PAGE_SIZE)
    {
        Block = (Next + EXP_ZONE + PAGE_SIZE - 1) & ~(ULONG64)(PAGE_SIZE - 1);
        return (Block >> PAGE_SHIFT & 1) != Paged ? Block + PAGE_SIZE : Block;
    }
    Block = (Next + EXP_ZONE + 31) & ~31ull;
    if (Paged)
    {
        return Block + 16;
    }
    return Block % PAGE_SIZE == 0 ? Block + 32 : Block;
}

static BOOLEAN ExpIsPaged(ULONG64 Block)
{
    return Block % PAGE_SIZE == 0 ? Block >> PAGE_SHIFT & 1 : Block >> 4 & 1;
}

/* More memory for a slab that is full. Blocks larger than half a slab get whole slabs of their own. */
static BOOLEAN ExpTakeSpareSlabs(SIZE_T Bytes, EXP_SLAB *Slab)
{
    ULONG Count = (ULONG)((Bytes + 3 * PAGE_SIZE + RD_POOL_SLAB - 1) / RD_POOL_SLAB);

    if (Bytes > RD_POOL_SIZE || ExpNextSpareSlab + Count > EXP_SLABS)
    {
        return FALSE;
    }
    Slab->Next = ExpSlabAddress(ExpNextSpareSlab);
    Slab->Limit = ExpSlabAddress(ExpNextSpareSlab + Count);
    ExpNextSpareSlab += Count;
    return TRUE;
}

static PVOID ExpAllocate(ULONG PoolType, SIZE_T Bytes, ULONG Tag)
{
    EXP_SLAB *Slab = ExpCurrentSlab();
    EXP_SLAB Separate;
    BOOLEAN Paged = (PoolType & EXP_PAGED) != 0;
    ULONG64 Block;

    if (Bytes == 0)
    {
        Bytes = 1;
    }
    if (Bytes > RD_POOL_SLAB / 2)
    {
        if (!ExpTakeSpareSlabs(Bytes, &Separate))
        {
            return NULL;
        }
        Slab = &Separate;
    }
    Block = ExpPlaceBlock(Slab->Next, Bytes, Paged);
    if (Block + Bytes + EXP_ZONE > Slab->Limit)
    {
        if (!ExpTakeSpareSlabs(Bytes, Slab))
        {
            return NULL;
        }
        Block = ExpPlaceBlock(Slab->Next, Bytes, Paged);
    }
    RD_KASSERT(Block + Bytes + EXP_ZONE <= Slab->Limit);
    Slab->Next = (Block + Bytes + EXP_ZONE + 15) & ~15ull;
    RdPoolAllocated((PVOID)(ULONG_PTR)Block, Bytes, Tag, PoolType);
    return (PVOID)(ULONG_PTR)Block;
}

PVOID ExpAllocateKernelPool(SIZE_T Bytes, ULONG Tag)
{
    PVOID Block = ExpAllocate(NonPagedPool, Bytes, Tag);

    RD_KASSERT(Block != NULL);
    return Block;
}

static PVOID ExpAllocatePool(ULONG PoolType, SIZE_T Bytes, ULONG Tag)
{
    KIRQL Irql = KeGetCurrentIrql();
    PVOID Block;

    if (Irql > (PoolType & EXP_PAGED ? APC_LEVEL : DISPATCH_LEVEL))
    {
        KeBugCheckEx(RDBC_BAD_POOL_CALLER, 0x08, Irql, PoolType, Bytes);
    }
    if (ExpFaultBudget != 0 && RdChoose(RD_CHOICE_ALLOCATION, 2) == 1)
    {
        ExpFaultBudget--;
        return NULL;
    }
    Block = ExpAllocate(PoolType, Bytes, Tag);
    if (Block != NULL && PoolType & EXP_POOL_ZERO)
    {
        RtlZeroMemory(Block, Bytes);
    }
    return Block;
}

#undef ExAllocatePool
#undef ExAllocatePoolWithQuota
#undef ExAllocatePoolWithTag
#undef ExAllocatePoolWithQuotaTag
#undef ExFreePool
#undef ExFreePoolWithTag

NTEXPORT(ExAllocatePoolWithTag, DISPATCH_LEVEL, "pool");
PVOID NTAPI ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    PVOID Block = ExpAllocatePool(PoolType, NumberOfBytes, Tag);

    if (Block == NULL && PoolType & EXP_POOL_RAISE)
    {
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    }
    return Block;
}

NTEXPORT(ExAllocatePool, DISPATCH_LEVEL, "pool");
PVOID NTAPI ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
    return ExAllocatePoolWithTag(PoolType, NumberOfBytes, 'enoN');
}

NTEXPORT(ExAllocatePoolWithTagPriority, DISPATCH_LEVEL, "pool");
PVOID NTAPI ExAllocatePoolWithTagPriority(
    POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag, EX_POOL_PRIORITY Priority)
{
    return ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag);
}

NTEXPORT(ExAllocatePoolWithQuotaTag, DISPATCH_LEVEL, "pool");
PVOID NTAPI ExAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    PVOID Block = ExpAllocatePool(PoolType & ~EXP_POOL_QUOTA_FAIL, NumberOfBytes, Tag);

    if (Block == NULL && !(PoolType & EXP_POOL_QUOTA_FAIL))
    {
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    }
    return Block;
}

NTEXPORT(ExAllocatePoolWithQuota, DISPATCH_LEVEL, "pool");
PVOID NTAPI ExAllocatePoolWithQuota(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
    return ExAllocatePoolWithQuotaTag(PoolType, NumberOfBytes, 'enoN');
}

/* The POOL_FLAG_ family, in no DDK header that we compile against. */
#define EXP_FLAG_UNINITIALIZED 0x2ull
#define EXP_FLAG_RAISE_ON_FAILURE 0x20ull
#define EXP_FLAG_NON_PAGED 0x40ull
#define EXP_FLAG_NON_PAGED_EXECUTE 0x80ull
#define EXP_FLAG_PAGED 0x100ull

PVOID NTAPI ExAllocatePool2(ULONG64 Flags, SIZE_T NumberOfBytes, ULONG Tag);
NTEXPORT(ExAllocatePool2, DISPATCH_LEVEL, "pool");
PVOID NTAPI ExAllocatePool2(ULONG64 Flags, SIZE_T NumberOfBytes, ULONG Tag)
{
    ULONG Type = Flags & EXP_FLAG_PAGED ? PagedPool
        : Flags & EXP_FLAG_NON_PAGED_EXECUTE ? NonPagedPool
                                             : NonPagedPoolNx;
    PVOID Block = NULL;

    if (Tag != 0 && NumberOfBytes != 0
        && Flags & (EXP_FLAG_PAGED | EXP_FLAG_NON_PAGED | EXP_FLAG_NON_PAGED_EXECUTE))
    {
        Block = ExpAllocatePool(
            Type | (Flags & EXP_FLAG_UNINITIALIZED ? 0 : EXP_POOL_ZERO), NumberOfBytes, Tag);
    }
    if (Block == NULL && Flags & EXP_FLAG_RAISE_ON_FAILURE)
    {
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    }
    return Block;
}

PVOID NTAPI ExAllocatePool3(
    ULONG64 Flags, SIZE_T NumberOfBytes, ULONG Tag, PVOID ExtendedParameters, ULONG Count);
NTEXPORT(ExAllocatePool3, DISPATCH_LEVEL, "pool");
PVOID NTAPI ExAllocatePool3(
    ULONG64 Flags, SIZE_T NumberOfBytes, ULONG Tag, PVOID ExtendedParameters, ULONG Count)
{
    return ExAllocatePool2(Flags, NumberOfBytes, Tag);
}

static VOID ExpFree(PVOID P)
{
    KIRQL Irql = KeGetCurrentIrql();
    ULONG64 Block = RD_ADDRESS(P);
    BOOLEAN Paged = ExpIsPaged(Block);

    if ((LONG64)Block >= 0)
    {
        KeBugCheckEx(RDBC_BAD_POOL_CALLER, 0x40, Block, 0, 0);
    }
    if (Irql > (Paged ? APC_LEVEL : DISPATCH_LEVEL))
    {
        KeBugCheckEx(RDBC_BAD_POOL_CALLER, 0x09, Irql, Paged, Block);
    }
    switch (RdPoolFreed(P))
    {
    case 0:
        break;
    case 2:
        KeBugCheckEx(RDBC_BAD_POOL_CALLER, 0x07, 0, 0, Block);
        break;
    default:
        KeBugCheckEx(RDBC_BAD_POOL_CALLER, 0x46, Block, 0, 0);
        break;
    }
}

NTEXPORT(ExFreePool, DISPATCH_LEVEL, "pool");
VOID NTAPI ExFreePool(PVOID P)
{
    ExpFree(P);
}

NTEXPORT(ExFreePoolWithTag, DISPATCH_LEVEL, "pool");
VOID NTAPI ExFreePoolWithTag(PVOID P, ULONG Tag)
{
    ExpFree(P);
}

VOID NTAPI ExFreePool2(PVOID P, ULONG Tag, PVOID ExtendedParameters, ULONG Count);
NTEXPORT(ExFreePool2, DISPATCH_LEVEL, "pool");
VOID NTAPI ExFreePool2(PVOID P, ULONG Tag, PVOID ExtendedParameters, ULONG Count)
{
    ExpFree(P);
}
