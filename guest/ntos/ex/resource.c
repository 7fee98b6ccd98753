/*
 * Executive resources: shared or exclusive, recursive, owned by threads. Ownership is handed over by the releaser, so
 * a woken waiter owns already. After an exclusive owner the waiting readers come first, after the last reader a
 * writer. Releasing what the thread does not own is 0xE3.
 *
 * One owner stands in OwnerEntry; shared owners beyond it in OwnerTable, whose first entry holds the size.
 */
#include "guest/include/exp.h"

#define EXP_RESOURCE_TAG 'sRxE'

NTEXPORT(ExInitializeResourceLite, DISPATCH_LEVEL, "resource");
NTSTATUS NTAPI ExInitializeResourceLite(PERESOURCE Resource)
{
    RtlZeroMemory(Resource, sizeof(*Resource));
    return STATUS_SUCCESS;
}

NTEXPORT(ExReinitializeResourceLite, DISPATCH_LEVEL, "resource");
NTSTATUS NTAPI ExReinitializeResourceLite(PERESOURCE Resource)
{
    Resource->ActiveCount = 0;
    Resource->Flag = 0;
    Resource->ActiveEntries = 0;
    Resource->OwnerEntry.OwnerThread = 0;
    Resource->OwnerEntry.OwnerCount = 0;
    return STATUS_SUCCESS;
}

NTEXPORT(ExDeleteResourceLite, DISPATCH_LEVEL, "resource");
NTSTATUS NTAPI ExDeleteResourceLite(PERESOURCE Resource)
{
    if (Resource->OwnerTable != NULL)
    {
        ExFreePool(Resource->OwnerTable);
    }
    if (Resource->SharedWaiters != NULL)
    {
        ExFreePool((PVOID)Resource->SharedWaiters);
    }
    if (Resource->ExclusiveWaiters != NULL)
    {
        ExFreePool((PVOID)Resource->ExclusiveWaiters);
    }
    RtlZeroMemory(Resource, sizeof(*Resource));
    return STATUS_SUCCESS;
}

static BOOLEAN ExpIsExclusive(PERESOURCE Resource)
{
    return (Resource->Flag & ResourceOwnedExclusive) != 0;
}

/* The entry of a thread that shares the resource; NULL: it does not. */
static POWNER_ENTRY ExpFindOwner(PERESOURCE Resource, ERESOURCE_THREAD Thread)
{
    ULONG Index;

    if (Resource->OwnerEntry.OwnerThread == Thread && Resource->OwnerEntry.OwnerCount != 0)
    {
        return &Resource->OwnerEntry;
    }
    for (Index = 1; Resource->OwnerTable != NULL && Index < Resource->OwnerTable->TableSize;
         Index++)
    {
        POWNER_ENTRY Entry = &Resource->OwnerTable[Index];
        if (Entry->OwnerThread == Thread && Entry->OwnerCount != 0)
        {
            return Entry;
        }
    }
    return NULL;
}

static VOID ExpGrowOwnerTable(PERESOURCE Resource)
{
    POWNER_ENTRY Old = Resource->OwnerTable;
    ULONG OldSize = Old != NULL ? Old->TableSize : 0;
    ULONG Size = OldSize != 0 ? OldSize * 2 : 4;
    POWNER_ENTRY New = ExpAllocateKernelPool(Size * sizeof(OWNER_ENTRY), EXP_RESOURCE_TAG);

    RtlZeroMemory(New, Size * sizeof(OWNER_ENTRY));
    if (Old != NULL)
    {
        RtlCopyMemory(New, Old, OldSize * sizeof(OWNER_ENTRY));
        ExFreePool(Old);
    }
    New->TableSize = Size;
    Resource->OwnerTable = New;
}

static VOID ExpAddOwner(PERESOURCE Resource, ERESOURCE_THREAD Thread)
{
    ULONG Index;

    if (Resource->OwnerEntry.OwnerCount == 0)
    {
        Resource->OwnerEntry.OwnerThread = Thread;
        Resource->OwnerEntry.OwnerCount = 1;
        return;
    }
    for (;;)
    {
        for (Index = 1; Resource->OwnerTable != NULL && Index < Resource->OwnerTable->TableSize;
             Index++)
        {
            POWNER_ENTRY Entry = &Resource->OwnerTable[Index];
            if (Entry->OwnerCount == 0)
            {
                Entry->OwnerThread = Thread;
                Entry->OwnerCount = 1;
                return;
            }
        }
        ExpGrowOwnerTable(Resource);
    }
}

static VOID ExpOwnExclusive(PERESOURCE Resource, ERESOURCE_THREAD Thread)
{
    Resource->ActiveCount = 1;
    Resource->Flag |= ResourceOwnedExclusive;
    Resource->OwnerEntry.OwnerThread = Thread;
    Resource->OwnerEntry.OwnerCount = 1;
}

static VOID ExpWaitExclusive(PERESOURCE Resource)
{
    if (Resource->ExclusiveWaiters == NULL)
    {
        Resource->ExclusiveWaiters = ExpAllocateKernelPool(sizeof(KEVENT), EXP_RESOURCE_TAG);
        KeInitializeEvent((PKEVENT)Resource->ExclusiveWaiters, SynchronizationEvent, FALSE);
    }
    Resource->NumberOfExclusiveWaiters++;
    Resource->ContentionCount++;
    KiNameWait(Resource, RD_WAIT_OTHER, (PVOID)(Resource->OwnerEntry.OwnerThread & ~3ull));
    KeWaitForSingleObject((PVOID)Resource->ExclusiveWaiters, WrResource, KernelMode, FALSE, NULL);
    /* The releaser made it exclusive; only the name is missing. */
    Resource->OwnerEntry.OwnerThread = ExGetCurrentResourceThread();
}

static VOID ExpWaitShared(PERESOURCE Resource)
{
    if (Resource->SharedWaiters == NULL)
    {
        Resource->SharedWaiters = ExpAllocateKernelPool(sizeof(KSEMAPHORE), EXP_RESOURCE_TAG);
        KeInitializeSemaphore((PKSEMAPHORE)Resource->SharedWaiters, 0, MAXLONG);
    }
    Resource->NumberOfSharedWaiters++;
    Resource->ContentionCount++;
    KiNameWait(Resource, RD_WAIT_OTHER, (PVOID)(Resource->OwnerEntry.OwnerThread & ~3ull));
    KeWaitForSingleObject((PVOID)Resource->SharedWaiters, WrResource, KernelMode, FALSE, NULL);
    ExpAddOwner(Resource, ExGetCurrentResourceThread());
}

static VOID ExpGrantShared(PERESOURCE Resource)
{
    ULONG Waiters = Resource->NumberOfSharedWaiters;

    if (Waiters != 0)
    {
        Resource->ActiveCount = (SHORT)(Resource->ActiveCount + Waiters);
        Resource->NumberOfSharedWaiters = 0;
        KeReleaseSemaphore((PKSEMAPHORE)Resource->SharedWaiters, 0, (LONG)Waiters, FALSE);
    }
}

static VOID ExpGrantExclusive(PERESOURCE Resource)
{
    if (Resource->NumberOfExclusiveWaiters != 0)
    {
        Resource->NumberOfExclusiveWaiters--;
        ExpOwnExclusive(Resource, 0);
        KeSetEvent((PKEVENT)Resource->ExclusiveWaiters, 0, FALSE);
    }
}

NTEXPORT(ExAcquireResourceExclusiveLite, APC_LEVEL, "resource");
BOOLEAN NTAPI ExAcquireResourceExclusiveLite(PERESOURCE Resource, BOOLEAN Wait)
{
    ERESOURCE_THREAD Thread = ExGetCurrentResourceThread();

    if (Resource->ActiveCount == 0)
    {
        ExpOwnExclusive(Resource, Thread);
        return TRUE;
    }
    if (ExpIsExclusive(Resource) && Resource->OwnerEntry.OwnerThread == Thread)
    {
        Resource->OwnerEntry.OwnerCount++;
        return TRUE;
    }
    if (!Wait)
    {
        return FALSE;
    }
    ExpWaitExclusive(Resource);
    return TRUE;
}

/* How a request to share treats writers that wait: behind them, even a second time, or past them. */
enum
{
    EXP_SHARE_FAIRLY,
    EXP_SHARE_BEHIND_WRITERS,
    EXP_SHARE_PAST_WRITERS
};

static BOOLEAN ExpAcquireShared(PERESOURCE Resource, BOOLEAN Wait, ULONG Manner)
{
    ERESOURCE_THREAD Thread = ExGetCurrentResourceThread();
    POWNER_ENTRY Entry;

    if (ExpIsExclusive(Resource))
    {
        if (Resource->OwnerEntry.OwnerThread == Thread)
        {
            Resource->OwnerEntry.OwnerCount++;
            return TRUE;
        }
        if (!Wait)
        {
            return FALSE;
        }
        ExpWaitShared(Resource);
        return TRUE;
    }
    Entry = ExpFindOwner(Resource, Thread);
    if (Resource->NumberOfExclusiveWaiters != 0 && Manner != EXP_SHARE_PAST_WRITERS
        && (Entry == NULL || Manner == EXP_SHARE_BEHIND_WRITERS))
    {
        if (!Wait)
        {
            return FALSE;
        }
        ExpWaitShared(Resource);
        return TRUE;
    }
    if (Entry != NULL)
    {
        Entry->OwnerCount++;
        return TRUE;
    }
    Resource->ActiveCount++;
    ExpAddOwner(Resource, Thread);
    return TRUE;
}

NTEXPORT(ExAcquireResourceSharedLite, APC_LEVEL, "resource");
BOOLEAN NTAPI ExAcquireResourceSharedLite(PERESOURCE Resource, BOOLEAN Wait)
{
    return ExpAcquireShared(Resource, Wait, EXP_SHARE_FAIRLY);
}

NTEXPORT(ExAcquireSharedStarveExclusive, APC_LEVEL, "resource");
BOOLEAN NTAPI ExAcquireSharedStarveExclusive(PERESOURCE Resource, BOOLEAN Wait)
{
    return ExpAcquireShared(Resource, Wait, EXP_SHARE_PAST_WRITERS);
}

NTEXPORT(ExAcquireSharedWaitForExclusive, APC_LEVEL, "resource");
BOOLEAN NTAPI ExAcquireSharedWaitForExclusive(PERESOURCE Resource, BOOLEAN Wait)
{
    return ExpAcquireShared(Resource, Wait, EXP_SHARE_BEHIND_WRITERS);
}

static VOID ExpReleaseResource(PERESOURCE Resource, ERESOURCE_THREAD Thread)
{
    POWNER_ENTRY Entry;

    if (ExpIsExclusive(Resource))
    {
        if (Resource->OwnerEntry.OwnerThread != Thread)
        {
            KeBugCheckEx(RDBC_RESOURCE_NOT_OWNED, RD_ADDRESS(Resource), Thread,
                RD_ADDRESS(Resource->OwnerTable), 1);
        }
        if (--Resource->OwnerEntry.OwnerCount != 0)
        {
            return;
        }
        Resource->OwnerEntry.OwnerThread = 0;
        Resource->Flag &= ~ResourceOwnedExclusive;
        Resource->ActiveCount = 0;
        if (Resource->NumberOfSharedWaiters != 0)
        {
            ExpGrantShared(Resource);
        }
        else
        {
            ExpGrantExclusive(Resource);
        }
        return;
    }
    Entry = ExpFindOwner(Resource, Thread);
    if (Entry == NULL)
    {
        KeBugCheckEx(RDBC_RESOURCE_NOT_OWNED, RD_ADDRESS(Resource), Thread,
            RD_ADDRESS(Resource->OwnerTable), 2);
    }
    if (--Entry->OwnerCount != 0)
    {
        return;
    }
    Entry->OwnerThread = 0;
    if (--Resource->ActiveCount == 0)
    {
        if (Resource->NumberOfExclusiveWaiters != 0)
        {
            ExpGrantExclusive(Resource);
        }
        else
        {
            ExpGrantShared(Resource);
        }
    }
}

NTEXPORT(ExReleaseResourceLite, DISPATCH_LEVEL, "resource");
VOID FASTCALL ExReleaseResourceLite(PERESOURCE Resource)
{
    ExpReleaseResource(Resource, ExGetCurrentResourceThread());
}

NTEXPORT(ExReleaseResourceForThreadLite, DISPATCH_LEVEL, "resource");
VOID NTAPI ExReleaseResourceForThreadLite(PERESOURCE Resource, ERESOURCE_THREAD ResourceThreadId)
{
    ExpReleaseResource(Resource, ResourceThreadId);
}

NTEXPORT(ExConvertExclusiveToSharedLite, DISPATCH_LEVEL, "resource");
VOID NTAPI ExConvertExclusiveToSharedLite(PERESOURCE Resource)
{
    if (!ExpIsExclusive(Resource)
        || Resource->OwnerEntry.OwnerThread != ExGetCurrentResourceThread())
    {
        KeBugCheckEx(RDBC_RESOURCE_NOT_OWNED, RD_ADDRESS(Resource), ExGetCurrentResourceThread(),
            RD_ADDRESS(Resource->OwnerTable), 3);
    }
    Resource->Flag &= ~ResourceOwnedExclusive;
    ExpGrantShared(Resource);
}

NTEXPORT(ExSetResourceOwnerPointer, DISPATCH_LEVEL, "resource");
VOID NTAPI ExSetResourceOwnerPointer(PERESOURCE Resource, PVOID OwnerPointer)
{
    POWNER_ENTRY Entry = ExpIsExclusive(Resource)
        ? &Resource->OwnerEntry
        : ExpFindOwner(Resource, ExGetCurrentResourceThread());

    if (Entry == NULL || Entry->OwnerThread != ExGetCurrentResourceThread())
    {
        KeBugCheckEx(RDBC_RESOURCE_NOT_OWNED, RD_ADDRESS(Resource), ExGetCurrentResourceThread(),
            RD_ADDRESS(Resource->OwnerTable), 4);
    }
    Entry->OwnerThread = (ERESOURCE_THREAD)OwnerPointer;
}

NTEXPORT(ExIsResourceAcquiredExclusiveLite, DISPATCH_LEVEL, "resource");
BOOLEAN NTAPI ExIsResourceAcquiredExclusiveLite(PERESOURCE Resource)
{
    return ExpIsExclusive(Resource)
        && Resource->OwnerEntry.OwnerThread == ExGetCurrentResourceThread();
}

NTEXPORT(ExIsResourceAcquiredSharedLite, DISPATCH_LEVEL, "resource");
ULONG NTAPI ExIsResourceAcquiredSharedLite(PERESOURCE Resource)
{
    POWNER_ENTRY Entry = ExpFindOwner(Resource, ExGetCurrentResourceThread());

    return Entry != NULL ? Entry->OwnerCount : 0;
}

NTEXPORT(ExGetExclusiveWaiterCount, DISPATCH_LEVEL, "resource");
ULONG NTAPI ExGetExclusiveWaiterCount(PERESOURCE Resource)
{
    return Resource->NumberOfExclusiveWaiters;
}

NTEXPORT(ExGetSharedWaiterCount, DISPATCH_LEVEL, "resource");
ULONG NTAPI ExGetSharedWaiterCount(PERESOURCE Resource)
{
    return Resource->NumberOfSharedWaiters;
}

NTEXPORT(ExDisableResourceBoostLite, DISPATCH_LEVEL, "resource");
VOID NTAPI ExDisableResourceBoostLite(PERESOURCE Resource)
{
}

NTEXPORT(ExEnterCriticalRegionAndAcquireResourceExclusive, APC_LEVEL, "resource");
PVOID NTAPI ExEnterCriticalRegionAndAcquireResourceExclusive(PERESOURCE Resource)
{
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(Resource, TRUE);
    return KiCurrentThread()->Win32Thread;
}

NTEXPORT(ExEnterCriticalRegionAndAcquireResourceShared, APC_LEVEL, "resource");
PVOID NTAPI ExEnterCriticalRegionAndAcquireResourceShared(PERESOURCE Resource)
{
    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(Resource, TRUE);
    return KiCurrentThread()->Win32Thread;
}

NTEXPORT(ExEnterCriticalRegionAndAcquireSharedWaitForExclusive, APC_LEVEL, "resource");
PVOID NTAPI ExEnterCriticalRegionAndAcquireSharedWaitForExclusive(PERESOURCE Resource)
{
    KeEnterCriticalRegion();
    ExAcquireSharedWaitForExclusive(Resource, TRUE);
    return KiCurrentThread()->Win32Thread;
}

NTEXPORT(ExReleaseResourceAndLeaveCriticalRegion, DISPATCH_LEVEL, "resource");
VOID FASTCALL ExReleaseResourceAndLeaveCriticalRegion(PERESOURCE Resource)
{
    ExpReleaseResource(Resource, ExGetCurrentResourceThread());
    KeLeaveCriticalRegion();
}
