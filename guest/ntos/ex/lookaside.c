/*
 * Lookaside lists. The allocate and free paths are inlined into drivers: they take a cached entry if there is one
 * and keep a freed one while the list is shallower than Depth. Depth is 0 here, so every entry comes from the
 * pool and goes back to it, and a use after free is seen; how deep a list gets was never promised.
 */
#include "guest/include/exp.h"

static PVOID NTAPI ExpLookasideAllocate(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag);
}

static VOID NTAPI ExpLookasideFree(PVOID Buffer)
{
    ExFreePool(Buffer);
}

static PVOID NTAPI ExpLookasideAllocateEx(
    POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag, PLOOKASIDE_LIST_EX Lookaside)
{
    return ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag);
}

static VOID NTAPI ExpLookasideFreeEx(PVOID Buffer, PLOOKASIDE_LIST_EX Lookaside)
{
    ExFreePool(Buffer);
}

static VOID ExpInitializeLookaside(
    PGENERAL_LOOKASIDE List, POOL_TYPE Type, SIZE_T Size, ULONG Tag)
{
    RtlZeroMemory(List, sizeof(*List));
    InitializeSListHead(&List->ListHead);
    List->MaximumDepth = 256;
    List->Type = Type;
    List->Tag = Tag;
    List->Size = (ULONG)Size;
}

NTEXPORT(ExInitializeNPagedLookasideList, DISPATCH_LEVEL, "lookaside");
VOID NTAPI ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside,
    PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free, ULONG Flags, SIZE_T Size, ULONG Tag,
    USHORT Depth)
{
    ExpInitializeLookaside(&Lookaside->L, (POOL_TYPE)(NonPagedPool | Flags), Size, Tag);
    Lookaside->L.Allocate = Allocate != NULL ? Allocate : ExpLookasideAllocate;
    Lookaside->L.Free = Free != NULL ? Free : ExpLookasideFree;
}

NTEXPORT(ExInitializePagedLookasideList, APC_LEVEL, "lookaside");
VOID NTAPI ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside,
    PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free, ULONG Flags, SIZE_T Size, ULONG Tag,
    USHORT Depth)
{
    ExpInitializeLookaside(&Lookaside->L, (POOL_TYPE)(PagedPool | Flags), Size, Tag);
    Lookaside->L.Allocate = Allocate != NULL ? Allocate : ExpLookasideAllocate;
    Lookaside->L.Free = Free != NULL ? Free : ExpLookasideFree;
}

/* A driver may have pushed entries itself. */
static VOID ExpDrain(PSLIST_HEADER Head, PFREE_FUNCTION Free)
{
    PSLIST_ENTRY Entry;

    while ((Entry = ExpInterlockedPopEntrySList(Head)) != NULL)
    {
        Free(Entry);
    }
}

NTEXPORT(ExDeleteNPagedLookasideList, DISPATCH_LEVEL, "lookaside");
VOID NTAPI ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside)
{
    ExpDrain(&Lookaside->L.ListHead, Lookaside->L.Free);
}

NTEXPORT(ExDeletePagedLookasideList, APC_LEVEL, "lookaside");
VOID NTAPI ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside)
{
    ExpDrain(&Lookaside->L.ListHead, Lookaside->L.Free);
}

NTEXPORT(ExInitializeLookasideListEx, DISPATCH_LEVEL, "lookaside");
NTSTATUS NTAPI ExInitializeLookasideListEx(PLOOKASIDE_LIST_EX Lookaside,
    PALLOCATE_FUNCTION_EX Allocate, PFREE_FUNCTION_EX Free, POOL_TYPE PoolType, ULONG Flags,
    SIZE_T Size, ULONG Tag, USHORT Depth)
{
    if (Flags & ~3u)
    {
        return STATUS_INVALID_PARAMETER_5;
    }
    ExpInitializeLookaside((PGENERAL_LOOKASIDE)&Lookaside->L, PoolType, Size, Tag);
    Lookaside->L.AllocateEx = Allocate != NULL ? Allocate : ExpLookasideAllocateEx;
    Lookaside->L.FreeEx = Free != NULL ? Free : ExpLookasideFreeEx;
    return STATUS_SUCCESS;
}

NTEXPORT(ExFlushLookasideListEx, DISPATCH_LEVEL, "lookaside");
VOID NTAPI ExFlushLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
    PSLIST_ENTRY Entry;

    while ((Entry = ExpInterlockedPopEntrySList(&Lookaside->L.ListHead)) != NULL)
    {
        Lookaside->L.FreeEx(Entry, Lookaside);
    }
}

NTEXPORT(ExDeleteLookasideListEx, DISPATCH_LEVEL, "lookaside");
VOID NTAPI ExDeleteLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
    ExFlushLookasideListEx(Lookaside);
}
