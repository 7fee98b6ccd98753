/*
 * Registers into and out of frames on the stack, with unwind data where a caller's values are saved: for the ways in and out of the
 * kernel (trap.S) and for changes of threads and interrupts (switch.S).
 */
#ifndef KE_REGISTERS_H
#define KE_REGISTERS_H

/* A trap frame of 0xc8 bytes below what the machine pushed: the registers that calls do not preserve. The unwinder asks for none of
 * them, so the prologue ends in front. */
    .macro TRAP_FRAME_SAVE
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
    .endm

/* Takes the frame away and goes on where it says. Interrupts are disabled. */
    .macro TRAP_FRAME_RETURN
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
    .endm

/* The vector registers that calls preserve, at rsp + at. */
    .macro XMM_SAVE at
    .irp n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movaps %xmm\n, \at + (\n - 6) * 0x10(%rsp)
    .seh_savexmm %xmm\n, \at + (\n - 6) * 0x10
    .endr
    .endm
    .macro XMM_RESTORE at
    .irp n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movaps \at + (\n - 6) * 0x10(%rsp), %xmm\n
    .endr
    .endm

#endif
