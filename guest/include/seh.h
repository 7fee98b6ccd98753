/*
 * Structured exceptions: the records that handlers, unwinding and the language's own handler exchange. The layouts are those of
 * the x64 ABI ("x64 exception handling"); the DDK headers leave them out.
 */
#ifndef GUEST_SEH_H
#define GUEST_SEH_H

#include "guest/include/ntos.h"

#define EXCEPTION_UNWINDING 0x02
#define EXCEPTION_EXIT_UNWIND 0x04
#define EXCEPTION_STACK_INVALID 0x08
#define EXCEPTION_NESTED_CALL 0x10
#define EXCEPTION_TARGET_UNWIND 0x20
#define EXCEPTION_COLLIDED_UNWIND 0x40
#define EXCEPTION_UNWIND (EXCEPTION_UNWINDING | EXCEPTION_EXIT_UNWIND)

#define UNW_FLAG_NHANDLER 0
#define UNW_FLAG_EHANDLER 1
#define UNW_FLAG_UHANDLER 2
#define UNW_FLAG_CHAININFO 4

typedef struct _RUNTIME_FUNCTION
{
    ULONG BeginAddress;
    ULONG EndAddress;
    ULONG UnwindData;
} RUNTIME_FUNCTION, *PRUNTIME_FUNCTION;

typedef struct _UNWIND_HISTORY_TABLE *PUNWIND_HISTORY_TABLE;

typedef struct _DISPATCHER_CONTEXT
{
    ULONG64 ControlPc;
    ULONG64 ImageBase;
    PRUNTIME_FUNCTION FunctionEntry;
    ULONG64 EstablisherFrame;
    ULONG64 TargetIp;
    PCONTEXT ContextRecord;
    PEXCEPTION_ROUTINE LanguageHandler;
    PVOID HandlerData;
    PUNWIND_HISTORY_TABLE HistoryTable;
    ULONG ScopeIndex;
    ULONG Fill0;
} DISPATCHER_CONTEXT, *PDISPATCHER_CONTEXT;
C_ASSERT(FIELD_OFFSET(DISPATCHER_CONTEXT, LanguageHandler) == 0x30); /* rtl/context.S */

/* Where unwinding found the registers that it restored; NULL when it did not. */
typedef struct _KNONVOLATILE_CONTEXT_POINTERS
{
    PM128A FloatingContext[16];
    PULONG64 IntegerContext[16];
} KNONVOLATILE_CONTEXT_POINTERS, *PKNONVOLATILE_CONTEXT_POINTERS;

/* What the machine and KiPageFault and its kin leave on the stack. */
typedef struct _KTRAP_FRAME
{
    ULONG64 Home[4];
    M128A Xmm[6];
    ULONG64 Rax, Rcx, Rdx, R8, R9, R10, R11;
    ULONG MxCsr;
    ULONG Fill0;
    ULONG64 Fill1;
    struct rd_exception_frame Machine;
} KTRAP_FRAME, *PKTRAP_FRAME;
C_ASSERT(FIELD_OFFSET(KTRAP_FRAME, Rax) == 0x80);
C_ASSERT(FIELD_OFFSET(KTRAP_FRAME, Machine) == 0xC8); /* ke/trap.S */

/* ... and KiExceptionDispatch below it: the registers that calls preserve. */
typedef struct _KEXCEPTION_FRAME
{
    ULONG64 Home[5];
    ULONG64 Fill;
    M128A Xmm6[10];
    ULONG64 Rbx, Rbp, Rsi, Rdi, R12, R13, R14, R15;
    EXCEPTION_RECORD Record;
} KEXCEPTION_FRAME, *PKEXCEPTION_FRAME;
C_ASSERT(FIELD_OFFSET(KEXCEPTION_FRAME, Xmm6) == 0x30); /* ke/trap.S */
C_ASSERT(FIELD_OFFSET(KEXCEPTION_FRAME, Rbx) == 0xD0);
C_ASSERT(FIELD_OFFSET(KEXCEPTION_FRAME, Record) == 0x110);

C_ASSERT(FIELD_OFFSET(CONTEXT, Rax) == RD_CONTEXT_GPR);
C_ASSERT(FIELD_OFFSET(CONTEXT, R15) == RD_CONTEXT_GPR + 15 * 8);
C_ASSERT(FIELD_OFFSET(CONTEXT, Rip) == RD_CONTEXT_RIP);
C_ASSERT(FIELD_OFFSET(CONTEXT, EFlags) == RD_CONTEXT_EFLAGS);
C_ASSERT(FIELD_OFFSET(CONTEXT, MxCsr) == RD_CONTEXT_MXCSR);
C_ASSERT(FIELD_OFFSET(CONTEXT, Xmm0) == RD_CONTEXT_XMM);
C_ASSERT(sizeof(CONTEXT) == RD_CONTEXT_SIZE);
C_ASSERT(sizeof(EXCEPTION_RECORD) == RD_EXCEPTION_RECORD_SIZE);

/* Register N in the order of the instruction encoding. */
static inline PULONG64 RtlpRegister(PCONTEXT Context, ULONG Number)
{
    return &Context->Rax + Number;
}

/* rtl/unwind.c */
NTSYSAPI PRUNTIME_FUNCTION NTAPI RtlLookupFunctionEntry(
    ULONG64 ControlPc, PULONG64 ImageBase, PUNWIND_HISTORY_TABLE HistoryTable);
NTSYSAPI PEXCEPTION_ROUTINE NTAPI RtlVirtualUnwind(ULONG HandlerType, ULONG64 ImageBase,
    ULONG64 ControlPc, PRUNTIME_FUNCTION FunctionEntry, PCONTEXT ContextRecord, PVOID *HandlerData,
    PULONG64 EstablisherFrame, PKNONVOLATILE_CONTEXT_POINTERS ContextPointers);
NTSYSAPI PVOID NTAPI RtlPcToFileHeader(PVOID PcValue, PVOID *BaseOfImage);
/* The images whose tables unwinding knows: told by the loader. */
VOID RtlpInsertImage(PVOID Base);
VOID RtlpRemoveImage(PVOID Base);

/* rtl/exception.c */
BOOLEAN RtlDispatchException(PEXCEPTION_RECORD ExceptionRecord, PCONTEXT ContextRecord);
NTSYSAPI VOID NTAPI RtlRaiseException(PEXCEPTION_RECORD ExceptionRecord);
DECLSPEC_NORETURN NTSYSAPI VOID NTAPI RtlRaiseStatus(NTSTATUS Status);
NTSYSAPI VOID NTAPI RtlUnwind(
    PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord, PVOID ReturnValue);
NTSYSAPI VOID NTAPI RtlUnwindEx(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord,
    PVOID ReturnValue, PCONTEXT ContextRecord, PUNWIND_HISTORY_TABLE HistoryTable);

/* rtl/context.S */
DECLSPEC_NORETURN VOID NTAPI RtlRestoreContext(PCONTEXT ContextRecord, PEXCEPTION_RECORD ExceptionRecord);
EXCEPTION_DISPOSITION RtlpExecuteHandlerForException(PEXCEPTION_RECORD ExceptionRecord,
    PVOID EstablisherFrame, PCONTEXT ContextRecord, PDISPATCHER_CONTEXT DispatcherContext);
EXCEPTION_DISPOSITION RtlpExecuteHandlerForUnwind(PEXCEPTION_RECORD ExceptionRecord,
    PVOID EstablisherFrame, PCONTEXT ContextRecord, PDISPATCHER_CONTEXT DispatcherContext);

/* ke/except.c */
/* An exception that a routine raised: dispatched, and returned to the context if somebody said so. */
DECLSPEC_NORETURN VOID KiRaiseException(PEXCEPTION_RECORD ExceptionRecord, PCONTEXT ContextRecord);
/* Nobody handled it: stops the system, and tells the machine where the two records lie. */
DECLSPEC_NORETURN VOID KiBugCheckException(ULONG Code, ULONG_PTR P3, ULONG_PTR P4,
    PEXCEPTION_RECORD ExceptionRecord, PCONTEXT ContextRecord);

/* ke/trap.S: Bytes from one place to another, either of which may be a user's: 0, or the status of the exception. */
NTSTATUS KiCopyGuarded(PVOID To, const VOID *From, SIZE_T Bytes);

#endif
