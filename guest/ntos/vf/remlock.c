/*
 * Remove locks under I/O verification: each lock has a shadow in the verifier, which knows its tags as the checked build
 * does (verifier.md 3b: 0xD5, 0xD6, 0xD7). The driver's own lock goes on working beside it.
 */
#include "guest/include/exp.h"
#include "guest/include/vf.h"

#define VF_REMOVE_LOCK_TAGS 32u

typedef struct _VF_REMOVE_LOCK
{
    LIST_ENTRY Links;
    PIO_REMOVE_LOCK Lock;
    ULONG Count;
    BOOLEAN Overflowed; /* more holders than tags are kept for: nothing is said any more */
    PVOID Tags[VF_REMOVE_LOCK_TAGS];
} VF_REMOVE_LOCK, *PVF_REMOVE_LOCK;

static LIST_ENTRY VfRemoveLocks = {&VfRemoveLocks, &VfRemoveLocks};

static PVF_REMOVE_LOCK VfFindRemoveLock(PIO_REMOVE_LOCK Lock)
{
    for (PLIST_ENTRY Entry = VfRemoveLocks.Flink; Entry != &VfRemoveLocks; Entry = Entry->Flink)
    {
        if (CONTAINING_RECORD(Entry, VF_REMOVE_LOCK, Links)->Lock == Lock)
        {
            return CONTAINING_RECORD(Entry, VF_REMOVE_LOCK, Links);
        }
    }
    return NULL;
}

VFTHUNK(IoInitializeRemoveLockEx, VF_OPTION_IO);
__attribute__((noinline)) VOID NTAPI VerifierIoInitializeRemoveLockEx(PIO_REMOVE_LOCK Lock,
    ULONG AllocateTag, ULONG MaxLockedMinutes, ULONG HighWatermark, ULONG RemlockSize)
{
    PVF_REMOVE_LOCK Shadow = VfFindRemoveLock(Lock);

    if (Shadow != NULL)
    {
        VerifierBugCheck(0xD7, RD_ADDRESS(Shadow), RD_ADDRESS(Lock), 0);
    }
    Shadow = ExpAllocateKernelPool(sizeof *Shadow, VF_TAG);
    RtlZeroMemory(Shadow, sizeof *Shadow);
    Shadow->Lock = Lock;
    InsertTailList(&VfRemoveLocks, &Shadow->Links);
    IoInitializeRemoveLockEx(Lock, AllocateTag, MaxLockedMinutes, HighWatermark, RemlockSize);
}

VFTHUNK(IoAcquireRemoveLockEx, VF_OPTION_IO);
__attribute__((noinline)) NTSTATUS NTAPI VerifierIoAcquireRemoveLockEx(
    PIO_REMOVE_LOCK Lock, PVOID Tag, PCSTR File, ULONG Line, ULONG RemlockSize)
{
    PVF_REMOVE_LOCK Shadow = VfFindRemoveLock(Lock);
    NTSTATUS Status = IoAcquireRemoveLockEx(Lock, Tag, File, Line, RemlockSize);

    if (Shadow != NULL && NT_SUCCESS(Status))
    {
        if (Shadow->Count == VF_REMOVE_LOCK_TAGS)
        {
            Shadow->Overflowed = TRUE;
        }
        else
        {
            Shadow->Tags[Shadow->Count++] = Tag;
        }
    }
    return Status;
}

static BOOLEAN VfDropTag(PVF_REMOVE_LOCK Shadow, PVOID Tag)
{
    for (ULONG Index = Shadow->Count; Index-- > 0;)
    {
        if (Shadow->Tags[Index] == Tag)
        {
            Shadow->Tags[Index] = Shadow->Tags[--Shadow->Count];
            return TRUE;
        }
    }
    return Shadow->Overflowed;
}

VFTHUNK(IoReleaseRemoveLockEx, VF_OPTION_IO);
__attribute__((noinline)) VOID NTAPI VerifierIoReleaseRemoveLockEx(
    PIO_REMOVE_LOCK Lock, PVOID Tag, ULONG RemlockSize)
{
    PVF_REMOVE_LOCK Shadow = VfFindRemoveLock(Lock);

    if (Shadow != NULL && !VfDropTag(Shadow, Tag))
    {
        VerifierBugCheck(0xD5, RD_ADDRESS(Shadow), RD_ADDRESS(Tag), 0);
    }
    IoReleaseRemoveLockEx(Lock, Tag, RemlockSize);
}

VFTHUNK(IoReleaseRemoveLockAndWaitEx, VF_OPTION_IO);
__attribute__((noinline)) VOID NTAPI VerifierIoReleaseRemoveLockAndWaitEx(
    PIO_REMOVE_LOCK Lock, PVOID Tag, ULONG RemlockSize)
{
    PVF_REMOVE_LOCK Shadow = VfFindRemoveLock(Lock);

    if (Shadow != NULL && !VfDropTag(Shadow, Tag))
    {
        VerifierBugCheck(0xD6, RD_ADDRESS(Shadow), RD_ADDRESS(Tag),
            Shadow->Count > 0 ? RD_ADDRESS(Shadow->Tags[0]) : 0);
    }
    IoReleaseRemoveLockAndWaitEx(Lock, Tag, RemlockSize);
}
