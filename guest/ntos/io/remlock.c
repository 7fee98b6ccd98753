/*
 * Remove locks, in the shape of the retail build: Removed, IoCount (1 while not removed),
 * RemoveEvent. The tag, the time limit and the high-water mark matter to checked builds and to the
 * verifier only.
 *
 * Until the removal, acquires and releases commute, so they are NOLOG and declare that they count. A release too many, which
 * may signal the event too soon, does not: so from the first release on that takes back no acquire of its own processor (which
 * may also be the completion of a request elsewhere) every change of this lock is a write. A reserved byte says so.
 */
#include "guest/include/iop.h"

#define IOP_LOCK_RETURNED 0 /* in Reserved */

static NOLOG VOID IopTouchRemoveLock(PIO_REMOVE_LOCK Lock)
{
    if (Lock->Common.Removed || Lock->Common.Reserved[IOP_LOCK_RETURNED])
    {
        RdTouch(&Lock->Common, FIELD_OFFSET(IO_REMOVE_LOCK_COMMON_BLOCK, RemoveEvent), TRUE);
    }
    else
    {
        RdTouchCount(&Lock->Common, FIELD_OFFSET(IO_REMOVE_LOCK_COMMON_BLOCK, RemoveEvent));
    }
}

NTEXPORT(IoInitializeRemoveLockEx, PASSIVE_LEVEL, "remove lock");
VOID NTAPI IoInitializeRemoveLockEx(PIO_REMOVE_LOCK Lock, ULONG AllocateTag, ULONG MaxLockedMinutes,
                                    ULONG HighWatermark, ULONG RemlockSize)
{
    if (Lock != NULL)
    {
        KiBalanceForget(Lock);
        Lock->Common.Removed = FALSE;
        Lock->Common.Reserved[IOP_LOCK_RETURNED] = FALSE;
        Lock->Common.IoCount = 1;
        KeInitializeEvent(&Lock->Common.RemoveEvent, SynchronizationEvent, FALSE);
    }
}

NTEXPORT(IoAcquireRemoveLockEx, DISPATCH_LEVEL, "remove lock");
NOLOG NTSTATUS NTAPI IoAcquireRemoveLockEx(PIO_REMOVE_LOCK Lock, PVOID Tag, PCSTR File, ULONG Line,
                                     ULONG RemlockSize)
{
    Lock->Common.IoCount++;
    IopTouchRemoveLock(Lock);
    if (Lock->Common.Removed)
    {
        if (--Lock->Common.IoCount == 0)
        {
            KeSetEvent(&Lock->Common.RemoveEvent, IO_NO_INCREMENT, FALSE);
        }
        return STATUS_DELETE_PENDING;
    }
    KiBalanceRaise(Lock);
    return STATUS_SUCCESS;
}

NTEXPORT(IoReleaseRemoveLockEx, DISPATCH_LEVEL, "remove lock");
NOLOG VOID NTAPI IoReleaseRemoveLockEx(PIO_REMOVE_LOCK Lock, PVOID Tag, ULONG RemlockSize)
{
    LONG Left = --Lock->Common.IoCount;

    if (!KiBalanceLower(Lock))
    {
        Lock->Common.Reserved[IOP_LOCK_RETURNED] = TRUE;
    }
    IopTouchRemoveLock(Lock);
    if (Left == 0)
    {
        /* Only AndWait takes away the count that every lock starts with. */
        KeSetEvent(&Lock->Common.RemoveEvent, IO_NO_INCREMENT, FALSE);
    }
}

NTEXPORT(IoReleaseRemoveLockAndWaitEx, PASSIVE_LEVEL, "remove lock");
VOID NTAPI IoReleaseRemoveLockAndWaitEx(PIO_REMOVE_LOCK Lock, PVOID Tag, ULONG RemlockSize)
{
    KiBalanceLower(Lock);
    Lock->Common.Removed = TRUE;
    Lock->Common.IoCount -= 2; /* the caller's and the first */
    if (Lock->Common.IoCount > 0)
    {
        KiNameWait(Lock, RD_WAIT_REMOVE_LOCK, NULL);
        KeWaitForSingleObject(&Lock->Common.RemoveEvent, Executive, KernelMode, FALSE, NULL);
    }
}
