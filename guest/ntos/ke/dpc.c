/*
 * Deferred procedure calls. A DPC goes to the processor that queued it (or the one that
 * KeSetTargetProcessorDpc named) and runs there from a dispatch interrupt. It is off the queue before its
 * routine is entered, so KeRemoveQueueDpc says FALSE from then on although the routine still runs (nt-semantics D7).
 */
#include "guest/include/ki.h"

NTEXPORT(KeInitializeDpc, ANY_LEVEL, "dpc");
VOID NTAPI KeInitializeDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext)
{
    Dpc->Type = KI_DPC;
    Dpc->Importance = MediumImportance;
    Dpc->Number = 0;
    Dpc->DeferredRoutine = DeferredRoutine;
    Dpc->DeferredContext = DeferredContext;
    Dpc->DpcData = NULL;
    RdHoldFrame(DeferredContext, &Dpc->DeferredContext, RD_HOLD_DPC_CONTEXT);
}

/* Threaded DPCs may run as ordinary ones, and do. */
NTEXPORT(KeInitializeThreadedDpc, ANY_LEVEL, "dpc");
VOID NTAPI KeInitializeThreadedDpc(
    PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext)
{
    KeInitializeDpc(Dpc, DeferredRoutine, DeferredContext);
    Dpc->Type = KI_THREADED_DPC;
}

NTEXPORT(KeSetTargetProcessorDpc, ANY_LEVEL, "dpc");
VOID NTAPI KeSetTargetProcessorDpc(PRKDPC Dpc, CCHAR Number)
{
    Dpc->Number = (USHORT)(KI_DPC_TARGETED + (UCHAR)Number);
}

NTEXPORT(KeSetTargetProcessorDpcEx, ANY_LEVEL, "dpc");
NTSTATUS NTAPI KeSetTargetProcessorDpcEx(PKDPC Dpc, PPROCESSOR_NUMBER ProcNumber)
{
    if (ProcNumber->Group != 0 || ProcNumber->Number >= KiActiveProcessors())
    {
        return STATUS_INVALID_PARAMETER;
    }
    Dpc->Number = (USHORT)(KI_DPC_TARGETED + ProcNumber->Number);
    return STATUS_SUCCESS;
}

NTEXPORT(KeSetImportanceDpc, ANY_LEVEL, "dpc");
VOID NTAPI KeSetImportanceDpc(PRKDPC Dpc, KDPC_IMPORTANCE Importance)
{
    Dpc->Importance = (UCHAR)Importance;
}

static VOID KiQueueDpcOn(PKPRCB Prcb, PKDPC Dpc)
{
    Dpc->DpcData = Prcb;
    if (Dpc->Importance == HighImportance)
    {
        InsertHeadList(&Prcb->DpcListHead, &Dpc->DpcListEntry);
    }
    else
    {
        InsertTailList(&Prcb->DpcListHead, &Dpc->DpcListEntry);
    }
    KiRequestDispatch(Prcb);
}

/* The caller has found DpcData to be NULL and is at DISPATCH_LEVEL or above. */
VOID KiInsertQueueDpc(PKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2)
{
    PKPRCB Prcb = KiCurrentPrcb();

    if (Dpc->DpcData != NULL)
    {
        return;
    }
    if (Dpc->Number >= KI_DPC_TARGETED)
    {
        ULONG Target = Dpc->Number - KI_DPC_TARGETED;
        if (Target < KiActiveProcessors())
        {
            Prcb = &KiPcrOf(Target)->Prcb;
        }
    }
    Dpc->SystemArgument1 = SystemArgument1;
    Dpc->SystemArgument2 = SystemArgument2;
    KiQueueDpcOn(Prcb, Dpc);
}

NTEXPORT(KeInsertQueueDpc, ANY_LEVEL, "dpc");
BOOLEAN NTAPI KeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2)
{
    KIRQL OldIrql = KiRaiseIrql(HIGH_LEVEL);
    BOOLEAN Inserted = Dpc->DpcData == NULL;

    if (Inserted)
    {
        RdHoldObject(Dpc, RD_HOLD_DPC);
    }
    KiInsertQueueDpc(Dpc, SystemArgument1, SystemArgument2);
    __writecr8(OldIrql);
    return Inserted;
}

NTEXPORT(KeRemoveQueueDpc, ANY_LEVEL, "dpc");
BOOLEAN NTAPI KeRemoveQueueDpc(PRKDPC Dpc)
{
    KIRQL OldIrql = KiRaiseIrql(HIGH_LEVEL);
    BOOLEAN Queued = Dpc->DpcData != NULL;

    if (Queued)
    {
        KiRemoveEntry(&Dpc->DpcListEntry);
        Dpc->DpcData = NULL;
        RdForgetObject(Dpc);
    }
    __writecr8(OldIrql);
    return Queued;
}

static VOID KiCallDpc(PKPRCB Prcb, PKDPC Dpc)
{
    PKDEFERRED_ROUTINE Routine;
    PVOID Context;
    PVOID SystemArgument1;
    PVOID SystemArgument2;
    KIRQL Irql;
    ULONG ApcDisable = KiCurrentThread()->CombinedApcDisable;

    RdCheckObject(Dpc, sizeof(*Dpc));
    RdForgetObject(Dpc);
    Routine = Dpc->DeferredRoutine;
    Context = Dpc->DeferredContext;
    SystemArgument1 = Dpc->SystemArgument1;
    SystemArgument2 = Dpc->SystemArgument2;
    KiRemoveEntry(&Dpc->DpcListEntry);
    Dpc->DpcData = NULL;
    Prcb->ActiveDpc = Dpc;
    Prcb->DpcRoutineActive = TRUE;
    RdEvent(RD_EVENT_DPC, RD_ADDRESS(Dpc), RD_ADDRESS(Routine), 0);
    RdPassFrame(Context, &Dpc->DeferredContext);
    Routine(Dpc, Context, SystemArgument1, SystemArgument2);
    RdPassedFrame(Context, &Dpc->DeferredContext);
    Prcb->DpcRoutineActive = FALSE;
    Prcb->ActiveDpc = NULL;
    Irql = KeGetCurrentIrql();
    if (Irql != DISPATCH_LEVEL)
    {
        KeBugCheckEx(RDBC_IRQL_UNEXPECTED_VALUE, (ULONG)Irql << 16 | DISPATCH_LEVEL << 8 | 2, 2,
            RD_ADDRESS(Context), RD_ADDRESS(Routine));
    }
    if (KiCurrentThread()->CombinedApcDisable != ApcDisable)
    {
        RdNoteApcChanges(KiCurrentThread(), TRUE);
        KeBugCheckEx(0xC7, 4, RD_ADDRESS(Routine), ApcDisable, KiCurrentThread()->CombinedApcDisable);
    }
}

__attribute__((noinline)) VOID KiRetireDpcList(PKPRCB Prcb)
{
    if (Prcb->DpcRoutineActive)
    {
        return;
    }
    while (!IsListEmpty(&Prcb->DpcListHead))
    {
        KiCallDpc(Prcb, CONTAINING_RECORD(Prcb->DpcListHead.Flink, KDPC, DpcListEntry));
    }
}

/* A queued DPC that lies in the range, or whose routine does; for the verifier. */
NOLOG PKDPC KiFindDpc(ULONG64 Start, ULONG64 End)
{
    PKDPC Found = NULL;
    ULONG Number;

    for (Number = 0; Number < RdLoaderBlock->max_cpus; Number++)
    {
        PLIST_ENTRY Head = &KiPcrOf(Number)->Prcb.DpcListHead, Entry;
        for (Entry = Head->Flink; Entry != NULL && Entry != Head; Entry = Entry->Flink)
        {
            PKDPC Dpc = CONTAINING_RECORD(Entry, KDPC, DpcListEntry);
            if ((KiInRange(Dpc, Start, End)
                    || KiInRange((PVOID)(ULONG_PTR)Dpc->DeferredRoutine, Start, End))
                && (Found == NULL || Dpc < Found))
            {
                Found = Dpc;
            }
        }
    }
    return Found;
}

/* A marker behind everything that is queued on one processor. */
static VOID NTAPI KiFlushDpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    KeSetEvent(Context, 0, FALSE);
}

static VOID KiFlushDpcsOf(PKPRCB Prcb)
{
    KDPC Marker;
    KEVENT Done;
    KIRQL OldIrql;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    KeInitializeDpc(&Marker, KiFlushDpcRoutine, &Done);
    OldIrql = KiRaiseIrql(HIGH_LEVEL);
    KiQueueDpcOn(Prcb, &Marker);
    __writecr8(OldIrql);
    KeWaitForSingleObject(&Done, WrKernel, KernelMode, FALSE, NULL);
}

NTEXPORT(KeFlushQueuedDpcs, PASSIVE_LEVEL, "dpc");
VOID NTAPI KeFlushQueuedDpcs(VOID)
{
    ULONG Number;

    for (Number = 0; Number < RdLoaderBlock->max_cpus; Number++)
    {
        PKPRCB Prcb = &KiPcrOf(Number)->Prcb;
        if (Prcb->DpcRoutineActive || !IsListEmpty(&Prcb->DpcListHead))
        {
            KiFlushDpcsOf(Prcb);
        }
    }
}
