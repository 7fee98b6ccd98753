/*
 * Remove locks, in the shape of the retail build: Removed, IoCount (1 while not removed),
 * RemoveEvent. The tag, the time limit and the high-water mark matter to checked builds and to the
 * verifier only.
 */
#include "guest/include/iop.h"

NTEXPORT(IoInitializeRemoveLockEx, PASSIVE_LEVEL, "remove lock");
VOID NTAPI IoInitializeRemoveLockEx(PIO_REMOVE_LOCK Lock, ULONG AllocateTag, ULONG MaxLockedMinutes,
                                    ULONG HighWatermark, ULONG RemlockSize)
{
    if (Lock != NULL)
    {
        Lock->Common.Removed = FALSE;
        Lock->Common.IoCount = 1;
        KeInitializeEvent(&Lock->Common.RemoveEvent, SynchronizationEvent, FALSE);
    }
}

NTEXPORT(IoAcquireRemoveLockEx, DISPATCH_LEVEL, "remove lock");
NTSTATUS NTAPI IoAcquireRemoveLockEx(PIO_REMOVE_LOCK Lock, PVOID Tag, PCSTR File, ULONG Line,
                                     ULONG RemlockSize)
{
    Lock->Common.IoCount++;
    if (Lock->Common.Removed)
    {
        if (--Lock->Common.IoCount == 0)
        {
            KeSetEvent(&Lock->Common.RemoveEvent, IO_NO_INCREMENT, FALSE);
        }
        return STATUS_DELETE_PENDING;
    }
    return STATUS_SUCCESS;
}

NTEXPORT(IoReleaseRemoveLockEx, DISPATCH_LEVEL, "remove lock");
VOID NTAPI IoReleaseRemoveLockEx(PIO_REMOVE_LOCK Lock, PVOID Tag, ULONG RemlockSize)
{
    if (--Lock->Common.IoCount == 0)
    {
        /* Only AndWait takes away the count that every lock starts with. */
        KeSetEvent(&Lock->Common.RemoveEvent, IO_NO_INCREMENT, FALSE);
    }
}

NTEXPORT(IoReleaseRemoveLockAndWaitEx, PASSIVE_LEVEL, "remove lock");
VOID NTAPI IoReleaseRemoveLockAndWaitEx(PIO_REMOVE_LOCK Lock, PVOID Tag, ULONG RemlockSize)
{
    Lock->Common.Removed = TRUE;
    Lock->Common.IoCount -= 2; /* the caller's and the first */
    if (Lock->Common.IoCount > 0)
    {
        KiNameWait(Lock, RD_WAIT_REMOVE_LOCK, NULL);
        KeWaitForSingleObject(&Lock->Common.RemoveEvent, Executive, KernelMode, FALSE, NULL);
    }
}
