/*
 * The places where C cannot go: changing stacks, the first instructions of processors and threads, and the
 * way in and out of interrupts. Every routine carries unwind data, since reports walk through them.
 */

#include "guest/ntos/ke/registers.h"

/* Offsets asserted in thread.c. */
#define KTHREAD_SAVED_RSP 0x218
#define PCR_CURRENT_THREAD 0x188
#define PCR_STACK_BASE 8

    .text

/*
 * VOID KiSwapContext(PKTHREAD Old (rcx), PKTHREAD New (rdx))
 * Leaves Old inside this routine and returns on the stack of New, which left itself in the same way (or was
 * prepared by KiPrepareThreadStack). IRQL is DISPATCH_LEVEL or higher. The frame is struct KSWITCH_FRAME of thread.c.
 */
    .globl KiSwapContext
    .globl KiSwapContextResume
    .def KiSwapContext; .scl 2; .type 32; .endef
    .seh_proc KiSwapContext
KiSwapContext:
    pushq %rbp
    .seh_pushreg %rbp
    pushq %rbx
    .seh_pushreg %rbx
    pushq %rdi
    .seh_pushreg %rdi
    pushq %rsi
    .seh_pushreg %rsi
    pushq %r12
    .seh_pushreg %r12
    pushq %r13
    .seh_pushreg %r13
    pushq %r14
    .seh_pushreg %r14
    pushq %r15
    .seh_pushreg %r15
    subq $0xb8, %rsp
    .seh_stackalloc 0xb8
    XMM_SAVE 0
    .seh_endprologue
    stmxcsr 0xa0(%rsp)
    /* The machine judges stack accesses by the running thread's rsp: pointer and stack change together. */
    movq %rsp, KTHREAD_SAVED_RSP(%rcx)
    movq %rdx, %gs:PCR_CURRENT_THREAD
    movq KTHREAD_SAVED_RSP(%rdx), %rsp
KiSwapContextResume:
    ldmxcsr 0xa0(%rsp)
    XMM_RESTORE 0
    addq $0xb8, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rsi
    popq %rdi
    popq %rbx
    popq %rbp
    ret
    .seh_endproc

/*
 * First instructions of every thread, at DISPATCH_LEVEL behind KiSwapContext: rbx system routine, rsi and rdi its
 * arguments. The word that a caller's return address would occupy is 0: stacks end here.
 */
    .globl KiStartSystemThread
    .def KiStartSystemThread; .scl 2; .type 32; .endef
    .seh_proc KiStartSystemThread
KiStartSystemThread:
    subq $0x20, %rsp
    .seh_stackalloc 0x20
    .seh_endprologue
    movl $1, %eax
    movq %rax, %cr8
    movq %rsi, %rcx
    movq %rdi, %rdx
    call *%rbx
    ud2
    .seh_endproc

/*
 * A software or clock interrupt. The machine has pushed struct rd_interrupt_frame, raised the IRQL and cleared IF.
 */
    .globl KiInterruptEntry
    .def KiInterruptEntry; .scl 2; .type 32; .endef
    .seh_proc KiInterruptEntry
    .seh_handler KiInterruptHandler, @except
KiInterruptEntry:
    TRAP_FRAME_SAVE
    sti
    leaq 0xc8(%rsp), %rcx
    call KiInterruptDispatch
    /* With IF clear, lowering CR8 lets nothing in before IRETQ. */
    cli
    movq 0xd0(%rsp), %rax
    movq %rax, %cr8
    TRAP_FRAME_RETURN
    .seh_endproc

/*
 * Where processors other than 0 begin: rcx number, rsp the top of the idle thread's stack, interrupts off, IRQL 15.
 * KiInitializeProcessor has prepared everything else.
 */
    .globl KiStartProcessor
    .def KiStartProcessor; .scl 2; .type 32; .endef
    .seh_proc KiStartProcessor
KiStartProcessor:
    movq %gs:PCR_STACK_BASE, %rsp
    subq $0x30, %rsp
    .seh_stackalloc 0x28
    .seh_endprologue
    movq $0, 0x28(%rsp)
    call KiProcessorStartup
    ud2
    .seh_endproc

/*
 * The image's entry point: rcx loader block. The machine promises no stack; processor 0 takes its idle thread's.
 * RD_HC_MAP (10) makes the stack readable: rcx address, rdx bytes, r8 RD_SHADOW_STACK.
 */
    .globl KiSystemStartup
    .def KiSystemStartup; .scl 2; .type 32; .endef
    .seh_proc KiSystemStartup
KiSystemStartup:
    movq %rcx, %rbx
    movl $10, %eax
    movabsq $KI_BOOT_STACK_LIMIT, %rcx
    movl $KI_BOOT_STACK_SIZE, %edx
    movl $0xf5, %r8d
    vmcall
    movabsq $(KI_BOOT_STACK_LIMIT + KI_BOOT_STACK_SIZE), %rsp
    subq $0x30, %rsp
    .seh_stackalloc 0x28
    .seh_endprologue
    movq $0, 0x28(%rsp)
    movq %rbx, %rcx
    call KiInitializeKernel
    ud2
    .seh_endproc

/* Stack 0 of abi/address.h: RD_STACK_BASE + RD_STACK_GUARD, RD_STACK_SIZE. Asserted in init.c. */
    .set KI_BOOT_STACK_LIMIT, 0xFFFFF88000102000
    .set KI_BOOT_STACK_SIZE, 0x6000

/*
 * Large frames touch their pages in order. Stacks here are mapped in full, so there is nothing to touch; rax
 * holds the size and every register is preserved.
 */
    .globl ___chkstk_ms
    .def ___chkstk_ms; .scl 2; .type 32; .endef
___chkstk_ms:
    ret
