/* Bugchecks. The machine stops at the hypercall; there is no blue screen. */
#include "guest/include/vf.h"

NTEXPORT(KeBugCheckEx, ANY_LEVEL, "");
DECLSPEC_NORETURN VOID NTAPI KeBugCheckEx(ULONG BugCheckCode, ULONG_PTR BugCheckParameter1,
    ULONG_PTR BugCheckParameter2, ULONG_PTR BugCheckParameter3, ULONG_PTR BugCheckParameter4)
{
    ULONG64 Parameters[4] = {
        BugCheckParameter1, BugCheckParameter2, BugCheckParameter3, BugCheckParameter4};
    PKPRCB Prcb = KiCurrentPrcb();

    if (Prcb->ExceptionRecord != NULL)
    {
        RdUnhandledException(
            BugCheckCode, Parameters, Prcb->ExceptionRecord, Prcb->ExceptionContext);
    }
    RdBugCheck(BugCheckCode, Parameters);
}

NTEXPORT(KeBugCheck, ANY_LEVEL, "");
DECLSPEC_NORETURN VOID NTAPI KeBugCheck(ULONG BugCheckCode)
{
    KeBugCheckEx(BugCheckCode, 0, 0, 0, 0);
}

/* Callbacks at a bugcheck: registered and found again at deregistration, never called, since the run ends
 * with the hypercall. */

static LIST_ENTRY KiBugCheckCallbacks = {&KiBugCheckCallbacks, &KiBugCheckCallbacks};

NTEXPORT(KeRegisterBugCheckCallback, ANY_LEVEL, "callback");
BOOLEAN NTAPI KeRegisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord,
    PKBUGCHECK_CALLBACK_ROUTINE CallbackRoutine, PVOID Buffer, ULONG Length, PUCHAR Component)
{
    if (CallbackRecord->State != BufferEmpty)
    {
        return FALSE;
    }
    CallbackRecord->CallbackRoutine = CallbackRoutine;
    CallbackRecord->Buffer = Buffer;
    CallbackRecord->Length = Length;
    CallbackRecord->Component = Component;
    CallbackRecord->State = BufferInserted;
    InsertTailList(&KiBugCheckCallbacks, &CallbackRecord->Entry);
    return TRUE;
}

NTEXPORT(KeDeregisterBugCheckCallback, ANY_LEVEL, "callback");
BOOLEAN NTAPI KeDeregisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord)
{
    if (CallbackRecord->State != BufferInserted)
    {
        return FALSE;
    }
    CallbackRecord->State = BufferEmpty;
    RemoveEntryList(&CallbackRecord->Entry);
    return TRUE;
}

NTEXPORT(KeRegisterBugCheckReasonCallback, ANY_LEVEL, "callback");
BOOLEAN NTAPI KeRegisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord,
    PKBUGCHECK_REASON_CALLBACK_ROUTINE CallbackRoutine, KBUGCHECK_CALLBACK_REASON Reason,
    PUCHAR Component)
{
    if (CallbackRecord->State != BufferEmpty)
    {
        return FALSE;
    }
    CallbackRecord->CallbackRoutine = CallbackRoutine;
    CallbackRecord->Component = Component;
    CallbackRecord->Reason = Reason;
    CallbackRecord->State = BufferInserted;
    InsertTailList(&KiBugCheckCallbacks, &CallbackRecord->Entry);
    return TRUE;
}

NTEXPORT(KeDeregisterBugCheckReasonCallback, ANY_LEVEL, "callback");
BOOLEAN NTAPI KeDeregisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord)
{
    if (CallbackRecord->State != BufferInserted)
    {
        return FALSE;
    }
    CallbackRecord->State = BufferEmpty;
    RemoveEntryList(&CallbackRecord->Entry);
    return TRUE;
}

/* A registered record that lies in the range, or whose routine does; for the verifier. Both kinds of record begin alike. */
NOLOG PVOID KiFindBugCheckCallback(ULONG64 Start, ULONG64 End)
{
    PLIST_ENTRY Entry;

    for (Entry = KiBugCheckCallbacks.Flink; Entry != &KiBugCheckCallbacks; Entry = Entry->Flink)
    {
        PKBUGCHECK_CALLBACK_RECORD Record =
            CONTAINING_RECORD(Entry, KBUGCHECK_CALLBACK_RECORD, Entry);
        if (KiInRange(Record, Start, End)
            || KiInRange((PVOID)(ULONG_PTR)Record->CallbackRoutine, Start, End))
        {
            return Record;
        }
    }
    return NULL;
}
