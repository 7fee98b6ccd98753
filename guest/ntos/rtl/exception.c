/*
 * Dispatching an exception to the handlers of the frames above it, unwinding to one of them, raising, and the handler that C
 * compilers name for __try. The two passes follow "x64 exception handling" and the documentation of RtlUnwindEx.
 *
 * Handlers are driver code and may raise themselves: an exception in a filter is nested, one in a __finally collides with
 * the unwinding that called it. Both are noticed by the handlers of the two frames that call handlers (context.S).
 */
#include "guest/include/ki.h"
#include "guest/include/seh.h"

typedef struct _SCOPE_RECORD
{
    ULONG BeginAddress;
    ULONG EndAddress;
    ULONG HandlerAddress; /* a filter (1: none, always handled) or a __finally */
    ULONG JumpTarget;     /* the __except block; 0: a __finally */
} SCOPE_RECORD;

typedef struct _SCOPE_TABLE
{
    ULONG Count;
    SCOPE_RECORD ScopeRecord[];
} SCOPE_TABLE, *PSCOPE_TABLE;

typedef LONG (*PEXCEPTION_FILTER)(PEXCEPTION_POINTERS ExceptionPointers, PVOID EstablisherFrame);
typedef VOID (*PTERMINATION_HANDLER)(BOOLEAN AbnormalTermination, PVOID EstablisherFrame);

static BOOLEAN RtlpOnStack(ULONG64 Address)
{
    PKTHREAD Thread = KiCurrentThread();

    return Address >= RD_ADDRESS(Thread->StackLimit) && Address < RD_ADDRESS(Thread->InitialStack)
        && Address % 8 == 0;
}

/* The caller of the frame that Context stands in. Returns the frame's handler of the given type. */
static PEXCEPTION_ROUTINE RtlpUnwindFrame(
    ULONG HandlerType, PCONTEXT Context, PDISPATCHER_CONTEXT Dispatcher)
{
    Dispatcher->ControlPc = Context->Rip;
    Dispatcher->FunctionEntry = RtlLookupFunctionEntry(Context->Rip, &Dispatcher->ImageBase, NULL);
    Dispatcher->LanguageHandler = RtlVirtualUnwind(HandlerType, Dispatcher->ImageBase, Context->Rip,
        Dispatcher->FunctionEntry, Context, &Dispatcher->HandlerData, &Dispatcher->EstablisherFrame,
        NULL);
    Dispatcher->ScopeIndex = 0;
    return Dispatcher->LanguageHandler;
}

static VOID RtlpUnwindAgain(ULONG HandlerType, PCONTEXT Context, PDISPATCHER_CONTEXT Dispatcher)
{
    PVOID HandlerData;
    ULONG64 EstablisherFrame;

    RtlVirtualUnwind(HandlerType, Dispatcher->ImageBase, Dispatcher->ControlPc,
        Dispatcher->FunctionEntry, Context, &HandlerData, &EstablisherFrame, NULL);
}

NTEXPORT(RtlCaptureContext, ANY_LEVEL, ""); /* context.S */
NTEXPORT(RtlRestoreContext, ANY_LEVEL, "callback");

/* TRUE: somebody said that execution goes on at the context. FALSE: nobody handles it. */
BOOLEAN RtlDispatchException(PEXCEPTION_RECORD ExceptionRecord, PCONTEXT ContextRecord)
{
    CONTEXT Context = *ContextRecord;
    DISPATCHER_CONTEXT Dispatcher;
    ULONG Flags = ExceptionRecord->ExceptionFlags & EXCEPTION_NONCONTINUABLE;
    ULONG64 Nested = 0;

    RtlZeroMemory(&Dispatcher, sizeof(Dispatcher));
    Dispatcher.ContextRecord = &Context;
    while (RtlpOnStack(Context.Rsp) && Context.Rip != 0)
    {
        BOOLEAN Again = RtlpUnwindFrame(UNW_FLAG_EHANDLER, &Context, &Dispatcher) != NULL;
        if (!RtlpOnStack(Dispatcher.EstablisherFrame))
        {
            Flags |= EXCEPTION_STACK_INVALID;
            break;
        }
        while (Again)
        {
            EXCEPTION_DISPOSITION Disposition;
            PVOID Frame = (PVOID)(ULONG_PTR)Dispatcher.EstablisherFrame;

            Again = FALSE;
            ExceptionRecord->ExceptionFlags = Flags;
            Disposition =
                RtlpExecuteHandlerForException(ExceptionRecord, Frame, ContextRecord, &Dispatcher);
            Flags |= ExceptionRecord->ExceptionFlags & EXCEPTION_NONCONTINUABLE;
            if (Nested == RD_ADDRESS(Frame))
            {
                Flags &= ~EXCEPTION_NESTED_CALL;
                Nested = 0;
            }
            switch (Disposition)
            {
            case ExceptionContinueExecution:
                if (Flags & EXCEPTION_NONCONTINUABLE)
                {
                    RtlRaiseStatus(STATUS_NONCONTINUABLE_EXCEPTION);
                }
                return TRUE;
            case ExceptionContinueSearch:
                break;
            case ExceptionNestedException:
                /* Frames up to the one whose handler raised have been asked about the first exception already. */
                Flags |= EXCEPTION_NESTED_CALL;
                if (Dispatcher.EstablisherFrame > Nested)
                {
                    Nested = Dispatcher.EstablisherFrame;
                }
                break;
            case ExceptionCollidedUnwind:
                /* Where the unwinding stood; what lies between has been unwound. */
                Context = *Dispatcher.ContextRecord;
                Dispatcher.ContextRecord = &Context;
                RtlpUnwindAgain(UNW_FLAG_EHANDLER, &Context, &Dispatcher);
                Again = TRUE;
                break;
            default:
                RtlRaiseStatus(STATUS_INVALID_DISPOSITION);
            }
        }
    }
    ExceptionRecord->ExceptionFlags = Flags;
    return FALSE;
}

NTEXPORT(RtlUnwindEx, ANY_LEVEL, "callback");
VOID NTAPI RtlUnwindEx(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord,
    PVOID ReturnValue, PCONTEXT ContextRecord, PUNWIND_HISTORY_TABLE HistoryTable)
{
    CONTEXT Contexts[2];
    PCONTEXT Current = &Contexts[0];
    PCONTEXT Previous = &Contexts[1];
    DISPATCHER_CONTEXT Dispatcher;
    EXCEPTION_RECORD Local;
    ULONG64 Target = RD_ADDRESS(TargetFrame);
    ULONG Flags = EXCEPTION_UNWINDING | (TargetFrame == NULL ? EXCEPTION_EXIT_UNWIND : 0);

    RtlCaptureContext(Current);
    RtlZeroMemory(&Dispatcher, sizeof(Dispatcher));
    if (ExceptionRecord == NULL)
    {
        RtlZeroMemory(&Local, sizeof(Local));
        Local.ExceptionCode = STATUS_UNWIND;
        Local.ExceptionAddress = (PVOID)(ULONG_PTR)Current->Rip;
        ExceptionRecord = &Local;
    }
    Dispatcher.TargetIp = RD_ADDRESS(TargetIp);
    do
    {
        BOOLEAN Again;
        PCONTEXT Swap;

        if (!RtlpOnStack(Current->Rsp) || Current->Rip == 0)
        {
            RtlRaiseStatus(Target == 0 ? STATUS_INVALID_UNWIND_TARGET : STATUS_BAD_STACK);
        }
        *Previous = *Current;
        Again = RtlpUnwindFrame(UNW_FLAG_UHANDLER, Previous, &Dispatcher) != NULL;
        if (!RtlpOnStack(Dispatcher.EstablisherFrame)
            || (Target != 0 && Dispatcher.EstablisherFrame > Target && Dispatcher.FunctionEntry != NULL))
        {
            RtlRaiseStatus(STATUS_BAD_STACK);
        }
        KiUnwindModes(Dispatcher.EstablisherFrame);
        while (Again)
        {
            EXCEPTION_DISPOSITION Disposition;

            if (Dispatcher.EstablisherFrame == Target)
            {
                Flags |= EXCEPTION_TARGET_UNWIND;
            }
            ExceptionRecord->ExceptionFlags = Flags;
            Current->Rax = RD_ADDRESS(ReturnValue);
            Dispatcher.ContextRecord = Current;
            Disposition = RtlpExecuteHandlerForUnwind(
                ExceptionRecord, (PVOID)(ULONG_PTR)Dispatcher.EstablisherFrame, Current, &Dispatcher);
            Flags &= ~(EXCEPTION_COLLIDED_UNWIND | EXCEPTION_TARGET_UNWIND);
            Again = FALSE;
            if (Disposition == ExceptionCollidedUnwind)
            {
                /* This unwinding takes over where the other stood, behind the __finally that raised. */
                *Current = *Dispatcher.ContextRecord;
                *Previous = *Current;
                Dispatcher.TargetIp = RD_ADDRESS(TargetIp);
                RtlpUnwindAgain(UNW_FLAG_UHANDLER, Previous, &Dispatcher);
                Flags |= EXCEPTION_COLLIDED_UNWIND;
                Again = TRUE;
            }
            else if (Disposition != ExceptionContinueSearch)
            {
                RtlRaiseStatus(STATUS_INVALID_DISPOSITION);
            }
        }
        if (Dispatcher.EstablisherFrame == Target && Dispatcher.FunctionEntry != NULL)
        {
            break;
        }
        Swap = Current;
        Current = Previous;
        Previous = Swap;
    } while (TRUE);
    Current->Rax = RD_ADDRESS(ReturnValue);
    Current->Rip = RD_ADDRESS(TargetIp);
    RtlRestoreContext(Current, ExceptionRecord);
}

NTEXPORT(RtlUnwind, ANY_LEVEL, "callback");
VOID NTAPI RtlUnwind(
    PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord, PVOID ReturnValue)
{
    RtlUnwindEx(TargetFrame, TargetIp, ExceptionRecord, ReturnValue, NULL, NULL);
}

/* What compilers call to leave a __try by goto or return past a __finally. */
VOID _local_unwind(PVOID TargetFrame, PVOID TargetIp);
NTEXPORT(_local_unwind, ANY_LEVEL, "callback");
VOID _local_unwind(PVOID TargetFrame, PVOID TargetIp)
{
    RtlUnwindEx(TargetFrame, TargetIp, NULL, NULL, NULL, NULL);
}

/* Handlers of the frames that call handlers. Those keep the dispatcher context at the same place. */

static PDISPATCHER_CONTEXT RtlpDispatcherOf(PVOID EstablisherFrame)
{
    return ((PDISPATCHER_CONTEXT *)EstablisherFrame)[4];
}

EXCEPTION_DISPOSITION RtlpExceptionHandler(PEXCEPTION_RECORD ExceptionRecord, PVOID EstablisherFrame,
    PCONTEXT ContextRecord, PDISPATCHER_CONTEXT DispatcherContext)
{
    if (ExceptionRecord->ExceptionFlags & EXCEPTION_UNWIND)
    {
        return ExceptionContinueSearch;
    }
    DispatcherContext->EstablisherFrame = RtlpDispatcherOf(EstablisherFrame)->EstablisherFrame;
    return ExceptionNestedException;
}

EXCEPTION_DISPOSITION RtlpUnwindHandler(PEXCEPTION_RECORD ExceptionRecord, PVOID EstablisherFrame,
    PCONTEXT ContextRecord, PDISPATCHER_CONTEXT DispatcherContext)
{
    *DispatcherContext = *RtlpDispatcherOf(EstablisherFrame);
    return ExceptionCollidedUnwind;
}

/* Raising */

/* Control never comes back to a raise that cannot be continued; to the other kind it does with the context restored. */
static VOID RtlpRaise(PEXCEPTION_RECORD ExceptionRecord, PCONTEXT Context)
{
    ExceptionRecord->ExceptionAddress = (PVOID)(ULONG_PTR)Context->Rip;
    KiRaiseException(ExceptionRecord, Context);
}

/* What Context, captured in a routine, becomes when that routine returns. */
static VOID RtlpToCaller(PCONTEXT Context)
{
    DISPATCHER_CONTEXT Ignored;

    RtlpUnwindFrame(UNW_FLAG_NHANDLER, Context, &Ignored);
}

NTEXPORT(RtlRaiseException, ANY_LEVEL, "callback");
VOID NTAPI RtlRaiseException(PEXCEPTION_RECORD ExceptionRecord)
{
    CONTEXT Context;

    RtlCaptureContext(&Context);
    RtlpToCaller(&Context);
    RtlpRaise(ExceptionRecord, &Context);
}

static DECLSPEC_NORETURN VOID RtlpRaiseStatus(NTSTATUS Status, PCONTEXT Context)
{
    EXCEPTION_RECORD Record;

    RtlZeroMemory(&Record, sizeof(Record));
    Record.ExceptionCode = Status;
    Record.ExceptionFlags = EXCEPTION_NONCONTINUABLE;
    RtlpRaise(&Record, Context);
    RdAssertFailed("a raised status was continued", __FILE__, __LINE__);
}

NTEXPORT(RtlRaiseStatus, ANY_LEVEL, "callback");
DECLSPEC_NORETURN VOID NTAPI RtlRaiseStatus(NTSTATUS Status)
{
    CONTEXT Context;

    RtlCaptureContext(&Context);
    RtlpToCaller(&Context);
    RtlpRaiseStatus(Status, &Context);
}

NTEXPORT(ExRaiseStatus, ANY_LEVEL, "callback");
DECLSPEC_NORETURN VOID NTAPI ExRaiseStatus(NTSTATUS Status)
{
    CONTEXT Context;

    RtlCaptureContext(&Context);
    RtlpToCaller(&Context);
    RtlpRaiseStatus(Status, &Context);
}

NTEXPORT(ExRaiseAccessViolation, ANY_LEVEL, "callback");
DECLSPEC_NORETURN VOID NTAPI ExRaiseAccessViolation(VOID)
{
    CONTEXT Context;

    RtlCaptureContext(&Context);
    RtlpToCaller(&Context);
    RtlpRaiseStatus(STATUS_ACCESS_VIOLATION, &Context);
}

NTEXPORT(ExRaiseDatatypeMisalignment, ANY_LEVEL, "callback");
DECLSPEC_NORETURN VOID NTAPI ExRaiseDatatypeMisalignment(VOID)
{
    CONTEXT Context;

    RtlCaptureContext(&Context);
    RtlpToCaller(&Context);
    RtlpRaiseStatus(STATUS_DATATYPE_MISALIGNMENT, &Context);
}

/* The language handler of C: __try blocks are ranges of code in a table, the innermost first. */

static BOOLEAN RtlpInScope(const SCOPE_RECORD *Scope, ULONG64 Rva)
{
    return Rva >= Scope->BeginAddress && Rva < Scope->EndAddress;
}

static EXCEPTION_DISPOSITION RtlpSearchScopes(PEXCEPTION_RECORD ExceptionRecord, PVOID EstablisherFrame,
    PCONTEXT ContextRecord, PDISPATCHER_CONTEXT Dispatcher)
{
    PSCOPE_TABLE Table = Dispatcher->HandlerData;
    ULONG64 Base = Dispatcher->ImageBase;
    EXCEPTION_POINTERS Pointers = {ExceptionRecord, ContextRecord};
    ULONG Index;

    for (Index = Dispatcher->ScopeIndex; Index < Table->Count; Index++)
    {
        const SCOPE_RECORD *Scope = &Table->ScopeRecord[Index];
        LONG Answer = EXCEPTION_EXECUTE_HANDLER;

        if (!RtlpInScope(Scope, Dispatcher->ControlPc - Base) || Scope->JumpTarget == 0)
        {
            continue;
        }
        if (Scope->HandlerAddress > 1)
        {
            Answer = ((PEXCEPTION_FILTER)(ULONG_PTR)(Base + Scope->HandlerAddress))(
                &Pointers, EstablisherFrame);
        }
        if (Answer < 0)
        {
            return ExceptionContinueExecution;
        }
        if (Answer > 0)
        {
            RtlUnwindEx(EstablisherFrame, (PVOID)(ULONG_PTR)(Base + Scope->JumpTarget), ExceptionRecord,
                (PVOID)(ULONG_PTR)(ULONG)ExceptionRecord->ExceptionCode, Dispatcher->ContextRecord,
                Dispatcher->HistoryTable);
        }
    }
    return ExceptionContinueSearch;
}

/* The __finally blocks that control leaves. At the target frame only those that do not surround the target. */
static VOID RtlpLeaveScopes(
    PEXCEPTION_RECORD ExceptionRecord, PVOID EstablisherFrame, PDISPATCHER_CONTEXT Dispatcher)
{
    PSCOPE_TABLE Table = Dispatcher->HandlerData;
    ULONG64 Base = Dispatcher->ImageBase;
    BOOLEAN AtTarget = (ExceptionRecord->ExceptionFlags & EXCEPTION_TARGET_UNWIND) != 0;
    ULONG64 Target = Dispatcher->TargetIp - Base;
    ULONG Index;

    for (Index = Dispatcher->ScopeIndex; Index < Table->Count; Index++)
    {
        const SCOPE_RECORD *Scope = &Table->ScopeRecord[Index];

        if (!RtlpInScope(Scope, Dispatcher->ControlPc - Base))
        {
            continue;
        }
        if (AtTarget && Scope->JumpTarget != 0 && Scope->JumpTarget == Target)
        {
            return;
        }
        if (AtTarget)
        {
            /* Several ranges may stand for one __try: the target is inside when it is in any of them. */
            ULONG Other;
            for (Other = 0; Other < Table->Count; Other++)
            {
                const SCOPE_RECORD *Same = &Table->ScopeRecord[Other];
                if (RtlpInScope(Same, Target) && Same->HandlerAddress == Scope->HandlerAddress
                    && Same->JumpTarget == Scope->JumpTarget)
                {
                    return;
                }
            }
        }
        if (Scope->JumpTarget == 0)
        {
            /* Should it raise, whoever takes over goes on behind it. */
            Dispatcher->ScopeIndex = Index + 1;
            ((PTERMINATION_HANDLER)(ULONG_PTR)(Base + Scope->HandlerAddress))(TRUE, EstablisherFrame);
        }
    }
}

NTEXPORT(__C_specific_handler, ANY_LEVEL, "callback");
EXCEPTION_DISPOSITION __C_specific_handler(PEXCEPTION_RECORD ExceptionRecord, PVOID EstablisherFrame,
    PCONTEXT ContextRecord, PDISPATCHER_CONTEXT DispatcherContext)
{
    if (!(ExceptionRecord->ExceptionFlags & EXCEPTION_UNWIND))
    {
        return RtlpSearchScopes(ExceptionRecord, EstablisherFrame, ContextRecord, DispatcherContext);
    }
    RtlpLeaveScopes(ExceptionRecord, EstablisherFrame, DispatcherContext);
    return ExceptionContinueSearch;
}
