/*
 * Mutexes (KMUTEX). The owner is inside an implicit critical region from the first acquire to the last
 * release (nt-semantics M1, M2); a thread may acquire again what it owns; only the owner may release.
 */
#include "guest/include/ki.h"

NTEXPORT(KeInitializeMutex, ANY_LEVEL, "mutex");
VOID NTAPI KeInitializeMutex(PRKMUTEX Mutex, ULONG Level)
{
    Mutex->Header.Lock = 0;
    Mutex->Header.Type = KI_MUTANT;
    Mutex->Header.Size = sizeof(KMUTANT) / sizeof(LONG);
    Mutex->Header.SignalState = 1;
    InitializeListHead(&Mutex->Header.WaitListHead);
    Mutex->OwnerThread = NULL;
    Mutex->Abandoned = FALSE;
    Mutex->ApcDisable = 1;
}

static LONG KiReleaseMutant(
    PRKMUTEX Mutex, KPRIORITY Increment, BOOLEAN Abandoned, BOOLEAN Wait)
{
    PKTHREAD Thread = KiCurrentThread();
    PKTHREAD Owner;
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);
    LONG Old = Mutex->Header.SignalState;
    BOOLEAN Last;

    if (!Abandoned && Mutex->OwnerThread != Thread)
    {
        NTSTATUS Status = Mutex->Abandoned ? STATUS_ABANDONED : STATUS_MUTANT_NOT_OWNED;
        __writecr8(OldIrql);
        ExRaiseStatus(Status);
    }
    Owner = Mutex->OwnerThread;
    Mutex->Header.SignalState = Abandoned ? 1 : Old + 1;
    Mutex->Abandoned = Abandoned;
    Last = Mutex->Header.SignalState == 1;
    if (Last)
    {
        RdEvent(RD_EVENT_SIGNAL, RD_ADDRESS(Mutex), 0, 0);
        RemoveEntryList(&Mutex->MutantListEntry);
        Owner->KernelApcDisable = (SHORT)(Owner->KernelApcDisable + Mutex->ApcDisable);
        Mutex->OwnerThread = NULL;
        if (!IsListEmpty(&Mutex->Header.WaitListHead))
        {
            KiWaitTest(&Mutex->Header, Increment);
        }
    }
    if (Wait)
    {
        Thread->WaitNext = TRUE;
        Thread->WaitNextIrql = OldIrql;
        return Old;
    }
    __writecr8(OldIrql);
    if (Last)
    {
        KiApcsEnabledAgain(Thread);
    }
    return Old;
}

NTEXPORT(KeReleaseMutex, DISPATCH_LEVEL, "mutex");
LONG NTAPI KeReleaseMutex(PRKMUTEX Mutex, BOOLEAN Wait)
{
    return KiReleaseMutant(Mutex, 1, FALSE, Wait);
}

NTEXPORT(KeReadStateMutex, ANY_LEVEL, "mutex");
LONG NTAPI KeReadStateMutex(PRKMUTEX Mutex)
{
    return Mutex->Header.SignalState;
}

VOID KiAbandonMutexes(PKTHREAD Thread)
{
    while (!IsListEmpty(&Thread->MutantListHead))
    {
        PKMUTANT Mutant =
            CONTAINING_RECORD(Thread->MutantListHead.Flink, KMUTANT, MutantListEntry);

        KiReleaseMutant(Mutant, 1, TRUE, FALSE);
    }
}

/* Mutants: mutexes without the critical region, as user mode has them. */

NTEXPORT(KeInitializeMutant, ANY_LEVEL, "mutex");
VOID NTAPI KeInitializeMutant(PRKMUTANT Mutant, BOOLEAN InitialOwner)
{
    KeInitializeMutex(Mutant, 0);
    Mutant->ApcDisable = 0;
    if (InitialOwner)
    {
        PKTHREAD Thread = KiCurrentThread();
        Mutant->Header.SignalState = 0;
        Mutant->OwnerThread = Thread;
        InsertTailList(&Thread->MutantListHead, &Mutant->MutantListEntry);
    }
}

NTEXPORT(KeReleaseMutant, DISPATCH_LEVEL, "mutex");
LONG NTAPI KeReleaseMutant(PRKMUTANT Mutant, KPRIORITY Increment, BOOLEAN Abandon, BOOLEAN Wait)
{
    return KiReleaseMutant(Mutant, Increment, Abandon, Wait);
}

NTEXPORT(KeReadStateMutant, ANY_LEVEL, "mutex");
LONG NTAPI KeReadStateMutant(PRKMUTANT Mutant)
{
    return Mutant->Header.SignalState;
}
