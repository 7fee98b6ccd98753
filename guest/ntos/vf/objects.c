/*
 * Objects that have a life: lookaside lists, ERESOURCEs, callbacks and work items, from their initialisation to their
 * deletion (miscellaneous checks), and where they may lie (force IRQL checking: not in pageable memory).
 */
#include "guest/include/exp.h"
#include "guest/include/vfmem.h"

#define VF_ROUTINE __attribute__((noinline))

/* A list's entries must hold the link of a free one. */
#define VF_LOOKASIDE_MINIMUM 8u

PVOID NTAPI VerifierExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);
VOID NTAPI VerifierExFreePool(PVOID P);

/* Whatever a thread may wait for or spin on is touched at DISPATCH_LEVEL. */
static VOID VfCheckSynchronizationObject(PVOID Object)
{
    if (VfIsOptionEnabled(VF_OPTION_FORCE_IRQL) && VfIsPageable(Object))
    {
        VerifierBugCheck(0xE1, RD_ADDRESS(Object), 0, 0);
    }
}

static VOID VfLookasideCreated(PVOID List, SIZE_T Size)
{
    if (!VfIsOptionEnabled(VF_OPTION_MISC))
    {
        return;
    }
    if (VfIsTracked(VF_TRACK_LOOKASIDE, List))
    {
        VerifierBugCheck(0xCA, RD_ADDRESS(List), 0, 0);
    }
    if (Size < VF_LOOKASIDE_MINIMUM)
    {
        VerifierBugCheck(0xCD, RD_ADDRESS(List), Size, VF_LOOKASIDE_MINIMUM);
    }
    VfTrack(VF_TRACK_LOOKASIDE, List, List);
}

static VOID VfLookasideDeleted(PVOID List)
{
    if (VfIsOptionEnabled(VF_OPTION_MISC) && !VfUntrack(VF_TRACK_LOOKASIDE, List))
    {
        VerifierBugCheck(0xCB, RD_ADDRESS(List), 0, 0);
    }
}

/* Entries of the default kind come from the pool through the thunks, so they are the driver's like any other block. */
VFTHUNK(ExInitializeNPagedLookasideList, VF_OPTION_AUTOMATIC);
VF_ROUTINE VOID NTAPI VerifierExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside,
    PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free, ULONG Flags, SIZE_T Size, ULONG Tag,
    USHORT Depth)
{
    VfLookasideCreated(Lookaside, Size);
    ExInitializeNPagedLookasideList(Lookaside,
        Allocate != NULL ? Allocate : VerifierExAllocatePoolWithTag,
        Free != NULL ? Free : VerifierExFreePool, Flags, Size, Tag, Depth);
}

VFTHUNK(ExInitializePagedLookasideList, VF_OPTION_AUTOMATIC);
VF_ROUTINE VOID NTAPI VerifierExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside,
    PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free, ULONG Flags, SIZE_T Size, ULONG Tag,
    USHORT Depth)
{
    VfLookasideCreated(Lookaside, Size);
    ExInitializePagedLookasideList(Lookaside,
        Allocate != NULL ? Allocate : VerifierExAllocatePoolWithTag,
        Free != NULL ? Free : VerifierExFreePool, Flags, Size, Tag, Depth);
}

VFTHUNK(ExInitializeLookasideListEx, VF_OPTION_MISC);
VF_ROUTINE NTSTATUS NTAPI VerifierExInitializeLookasideListEx(PLOOKASIDE_LIST_EX Lookaside,
    PALLOCATE_FUNCTION_EX Allocate, PFREE_FUNCTION_EX Free, POOL_TYPE PoolType, ULONG Flags,
    SIZE_T Size, ULONG Tag, USHORT Depth)
{
    VfLookasideCreated(Lookaside, Size);
    return ExInitializeLookasideListEx(Lookaside, Allocate, Free, PoolType, Flags, Size, Tag, Depth);
}

VFTHUNK(ExDeleteNPagedLookasideList, VF_OPTION_MISC);
VF_ROUTINE VOID NTAPI VerifierExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside)
{
    VfLookasideDeleted(Lookaside);
    ExDeleteNPagedLookasideList(Lookaside);
}

VFTHUNK(ExDeletePagedLookasideList, VF_OPTION_MISC);
VF_ROUTINE VOID NTAPI VerifierExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside)
{
    VfLookasideDeleted(Lookaside);
    ExDeletePagedLookasideList(Lookaside);
}

VFTHUNK(ExDeleteLookasideListEx, VF_OPTION_MISC);
VF_ROUTINE VOID NTAPI VerifierExDeleteLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
    VfLookasideDeleted(Lookaside);
    ExDeleteLookasideListEx(Lookaside);
}

VFTHUNK(ExInitializeResourceLite, VF_OPTION_MISC | VF_OPTION_FORCE_IRQL);
VF_ROUTINE NTSTATUS NTAPI VerifierExInitializeResourceLite(PERESOURCE Resource)
{
    VfCheckSynchronizationObject(Resource);
    if (RD_ADDRESS(Resource) % sizeof(PVOID) != 0)
    {
        VerifierBugCheck(0x3D, 0, 0, RD_ADDRESS(Resource));
    }
    if (VfIsOptionEnabled(VF_OPTION_MISC))
    {
        if (VfIsTracked(VF_TRACK_RESOURCE, Resource))
        {
            VerifierBugCheck(0xD0, RD_ADDRESS(Resource), 0, 0);
        }
        VfTrack(VF_TRACK_RESOURCE, Resource, Resource);
    }
    return ExInitializeResourceLite(Resource);
}

VFTHUNK(ExDeleteResourceLite, VF_OPTION_MISC);
VF_ROUTINE NTSTATUS NTAPI VerifierExDeleteResourceLite(PERESOURCE Resource)
{
    if (!VfUntrack(VF_TRACK_RESOURCE, Resource))
    {
        VerifierBugCheck(0xD1, RD_ADDRESS(Resource), 0, 0);
    }
    return ExDeleteResourceLite(Resource);
}

VFTHUNK(ExRegisterCallback, VF_OPTION_MISC);
VF_ROUTINE PVOID NTAPI VerifierExRegisterCallback(
    PCALLBACK_OBJECT CallbackObject, PCALLBACK_FUNCTION CallbackFunction, PVOID CallbackContext)
{
    PVOID Registration = ExRegisterCallback(CallbackObject, CallbackFunction, CallbackContext);

    if (Registration != NULL)
    {
        VfTrack(VF_TRACK_CALLBACK, Registration, (PVOID)CallbackFunction);
    }
    return Registration;
}

VFTHUNK(ExUnregisterCallback, VF_OPTION_MISC);
VF_ROUTINE VOID NTAPI VerifierExUnregisterCallback(PVOID CbRegistration)
{
    ExUnregisterCallback(CbRegistration);
    VfUntrack(VF_TRACK_CALLBACK, CbRegistration);
}

VFTHUNK(ExQueueWorkItem, VF_OPTION_MISC);
VF_ROUTINE VOID NTAPI VerifierExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType)
{
    if (VfIsPageable(WorkItem))
    {
        VerifierBugCheck(0x131, RD_ADDRESS(WorkItem), 0, 0);
    }
    ExQueueWorkItem(WorkItem, QueueType);
}

static VOID VfCheckFreedIoWorkItem(PIO_WORKITEM IoWorkItem)
{
    ULONG64 Start = RD_ADDRESS(IoWorkItem), End = Start + IoSizeofWorkItem();

    if (ExpFindWorkItem(Start, End) != NULL)
    {
        VfReportIssue(0xE4, 2, Start, Start, End);
    }
}

VFTHUNK(IoFreeWorkItem, VF_OPTION_MISC);
VF_ROUTINE VOID NTAPI VerifierIoFreeWorkItem(PIO_WORKITEM IoWorkItem)
{
    VfCheckFreedIoWorkItem(IoWorkItem);
    IoFreeWorkItem(IoWorkItem);
}

VFTHUNK(IoUninitializeWorkItem, VF_OPTION_MISC);
VF_ROUTINE VOID NTAPI VerifierIoUninitializeWorkItem(PIO_WORKITEM IoWorkItem)
{
    VfCheckFreedIoWorkItem(IoWorkItem);
    IoUninitializeWorkItem(IoWorkItem);
}

#undef KeInitializeEvent
VFTHUNK(KeInitializeEvent, VF_OPTION_FORCE_IRQL);
VF_ROUTINE VOID NTAPI VerifierKeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State)
{
    VfCheckSynchronizationObject(Event);
    KeInitializeEvent(Event, Type, State);
}

VFTHUNK(KeInitializeSemaphore, VF_OPTION_FORCE_IRQL);
VF_ROUTINE VOID NTAPI VerifierKeInitializeSemaphore(PRKSEMAPHORE Semaphore, LONG Count, LONG Limit)
{
    VfCheckSynchronizationObject(Semaphore);
    KeInitializeSemaphore(Semaphore, Count, Limit);
}

VFTHUNK(KeInitializeMutex, VF_OPTION_FORCE_IRQL);
VF_ROUTINE VOID NTAPI VerifierKeInitializeMutex(PRKMUTEX Mutex, ULONG Level)
{
    VfCheckSynchronizationObject(Mutex);
    KeInitializeMutex(Mutex, Level);
}

VFTHUNK(KeInitializeTimer, VF_OPTION_FORCE_IRQL);
VF_ROUTINE VOID NTAPI VerifierKeInitializeTimer(PKTIMER Timer)
{
    VfCheckSynchronizationObject(Timer);
    KeInitializeTimer(Timer);
}

VFTHUNK(KeInitializeTimerEx, VF_OPTION_FORCE_IRQL);
VF_ROUTINE VOID NTAPI VerifierKeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type)
{
    VfCheckSynchronizationObject(Timer);
    KeInitializeTimerEx(Timer, Type);
}
