/*
 * What becomes of an exception: handlers are asked, and when none of them takes it the system stops: 0x7E in a system thread,
 * 0x3B on the way of a system service, else 0x1E. The bugcheck's hypercall carries both records.
 */
#include "guest/include/psp.h"
#include "guest/include/seh.h"

#define STATUS_STACK_BUFFER_OVERRUN_ ((NTSTATUS)0xC0000409)
#define KI_CONTEXT_FLAGS (CONTEXT_CONTROL | CONTEXT_INTEGER | CONTEXT_SEGMENTS | CONTEXT_FLOATING_POINT)

VOID KiDivideErrorFault(VOID);
VOID KiDebugTrapOrFault(VOID);
VOID KiBreakpointTrap(VOID);
VOID KiInvalidOpcodeFault(VOID);
VOID KiGeneralProtectionFault(VOID);
VOID KiPageFault(VOID);
VOID KiFloatingErrorFault(VOID);
VOID KiAlignmentFault(VOID);
VOID KiXmmException(VOID);
VOID KiRaiseSecurityCheckFailure(VOID);
VOID KiRaiseAssertion(VOID);
VOID KiDebugServiceTrap(VOID);

NTEXPORT(DbgBreakPoint, ANY_LEVEL, "callback"); /* trap.S */

/* rd_entry_points.fault */
VOID (*const KiFaultVectors[RD_FAULT_VECTORS])(VOID) = {
    [0] = KiDivideErrorFault,
    [1] = KiDebugTrapOrFault,
    [3] = KiBreakpointTrap,
    [6] = KiInvalidOpcodeFault,
    [13] = KiGeneralProtectionFault,
    [14] = KiPageFault,
    [16] = KiFloatingErrorFault,
    [17] = KiAlignmentFault,
    [19] = KiXmmException,
    [0x29] = KiRaiseSecurityCheckFailure,
    [0x2C] = KiRaiseAssertion,
    [0x2D] = KiDebugServiceTrap,
};

DECLSPEC_NORETURN VOID KiBugCheckException(ULONG Code, ULONG_PTR P3, ULONG_PTR P4,
    PEXCEPTION_RECORD ExceptionRecord, PCONTEXT ContextRecord)
{
    PKPRCB Prcb = KiCurrentPrcb();

    Prcb->ExceptionRecord = ExceptionRecord;
    Prcb->ExceptionContext = ContextRecord;
    if (Code == RDBC_KERNEL_SECURITY_CHECK_FAILURE)
    {
        KeBugCheckEx(Code, ExceptionRecord->ExceptionInformation[0], P3, P4, 0);
    }
    /* As crash dumps show it: 0x3B carries the status as the 32 bits that it is. */
    KeBugCheckEx(Code,
        Code == RDBC_SYSTEM_SERVICE_EXCEPTION ? (ULONG)ExceptionRecord->ExceptionCode
                                              : (ULONG_PTR)(LONG_PTR)ExceptionRecord->ExceptionCode,
        RD_ADDRESS(ExceptionRecord->ExceptionAddress), P3, P4);
}

static DECLSPEC_NORETURN VOID KiUnhandledException(
    PEXCEPTION_RECORD ExceptionRecord, PCONTEXT ContextRecord)
{
    KiBugCheckException(RDBC_KMODE_EXCEPTION_NOT_HANDLED, ExceptionRecord->ExceptionInformation[0],
        ExceptionRecord->ExceptionInformation[1], ExceptionRecord, ContextRecord);
}

static VOID KeContextFromKframes(
    PCONTEXT Context, const KTRAP_FRAME *Trap, const KEXCEPTION_FRAME *Exception)
{
    RtlZeroMemory(Context, sizeof(*Context));
    Context->ContextFlags = KI_CONTEXT_FLAGS;
    Context->MxCsr = Trap->MxCsr;
    Context->FltSave.MxCsr = Trap->MxCsr;
    Context->SegCs = (USHORT)Trap->Machine.cs;
    Context->SegSs = (USHORT)Trap->Machine.ss;
    Context->SegDs = 0x2B;
    Context->SegEs = 0x2B;
    Context->SegFs = 0x53;
    Context->SegGs = 0x2B;
    Context->EFlags = (ULONG)Trap->Machine.rflags;
    Context->Rip = Trap->Machine.rip;
    Context->Rsp = Trap->Machine.rsp;
    Context->Rax = Trap->Rax;
    Context->Rcx = Trap->Rcx;
    Context->Rdx = Trap->Rdx;
    Context->R8 = Trap->R8;
    Context->R9 = Trap->R9;
    Context->R10 = Trap->R10;
    Context->R11 = Trap->R11;
    Context->Rbx = Exception->Rbx;
    Context->Rbp = Exception->Rbp;
    Context->Rsi = Exception->Rsi;
    Context->Rdi = Exception->Rdi;
    Context->R12 = Exception->R12;
    Context->R13 = Exception->R13;
    Context->R14 = Exception->R14;
    Context->R15 = Exception->R15;
    RtlCopyMemory(&Context->Xmm0, Trap->Xmm, sizeof(Trap->Xmm));
    RtlCopyMemory(&Context->Xmm6, Exception->Xmm6, sizeof(Exception->Xmm6));
}

static VOID KeContextToKframes(
    PKTRAP_FRAME Trap, PKEXCEPTION_FRAME Exception, const CONTEXT *Context)
{
    Trap->MxCsr = Context->MxCsr;
    Trap->Machine.rflags = Context->EFlags;
    Trap->Machine.rip = Context->Rip;
    Trap->Machine.rsp = Context->Rsp;
    Trap->Rax = Context->Rax;
    Trap->Rcx = Context->Rcx;
    Trap->Rdx = Context->Rdx;
    Trap->R8 = Context->R8;
    Trap->R9 = Context->R9;
    Trap->R10 = Context->R10;
    Trap->R11 = Context->R11;
    Exception->Rbx = Context->Rbx;
    Exception->Rbp = Context->Rbp;
    Exception->Rsi = Context->Rsi;
    Exception->Rdi = Context->Rdi;
    Exception->R12 = Context->R12;
    Exception->R13 = Context->R13;
    Exception->R14 = Context->R14;
    Exception->R15 = Context->R15;
    RtlCopyMemory(Trap->Xmm, &Context->Xmm0, sizeof(Trap->Xmm));
    RtlCopyMemory(Exception->Xmm6, &Context->Xmm6, sizeof(Exception->Xmm6));
}

/* From KiExceptionDispatch. Returns when execution goes on, as the frames then say. */
VOID KiDispatchException(
    PEXCEPTION_RECORD ExceptionRecord, PKEXCEPTION_FRAME ExceptionFrame, PKTRAP_FRAME TrapFrame)
{
    CONTEXT Context;

    KeContextFromKframes(&Context, TrapFrame, ExceptionFrame);
    RdEvent(RD_EVENT_EXCEPTION, (ULONG)ExceptionRecord->ExceptionCode,
        ExceptionRecord->ExceptionAddress, ExceptionRecord->ExceptionInformation[1]);
    if (ExceptionRecord->ExceptionCode == STATUS_STACK_BUFFER_OVERRUN_)
    {
        /* A fast failure is nobody's to handle. */
        ExceptionRecord->ExceptionFlags = EXCEPTION_NONCONTINUABLE;
        KiBugCheckException(RDBC_KERNEL_SECURITY_CHECK_FAILURE, RD_ADDRESS(TrapFrame),
            RD_ADDRESS(ExceptionRecord), ExceptionRecord, &Context);
    }
    if (!RtlDispatchException(ExceptionRecord, &Context))
    {
        KiUnhandledException(ExceptionRecord, &Context);
    }
    KeContextToKframes(TrapFrame, ExceptionFrame, &Context);
}

DECLSPEC_NORETURN VOID KiRaiseException(PEXCEPTION_RECORD ExceptionRecord, PCONTEXT ContextRecord)
{
    RdEvent(RD_EVENT_EXCEPTION, (ULONG)ExceptionRecord->ExceptionCode,
        ExceptionRecord->ExceptionAddress, 0);
    if (!RtlDispatchException(ExceptionRecord, ContextRecord))
    {
        KiUnhandledException(ExceptionRecord, ContextRecord);
    }
    RtlRestoreContext(ContextRecord, NULL);
}

/* The filter of PspSystemThreadStartup. */
LONG PspUnhandledExceptionInSystemThread(PEXCEPTION_POINTERS ExceptionPointers)
{
    KiBugCheckException(RDBC_SYSTEM_THREAD_EXCEPTION_NOT_HANDLED,
        RD_ADDRESS(ExceptionPointers->ExceptionRecord), RD_ADDRESS(ExceptionPointers->ContextRecord),
        ExceptionPointers->ExceptionRecord, ExceptionPointers->ContextRecord);
}

/* The handler of KiSystemServiceCopyEnd. System threads may issue a scenario's verbs too: they have a filter of their own. */
EXCEPTION_DISPOSITION KiSystemServiceHandler(PEXCEPTION_RECORD ExceptionRecord, PVOID EstablisherFrame,
    PCONTEXT ContextRecord, PDISPATCHER_CONTEXT DispatcherContext)
{
    if (KiCurrentThread()->SystemThread)
    {
        return ExceptionContinueSearch;
    }
    KiBugCheckException(RDBC_SYSTEM_SERVICE_EXCEPTION, RD_ADDRESS(ContextRecord), 0, ExceptionRecord,
        ContextRecord);
}

/* The handler of KiInterruptEntry: the frames above a DPC belong to whoever was interrupted, and are not asked. A kernel
 * APC runs in its thread. */
EXCEPTION_DISPOSITION KiInterruptHandler(PEXCEPTION_RECORD ExceptionRecord, PVOID EstablisherFrame,
    PCONTEXT ContextRecord, PDISPATCHER_CONTEXT DispatcherContext)
{
    const struct rd_interrupt_frame *Frame = (PVOID)((PUCHAR)EstablisherFrame + 0xC8);

    if (Frame->vector == APC_LEVEL)
    {
        return ExceptionContinueSearch;
    }
    KiUnhandledException(ExceptionRecord, ContextRecord);
}
