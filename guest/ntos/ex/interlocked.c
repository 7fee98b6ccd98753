/*
 * Interlocked lists and counters. The kernel is not interrupted inside them, so plain accesses do; those that take a
 * caller's spin lock respect a holder that took it by other means.
 */
#include "guest/include/exp.h"

static KIRQL ExpEnter(PKSPIN_LOCK Lock)
{
    KIRQL OldIrql = KiRaiseIrql(HIGH_LEVEL);

    while (*(volatile KSPIN_LOCK *)Lock != 0)
    {
        RdSpin(Lock, sizeof(*Lock), *(volatile KSPIN_LOCK *)Lock & ~1ull);
    }
    return OldIrql;
}

NTEXPORT(ExInterlockedInsertHeadList, ANY_LEVEL, "list");
PLIST_ENTRY FASTCALL ExInterlockedInsertHeadList(
    PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry, PKSPIN_LOCK Lock)
{
    KIRQL OldIrql = ExpEnter(Lock);
    PLIST_ENTRY First = IsListEmpty(ListHead) ? NULL : ListHead->Flink;

    InsertHeadList(ListHead, ListEntry);
    __writecr8(OldIrql);
    return First;
}

NTEXPORT(ExInterlockedInsertTailList, ANY_LEVEL, "list");
PLIST_ENTRY FASTCALL ExInterlockedInsertTailList(
    PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry, PKSPIN_LOCK Lock)
{
    KIRQL OldIrql = ExpEnter(Lock);
    PLIST_ENTRY Last = IsListEmpty(ListHead) ? NULL : ListHead->Blink;

    InsertTailList(ListHead, ListEntry);
    __writecr8(OldIrql);
    return Last;
}

NTEXPORT(ExInterlockedRemoveHeadList, ANY_LEVEL, "list");
PLIST_ENTRY FASTCALL ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
    KIRQL OldIrql = ExpEnter(Lock);
    PLIST_ENTRY First = IsListEmpty(ListHead) ? NULL : RemoveHeadList(ListHead);

    __writecr8(OldIrql);
    return First;
}

NTEXPORT(ExInterlockedPushEntryList, ANY_LEVEL, "list");
PSINGLE_LIST_ENTRY FASTCALL ExInterlockedPushEntryList(
    PSINGLE_LIST_ENTRY ListHead, PSINGLE_LIST_ENTRY ListEntry, PKSPIN_LOCK Lock)
{
    KIRQL OldIrql = ExpEnter(Lock);
    PSINGLE_LIST_ENTRY First = ListHead->Next;

    ListEntry->Next = First;
    ListHead->Next = ListEntry;
    __writecr8(OldIrql);
    return First;
}

NTEXPORT(ExInterlockedPopEntryList, ANY_LEVEL, "list");
PSINGLE_LIST_ENTRY FASTCALL ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
    KIRQL OldIrql = ExpEnter(Lock);
    PSINGLE_LIST_ENTRY First = ListHead->Next;

    if (First != NULL)
    {
        ListHead->Next = First->Next;
    }
    __writecr8(OldIrql);
    return First;
}

NTEXPORT(ExInterlockedAddLargeInteger, ANY_LEVEL, "counter");
LARGE_INTEGER NTAPI ExInterlockedAddLargeInteger(
    PLARGE_INTEGER Addend, LARGE_INTEGER Increment, PKSPIN_LOCK Lock)
{
    KIRQL OldIrql = ExpEnter(Lock);
    LARGE_INTEGER Old = *Addend;

    Addend->QuadPart += Increment.QuadPart;
    __writecr8(OldIrql);
    return Old;
}

NTEXPORT(ExInterlockedAddUlong, ANY_LEVEL, "counter");
ULONG FASTCALL ExInterlockedAddUlong(PULONG Addend, ULONG Increment, PKSPIN_LOCK Lock)
{
    KIRQL OldIrql = ExpEnter(Lock);
    ULONG Old = *Addend;

    *Addend += Increment;
    __writecr8(OldIrql);
    return Old;
}

/* Sequenced lists. The x64 header: depth and sequence in the first word, the first entry's address >> 4 in the
 * top 60 bits of the second. */

#undef InitializeSListHead
NTEXPORT(InitializeSListHead, ANY_LEVEL, "list");
VOID NTAPI InitializeSListHead(PSLIST_HEADER ListHead)
{
    ListHead->Alignment = 0;
    ListHead->Region = 0;
}

static PSLIST_ENTRY ExpSListFirst(PSLIST_HEADER ListHead)
{
    return (PSLIST_ENTRY)((ULONG_PTR)ListHead->HeaderX64.NextEntry << 4);
}

static VOID ExpSListSet(PSLIST_HEADER ListHead, PSLIST_ENTRY First, ULONG Depth)
{
    ListHead->HeaderX64.Depth = Depth;
    ListHead->HeaderX64.Sequence = ListHead->HeaderX64.Sequence + 1;
    ListHead->HeaderX64.NextEntry = (ULONG_PTR)First >> 4;
}

NTEXPORT(ExpInterlockedPushEntrySList, ANY_LEVEL, "list");
PSLIST_ENTRY ExpInterlockedPushEntrySList(PSLIST_HEADER ListHead, PSLIST_ENTRY ListEntry)
{
    PSLIST_ENTRY First = ExpSListFirst(ListHead);

    ListEntry->Next = First;
    ExpSListSet(ListHead, ListEntry, (ULONG)ListHead->HeaderX64.Depth + 1);
    return First;
}

NTEXPORT(ExpInterlockedPopEntrySList, ANY_LEVEL, "list");
PSLIST_ENTRY ExpInterlockedPopEntrySList(PSLIST_HEADER ListHead)
{
    PSLIST_ENTRY First = ExpSListFirst(ListHead);

    if (First != NULL)
    {
        ExpSListSet(ListHead, First->Next, (ULONG)ListHead->HeaderX64.Depth - 1);
    }
    return First;
}

NTEXPORT(ExpInterlockedFlushSList, ANY_LEVEL, "list");
PSLIST_ENTRY ExpInterlockedFlushSList(PSLIST_HEADER ListHead)
{
    PSLIST_ENTRY First = ExpSListFirst(ListHead);

    ExpSListSet(ListHead, NULL, 0);
    return First;
}

#undef ExQueryDepthSList
NTEXPORT(ExQueryDepthSList, ANY_LEVEL, "list");
USHORT ExQueryDepthSList(PSLIST_HEADER ListHead)
{
    return (USHORT)ListHead->HeaderX64.Depth;
}
