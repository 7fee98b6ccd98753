/*
 * The places where C cannot go: changing stacks, the first instructions of processors and threads, and the
 * way in and out of interrupts. Every routine carries unwind data, since reports walk through them.
 */

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
    movaps %xmm6, 0x00(%rsp)
    .seh_savexmm %xmm6, 0x00
    movaps %xmm7, 0x10(%rsp)
    .seh_savexmm %xmm7, 0x10
    movaps %xmm8, 0x20(%rsp)
    .seh_savexmm %xmm8, 0x20
    movaps %xmm9, 0x30(%rsp)
    .seh_savexmm %xmm9, 0x30
    movaps %xmm10, 0x40(%rsp)
    .seh_savexmm %xmm10, 0x40
    movaps %xmm11, 0x50(%rsp)
    .seh_savexmm %xmm11, 0x50
    movaps %xmm12, 0x60(%rsp)
    .seh_savexmm %xmm12, 0x60
    movaps %xmm13, 0x70(%rsp)
    .seh_savexmm %xmm13, 0x70
    movaps %xmm14, 0x80(%rsp)
    .seh_savexmm %xmm14, 0x80
    movaps %xmm15, 0x90(%rsp)
    .seh_savexmm %xmm15, 0x90
    .seh_endprologue
    stmxcsr 0xa0(%rsp)
    /* The machine judges stack accesses by the running thread's rsp: pointer and stack change together. */
    movq %rsp, KTHREAD_SAVED_RSP(%rcx)
    movq %rdx, %gs:PCR_CURRENT_THREAD
    movq KTHREAD_SAVED_RSP(%rdx), %rsp
KiSwapContextResume:
    ldmxcsr 0xa0(%rsp)
    movaps 0x00(%rsp), %xmm6
    movaps 0x10(%rsp), %xmm7
    movaps 0x20(%rsp), %xmm8
    movaps 0x30(%rsp), %xmm9
    movaps 0x40(%rsp), %xmm10
    movaps 0x50(%rsp), %xmm11
    movaps 0x60(%rsp), %xmm12
    movaps 0x70(%rsp), %xmm13
    movaps 0x80(%rsp), %xmm14
    movaps 0x90(%rsp), %xmm15
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
    .seh_pushframe
    .seh_stackalloc 0x10
    subq $0xc8, %rsp
    .seh_stackalloc 0xc8
    .seh_endprologue
    movq %rax, 0x80(%rsp)
    movq %rcx, 0x88(%rsp)
    movq %rdx, 0x90(%rsp)
    movq %r8, 0x98(%rsp)
    movq %r9, 0xa0(%rsp)
    movq %r10, 0xa8(%rsp)
    movq %r11, 0xb0(%rsp)
    stmxcsr 0xb8(%rsp)
    movaps %xmm0, 0x20(%rsp)
    movaps %xmm1, 0x30(%rsp)
    movaps %xmm2, 0x40(%rsp)
    movaps %xmm3, 0x50(%rsp)
    movaps %xmm4, 0x60(%rsp)
    movaps %xmm5, 0x70(%rsp)
    cld
    sti
    leaq 0xc8(%rsp), %rcx
    call KiInterruptDispatch
    /* With IF clear, lowering CR8 lets nothing in before IRETQ. */
    cli
    movq 0xd0(%rsp), %rax
    movq %rax, %cr8
    movaps 0x20(%rsp), %xmm0
    movaps 0x30(%rsp), %xmm1
    movaps 0x40(%rsp), %xmm2
    movaps 0x50(%rsp), %xmm3
    movaps 0x60(%rsp), %xmm4
    movaps 0x70(%rsp), %xmm5
    ldmxcsr 0xb8(%rsp)
    movq 0x80(%rsp), %rax
    movq 0x88(%rsp), %rcx
    movq 0x90(%rsp), %rdx
    movq 0x98(%rsp), %r8
    movq 0xa0(%rsp), %r9
    movq 0xa8(%rsp), %r10
    movq 0xb0(%rsp), %r11
    addq $0xd8, %rsp
    iretq
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
