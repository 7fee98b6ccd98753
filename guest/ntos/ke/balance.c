/*
 * Which raises of a count a processor has not taken back yet. Two lowerings of a count commute only if neither can be the one
 * that takes it to zero, in whatever order they and all that may still come are taken: at a count of two nobody
 * knows. But as long as every lowering takes back a raise that its own processor made before, the count never gets below
 * what it began with, in any order that keeps each processor's own. That is what the kernel wants to know before it declares
 * that a change only counts (RdTouchCount). It says nothing to a driver and is nobody's footprint.
 */
#include "guest/include/ki.h"

#define KI_BALANCES 32

typedef struct _KI_BALANCE
{
    PVOID Count;
    ULONG64 Raised;
} KI_BALANCE;

static KI_BALANCE KiBalances[RD_MAX_CPUS][KI_BALANCES];

static NOLOG KI_BALANCE *KiFindBalance(ULONG Processor, PVOID Count)
{
    for (ULONG i = 0; i < KI_BALANCES; i++)
    {
        if (KiBalances[Processor][i].Count == Count)
        {
            return &KiBalances[Processor][i];
        }
    }
    return NULL;
}

NOLOG VOID KiBalanceRaise(PVOID Count)
{
    ULONG Processor = KiCurrentPrcb()->Number;
    KI_BALANCE *Balance = KiFindBalance(Processor, Count);

    if (Balance == NULL)
    {
        Balance = KiFindBalance(Processor, NULL);
    }
    if (Balance != NULL)
    {
        Balance->Count = Count;
        Balance->Raised++;
    }
}

NOLOG BOOLEAN KiBalanceLower(PVOID Count)
{
    KI_BALANCE *Balance = KiFindBalance(KiCurrentPrcb()->Number, Count);

    if (Balance == NULL)
    {
        return FALSE;
    }
    if (--Balance->Raised == 0)
    {
        Balance->Count = NULL;
    }
    return TRUE;
}

NOLOG VOID KiBalanceForget(PVOID Count)
{
    for (ULONG Processor = 0; Processor < RD_MAX_CPUS; Processor++)
    {
        KI_BALANCE *Balance = KiFindBalance(Processor, Count);
        if (Balance != NULL)
        {
            Balance->Count = NULL;
            Balance->Raised = 0;
        }
    }
}
