/*
 * Push locks: one word. Without waiters bit 0 says held and the bits from 4 up count readers (0: a writer holds
 * it); with waiters bit 1 is set as well and the rest is the newest waiter's block, on that thread's stack, which
 * also keeps the count of readers that still hold the lock. Waiters are served in order.
 */
#include "guest/include/exp.h"

#define EXP_PUSH_HELD 1ull
#define EXP_PUSH_WAITING 2ull
#define EXP_PUSH_READER 16ull

typedef struct _EXP_PUSH_WAIT
{
    struct _EXP_PUSH_WAIT *Older;
    ULONG_PTR Readers; /* in the newest block */
    BOOLEAN Exclusive;
    KEVENT Granted;
} __attribute__((aligned(16))) EXP_PUSH_WAIT;

static EXP_PUSH_WAIT *ExpNewest(ULONG_PTR Value)
{
    return Value & EXP_PUSH_WAITING ? (EXP_PUSH_WAIT *)(Value & ~15ull) : NULL;
}

static VOID ExpPushWait(volatile ULONG_PTR *Lock, BOOLEAN Exclusive)
{
    EXP_PUSH_WAIT Wait;

    Wait.Older = ExpNewest(*Lock);
    Wait.Readers = Wait.Older != NULL ? Wait.Older->Readers : *Lock / EXP_PUSH_READER;
    Wait.Exclusive = Exclusive;
    KeInitializeEvent(&Wait.Granted, SynchronizationEvent, FALSE);
    *Lock = (ULONG_PTR)&Wait | EXP_PUSH_HELD | EXP_PUSH_WAITING;
    KiNameWait((PVOID)Lock, RD_WAIT_OTHER, NULL);
    KeWaitForSingleObject(&Wait.Granted, WrPushLock, KernelMode, FALSE, NULL);
}

/* Nobody holds the lock and somebody waits: the oldest waiter gets it, or all readers in front of the first writer. */
static VOID ExpPushGrant(volatile ULONG_PTR *Lock)
{
    EXP_PUSH_WAIT *Newest = ExpNewest(*Lock);
    ULONG_PTR Readers = 0;
    /* Those who are woken run only when the word is right again. */
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);

    for (;;)
    {
        EXP_PUSH_WAIT **Link = &Newest;
        EXP_PUSH_WAIT *Oldest;

        if (Newest == NULL)
        {
            break;
        }
        while ((*Link)->Older != NULL)
        {
            Link = &(*Link)->Older;
        }
        Oldest = *Link;
        if (Oldest->Exclusive && Readers != 0)
        {
            break;
        }
        *Link = NULL;
        KeSetEvent(&Oldest->Granted, 0, FALSE);
        if (Oldest->Exclusive)
        {
            break;
        }
        Readers++;
    }
    if (Newest != NULL)
    {
        Newest->Readers = Readers;
        *Lock = (ULONG_PTR)Newest | EXP_PUSH_HELD | EXP_PUSH_WAITING;
    }
    else
    {
        *Lock = EXP_PUSH_HELD | Readers * EXP_PUSH_READER;
    }
    __writecr8(OldIrql);
}

static VOID ExpAcquireExclusive(volatile ULONG_PTR *Lock)
{
    if (*Lock == 0)
    {
        *Lock = EXP_PUSH_HELD;
        return;
    }
    ExpPushWait(Lock, TRUE);
}

static VOID ExpAcquireShared(volatile ULONG_PTR *Lock)
{
    if (*Lock == 0 || (!(*Lock & EXP_PUSH_WAITING) && *Lock >= EXP_PUSH_READER))
    {
        *Lock = (*Lock | EXP_PUSH_HELD) + EXP_PUSH_READER;
        return;
    }
    ExpPushWait(Lock, FALSE);
}

static VOID ExpReleaseExclusive(volatile ULONG_PTR *Lock)
{
    if (*Lock & EXP_PUSH_WAITING)
    {
        ExpPushGrant(Lock);
    }
    else
    {
        *Lock = 0;
    }
}

static VOID ExpReleaseShared(volatile ULONG_PTR *Lock)
{
    if (*Lock & EXP_PUSH_WAITING)
    {
        if (--ExpNewest(*Lock)->Readers == 0)
        {
            ExpPushGrant(Lock);
        }
        return;
    }
    *Lock = *Lock - EXP_PUSH_READER;
    if (*Lock == EXP_PUSH_HELD)
    {
        *Lock = 0;
    }
}

NTEXPORT(ExInitializePushLock, ANY_LEVEL, "pushlock");
VOID ExInitializePushLock(PEX_PUSH_LOCK PushLock)
{
    *PushLock = 0;
}

#define EXP_PUSH_FLAGS 3u

static VOID ExpCheckFlags(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    if (Flags & ~EXP_PUSH_FLAGS)
    {
        KeBugCheckEx(0x152, Flags, RD_ADDRESS(PushLock), 0, 0);
    }
}

VOID FASTCALL ExAcquirePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG Flags);
NTEXPORT(ExAcquirePushLockExclusiveEx, APC_LEVEL, "pushlock");
VOID FASTCALL ExAcquirePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    ExpCheckFlags(PushLock, Flags);
    ExpAcquireExclusive(PushLock);
}

VOID FASTCALL ExAcquirePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG Flags);
NTEXPORT(ExAcquirePushLockSharedEx, APC_LEVEL, "pushlock");
VOID FASTCALL ExAcquirePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    ExpCheckFlags(PushLock, Flags);
    ExpAcquireShared(PushLock);
}

VOID FASTCALL ExReleasePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG Flags);
NTEXPORT(ExReleasePushLockExclusiveEx, APC_LEVEL, "pushlock");
VOID FASTCALL ExReleasePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    ExpCheckFlags(PushLock, Flags);
    ExpReleaseExclusive(PushLock);
}

VOID FASTCALL ExReleasePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG Flags);
NTEXPORT(ExReleasePushLockSharedEx, APC_LEVEL, "pushlock");
VOID FASTCALL ExReleasePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    ExpCheckFlags(PushLock, Flags);
    ExpReleaseShared(PushLock);
}

/* The older names. */

VOID FASTCALL ExfAcquirePushLockExclusive(PEX_PUSH_LOCK PushLock);
NTEXPORT(ExfAcquirePushLockExclusive, APC_LEVEL, "pushlock");
VOID FASTCALL ExfAcquirePushLockExclusive(PEX_PUSH_LOCK PushLock)
{
    ExpAcquireExclusive(PushLock);
}

VOID FASTCALL ExfAcquirePushLockShared(PEX_PUSH_LOCK PushLock);
NTEXPORT(ExfAcquirePushLockShared, APC_LEVEL, "pushlock");
VOID FASTCALL ExfAcquirePushLockShared(PEX_PUSH_LOCK PushLock)
{
    ExpAcquireShared(PushLock);
}

VOID FASTCALL ExfReleasePushLockExclusive(PEX_PUSH_LOCK PushLock);
NTEXPORT(ExfReleasePushLockExclusive, APC_LEVEL, "pushlock");
VOID FASTCALL ExfReleasePushLockExclusive(PEX_PUSH_LOCK PushLock)
{
    ExpReleaseExclusive(PushLock);
}

VOID FASTCALL ExfReleasePushLockShared(PEX_PUSH_LOCK PushLock);
NTEXPORT(ExfReleasePushLockShared, APC_LEVEL, "pushlock");
VOID FASTCALL ExfReleasePushLockShared(PEX_PUSH_LOCK PushLock)
{
    ExpReleaseShared(PushLock);
}

/* Readers and the writer are told apart by the word itself, unless somebody waits. */
VOID FASTCALL ExfReleasePushLock(PEX_PUSH_LOCK PushLock);
NTEXPORT(ExfReleasePushLock, APC_LEVEL, "pushlock");
VOID FASTCALL ExfReleasePushLock(PEX_PUSH_LOCK PushLock)
{
    EXP_PUSH_WAIT *Newest = ExpNewest(*PushLock);

    if (Newest != NULL ? Newest->Readers != 0 : *PushLock >= EXP_PUSH_READER)
    {
        ExpReleaseShared(PushLock);
    }
    else
    {
        ExpReleaseExclusive(PushLock);
    }
}
