/*
 * The mistake of filter-forgets.c, by code that changes the thread's count itself, as inlined forms of the two routines do:
 * there is no import to be hooked, so the verifier's log stays empty.
 */
#include "filter.h"

#define THREAD_KERNEL_APC_DISABLE 0x1C4 /* KTHREAD.KernelApcDisable, Windows 7 x64 */

FORCEINLINE volatile SHORT *KernelApcDisable(VOID)
{
    return (volatile SHORT *)(__readgsqword(0x188) + THREAD_KERNEL_APC_DISABLE);
}

NTSTATUS FilterLookUp(PNAME_CACHE Cache)
{
    --*KernelApcDisable();
    if (InterlockedCompareExchange(&Cache->Refreshing, 0, 0) != 0)
    {
        return STATUS_RETRY;
    }
    InterlockedIncrement(&Cache->Hits);
    ++*KernelApcDisable();
    return STATUS_SUCCESS;
}
