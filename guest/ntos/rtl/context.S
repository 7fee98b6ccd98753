/*
 * Registers as a whole: taking a CONTEXT, going on at one; and the two frames that call handlers, which are known by handlers
 * of their own. Offsets are asserted in guest/include/seh.h.
 */
#define CONTEXT_RCX 0x80
#define CONTEXT_RSP 0x98
#define DISPATCHER_LANGUAGE_HANDLER 0x30
/* CONTEXT_CONTROL | CONTEXT_INTEGER | CONTEXT_SEGMENTS | CONTEXT_FLOATING_POINT */
#define CONTEXT_ALL 0x10000F

    .text

/* VOID RtlCaptureContext(PCONTEXT (rcx)): as of the return to the caller. */
    .globl RtlCaptureContext
    .def RtlCaptureContext; .scl 2; .type 32; .endef
    .seh_proc RtlCaptureContext
RtlCaptureContext:
    pushfq
    .seh_stackalloc 8
    .seh_endprologue
    movq %rax, 0x78(%rcx)
    movq %rcx, 0x80(%rcx)
    movq %rdx, 0x88(%rcx)
    movq %rbx, 0x90(%rcx)
    leaq 0x10(%rsp), %rax
    movq %rax, 0x98(%rcx)
    movq %rbp, 0xa0(%rcx)
    movq %rsi, 0xa8(%rcx)
    movq %rdi, 0xb0(%rcx)
    movq %r8, 0xb8(%rcx)
    movq %r9, 0xc0(%rcx)
    movq %r10, 0xc8(%rcx)
    movq %r11, 0xd0(%rcx)
    movq %r12, 0xd8(%rcx)
    movq %r13, 0xe0(%rcx)
    movq %r14, 0xe8(%rcx)
    movq %r15, 0xf0(%rcx)
    movq 8(%rsp), %rax
    movq %rax, 0xf8(%rcx)
    movl (%rsp), %eax
    movl %eax, 0x44(%rcx)
    movl $CONTEXT_ALL, 0x30(%rcx)
    stmxcsr 0x34(%rcx)
    stmxcsr 0x118(%rcx)
    movl $0x002b0010, 0x38(%rcx)
    movl $0x0053002b, 0x3c(%rcx)
    movl $0x0018002b, 0x40(%rcx)
    movups %xmm0, 0x1a0(%rcx)
    movups %xmm1, 0x1b0(%rcx)
    movups %xmm2, 0x1c0(%rcx)
    movups %xmm3, 0x1d0(%rcx)
    movups %xmm4, 0x1e0(%rcx)
    movups %xmm5, 0x1f0(%rcx)
    movups %xmm6, 0x200(%rcx)
    movups %xmm7, 0x210(%rcx)
    movups %xmm8, 0x220(%rcx)
    movups %xmm9, 0x230(%rcx)
    movups %xmm10, 0x240(%rcx)
    movups %xmm11, 0x250(%rcx)
    movups %xmm12, 0x260(%rcx)
    movups %xmm13, 0x270(%rcx)
    movups %xmm14, 0x280(%rcx)
    movups %xmm15, 0x290(%rcx)
    movq 0x78(%rcx), %rax
    addq $8, %rsp
    ret
    .seh_endproc

/*
 * VOID RtlRestoreContext(PCONTEXT (rcx), PEXCEPTION_RECORD (rdx)): never returns. IRETQ takes all that moves at once: instruction,
 * flags, stack. The record matters only for unwindings that we do not have (consolidation).
 * RD_HC_FRAME_ENDED (23), last of all: rcx the new stack pointer.
 */
    .globl RtlRestoreContext
    .def RtlRestoreContext; .scl 2; .type 32; .endef
    .seh_proc RtlRestoreContext
RtlRestoreContext:
    subq $0x48, %rsp
    .seh_stackalloc 0x48
    .seh_endprologue
    cli
    movq 0x78(%rcx), %rax
    movq %rax, 0x00(%rsp)
    movq CONTEXT_RCX(%rcx), %rax
    movq %rax, 0x08(%rsp)
    movq 0xf8(%rcx), %rax
    movq %rax, 0x10(%rsp)
    movq $0x10, 0x18(%rsp)
    movl 0x44(%rcx), %eax
    movq %rax, 0x20(%rsp)
    movq CONTEXT_RSP(%rcx), %rax
    movq %rax, 0x28(%rsp)
    movq $0x18, 0x30(%rsp)
    ldmxcsr 0x34(%rcx)
    movups 0x1a0(%rcx), %xmm0
    movups 0x1b0(%rcx), %xmm1
    movups 0x1c0(%rcx), %xmm2
    movups 0x1d0(%rcx), %xmm3
    movups 0x1e0(%rcx), %xmm4
    movups 0x1f0(%rcx), %xmm5
    movups 0x200(%rcx), %xmm6
    movups 0x210(%rcx), %xmm7
    movups 0x220(%rcx), %xmm8
    movups 0x230(%rcx), %xmm9
    movups 0x240(%rcx), %xmm10
    movups 0x250(%rcx), %xmm11
    movups 0x260(%rcx), %xmm12
    movups 0x270(%rcx), %xmm13
    movups 0x280(%rcx), %xmm14
    movups 0x290(%rcx), %xmm15
    movq 0x88(%rcx), %rdx
    movq 0x90(%rcx), %rbx
    movq 0xa0(%rcx), %rbp
    movq 0xa8(%rcx), %rsi
    movq 0xb0(%rcx), %rdi
    movq 0xb8(%rcx), %r8
    movq 0xc0(%rcx), %r9
    movq 0xc8(%rcx), %r10
    movq 0xd0(%rcx), %r11
    movq 0xd8(%rcx), %r12
    movq 0xe0(%rcx), %r13
    movq 0xe8(%rcx), %r14
    movq 0xf0(%rcx), %r15
    movq CONTEXT_RSP(%rcx), %rcx
    movl $23, %eax
    vmcall
    popq %rax
    popq %rcx
    iretq
    .seh_endproc

/* EXCEPTION_DISPOSITION RtlpExecuteHandlerFor...(Record, Frame, Context, Dispatcher (r9)) */
    .globl RtlpExecuteHandlerForException
    .def RtlpExecuteHandlerForException; .scl 2; .type 32; .endef
    .seh_proc RtlpExecuteHandlerForException
    .seh_handler RtlpExceptionHandler, @except
RtlpExecuteHandlerForException:
    subq $0x28, %rsp
    .seh_stackalloc 0x28
    .seh_endprologue
    movq %r9, 0x20(%rsp)
    call *DISPATCHER_LANGUAGE_HANDLER(%r9)
    nop
    addq $0x28, %rsp
    ret
    .seh_endproc

    .globl RtlpExecuteHandlerForUnwind
    .def RtlpExecuteHandlerForUnwind; .scl 2; .type 32; .endef
    .seh_proc RtlpExecuteHandlerForUnwind
    .seh_handler RtlpUnwindHandler, @except, @unwind
RtlpExecuteHandlerForUnwind:
    subq $0x28, %rsp
    .seh_stackalloc 0x28
    .seh_endprologue
    movq %r9, 0x20(%rsp)
    call *DISPATCHER_LANGUAGE_HANDLER(%r9)
    nop
    addq $0x28, %rsp
    ret
    .seh_endproc
