/*
 * Processor exceptions: the way in and out, by the names that stacks show on Windows; and the frames of the kernel that have
 * handlers of their own: threads, system services, guarded copies. Offsets are asserted in guest/include/seh.h.
 *
 * The machine has pushed struct rd_exception_frame and left IRQL and IF alone. Registers that calls preserve are saved by
 * KiExceptionDispatch, the others here, so that unwinding finds all of them.
 */

#include "guest/ntos/ke/registers.h"

#define STATUS_BREAKPOINT 0x80000003
#define STATUS_SINGLE_STEP 0x80000004
#define STATUS_DATATYPE_MISALIGNMENT 0x80000002
#define STATUS_ACCESS_VIOLATION 0xC0000005
#define STATUS_ILLEGAL_INSTRUCTION 0xC000001D
#define STATUS_FLOAT_INVALID_OPERATION 0xC0000090
#define STATUS_FLOAT_MULTIPLE_TRAPS 0xC00002B5
#define STATUS_INTEGER_DIVIDE_BY_ZERO 0xC0000094
#define STATUS_STACK_BUFFER_OVERRUN 0xC0000409
#define STATUS_ASSERTION_FAILURE 0xC0000420

    .text

    .macro TRAP_ENTER name
    .globl \name
    .def \name; .scl 2; .type 32; .endef
    .seh_proc \name
\name:
    TRAP_FRAME_SAVE
    .endm

/* r8 where, ecx what, edx how many of r9 and r10 say more. KiExceptionDispatch comes back when execution is to go on. */
    .macro TRAP_LEAVE
    movq 0xd8(%rsp), %r8
    movq %rsp, %r11
    call KiExceptionDispatch
    cli
    TRAP_FRAME_RETURN
    .seh_endproc
    .endm

    .macro TRAP name, status
    TRAP_ENTER \name
    movl $\status, %ecx
    xorl %edx, %edx
    xorl %r9d, %r9d
    xorl %r10d, %r10d
    TRAP_LEAVE
    .endm

    TRAP KiDivideErrorFault, STATUS_INTEGER_DIVIDE_BY_ZERO
    TRAP KiDebugTrapOrFault, STATUS_SINGLE_STEP
    TRAP KiInvalidOpcodeFault, STATUS_ILLEGAL_INSTRUCTION
    TRAP KiFloatingErrorFault, STATUS_FLOAT_INVALID_OPERATION
    TRAP KiAlignmentFault, STATUS_DATATYPE_MISALIGNMENT
    TRAP KiXmmException, STATUS_FLOAT_MULTIPLE_TRAPS
    TRAP KiRaiseAssertion, STATUS_ASSERTION_FAILURE
    TRAP KiDebugServiceTrap, STATUS_BREAKPOINT

/* The exception is where the instruction is, not behind it. */
    TRAP_ENTER KiBreakpointTrap
    decq 0xd8(%rsp)
    movl $STATUS_BREAKPOINT, %ecx
    movl $1, %edx
    xorl %r9d, %r9d
    xorl %r10d, %r10d
    TRAP_LEAVE

/* __fastfail: its code is in rcx. */
    TRAP_ENTER KiRaiseSecurityCheckFailure
    movq %rcx, %r9
    movl $STATUS_STACK_BUFFER_OVERRUN, %ecx
    movl $1, %edx
    xorl %r10d, %r10d
    TRAP_LEAVE

/* The processor does not say which address it was. */
    TRAP_ENTER KiGeneralProtectionFault
    movl $STATUS_ACCESS_VIOLATION, %ecx
    movl $2, %edx
    xorl %r9d, %r9d
    movq $-1, %r10
    TRAP_LEAVE

    TRAP_ENTER KiPageFault
    movl $STATUS_ACCESS_VIOLATION, %ecx
    movl $2, %edx
    movq 0xd0(%rsp), %r9
    shrq $1, %r9
    andl $1, %r9d
    movq 0xc8(%rsp), %r10
    TRAP_LEAVE

/* VOID DbgBreakPoint(VOID): without a debugger an exception like any other. */
    .globl DbgBreakPoint
    .def DbgBreakPoint; .scl 2; .type 32; .endef
DbgBreakPoint:
    int3
    ret

/*
 * ecx status, edx parameters, r8 address, r9 and r10 parameters, r11 trap frame. Builds the KEXCEPTION_FRAME with its record.
 */
    .globl KiExceptionDispatch
    .def KiExceptionDispatch; .scl 2; .type 32; .endef
    .seh_proc KiExceptionDispatch
KiExceptionDispatch:
    subq $0x1a8, %rsp
    .seh_stackalloc 0x1a8
    XMM_SAVE 0x30
    movq %rbx, 0xd0(%rsp)
    .seh_savereg %rbx, 0xd0
    movq %rbp, 0xd8(%rsp)
    .seh_savereg %rbp, 0xd8
    movq %rsi, 0xe0(%rsp)
    .seh_savereg %rsi, 0xe0
    movq %rdi, 0xe8(%rsp)
    .seh_savereg %rdi, 0xe8
    movq %r12, 0xf0(%rsp)
    .seh_savereg %r12, 0xf0
    movq %r13, 0xf8(%rsp)
    .seh_savereg %r13, 0xf8
    movq %r14, 0x100(%rsp)
    .seh_savereg %r14, 0x100
    movq %r15, 0x108(%rsp)
    .seh_savereg %r15, 0x108
    .seh_endprologue
    movl %ecx, 0x110(%rsp)
    movl $0, 0x114(%rsp)
    movq $0, 0x118(%rsp)
    movq %r8, 0x120(%rsp)
    movq %rdx, 0x128(%rsp)
    movq %r9, 0x130(%rsp)
    movq %r10, 0x138(%rsp)
    leaq 0x110(%rsp), %rcx
    movq %rsp, %rdx
    movq %r11, %r8
    call KiDispatchException
    XMM_RESTORE 0x30
    movq 0xd0(%rsp), %rbx
    movq 0xd8(%rsp), %rbp
    movq 0xe0(%rsp), %rsi
    movq 0xe8(%rsp), %rdi
    movq 0xf0(%rsp), %r12
    movq 0xf8(%rsp), %r13
    movq 0x100(%rsp), %r14
    movq 0x108(%rsp), %r15
    addq $0x1a8, %rsp
    ret
    .seh_endproc

/*
 * VOID PspSystemThreadStartup(PKSTART_ROUTINE (rcx), PVOID StartContext (rdx)), at APC_LEVEL: what a system thread runs lies in a
 * __try whose filter stops the system.
 */
    .globl PspSystemThreadStartup
    .def PspSystemThreadStartup; .scl 2; .type 32; .endef
    .seh_proc PspSystemThreadStartup
    .seh_handler __C_specific_handler, @except
PspSystemThreadStartup:
    subq $0x38, %rsp
    .seh_stackalloc 0x38
    .seh_endprologue
    movq %rcx, 0x20(%rsp)
    movq %rdx, 0x28(%rsp)
    call PspBeginSystemThread
    movq 0x28(%rsp), %rcx
.Lthread_begin:
    call *0x20(%rsp)
    nop
.Lthread_end:
    xorl %ecx, %ecx
    call PspExitThread
.Lthread_except:
    ud2
    .seh_handlerdata
    .long 1
    .rva .Lthread_begin, .Lthread_end, PspSystemThreadStartup$filt$0, .Lthread_except
    .text
    .seh_endproc

    .def PspSystemThreadStartup$filt$0; .scl 3; .type 32; .endef
    .seh_proc PspSystemThreadStartup$filt$0
PspSystemThreadStartup$filt$0:
    subq $0x28, %rsp
    .seh_stackalloc 0x28
    .seh_endprologue
    call PspUnhandledExceptionInSystemThread
    nop
    addq $0x28, %rsp
    ret
    .seh_endproc

/* NTSTATUS KiSystemServiceCopyEnd(Service (rcx), First (rdx), Second (r8)): calls it. What it leaves unhandled stops the system. */
    .globl KiSystemServiceCopyEnd
    .def KiSystemServiceCopyEnd; .scl 2; .type 32; .endef
    .seh_proc KiSystemServiceCopyEnd
    .seh_handler KiSystemServiceHandler, @except
KiSystemServiceCopyEnd:
    subq $0x28, %rsp
    .seh_stackalloc 0x28
    .seh_endprologue
    movq %rcx, %rax
    movq %rdx, %rcx
    movq %r8, %rdx
    call *%rax
    nop
    addq $0x28, %rsp
    ret
    .seh_endproc

/*
 * NTSTATUS KiCopyGuarded(To (rcx), From (rdx), Bytes (r8)): the exception's status comes back in rax.
 */
    .globl KiCopyGuarded
    .def KiCopyGuarded; .scl 2; .type 32; .endef
    .seh_proc KiCopyGuarded
    .seh_handler __C_specific_handler, @except
KiCopyGuarded:
    pushq %rsi
    .seh_pushreg %rsi
    pushq %rdi
    .seh_pushreg %rdi
    subq $0x28, %rsp
    .seh_stackalloc 0x28
    .seh_endprologue
    movq %rcx, %rdi
    movq %rdx, %rsi
    movq %r8, %rcx
.Lcopy_begin:
    rep movsb
.Lcopy_end:
    xorl %eax, %eax
.Lcopy_except:
    addq $0x28, %rsp
    popq %rdi
    popq %rsi
    ret
    .seh_handlerdata
    .long 1
    .rva .Lcopy_begin, .Lcopy_end
    .long 1
    .rva .Lcopy_except
    .text
    .seh_endproc
