/*
 * The two APC routines of the device-reference remedy, which reach ObfDereferenceObject by JMP.
 *
 * The frame is given up first, so ObfDereferenceObject returns to the kernel code that called the
 * routine: no instruction of this image is executed after the reference is dropped.
 */
    .intel_syntax noprefix
    .text

    .macro apc_routine name
    .globl \name
    .def \name
    .scl 2
    .type 32
    .endef
    .p2align 4
    .seh_proc \name
\name:
    sub rsp, 40
    .seh_stackalloc 40
    .seh_endprologue
    .endm

    /* RCX = KAPC, RDX = where the address of the normal routine is kept. */
    apc_routine RemedyKernelRoutine
    call ApcFinish
    mov rcx, rax
    add rsp, 40
    jmp [rip + __imp_ObfDereferenceObject]
    .seh_endproc

    /* RCX = KAPC. A rundown routine has no normal routine to suppress. */
    apc_routine RemedyRundownRoutine
    xor edx, edx
    call ApcFinish
    mov rcx, rax
    add rsp, 40
    jmp [rip + __imp_ObfDereferenceObject]
    .seh_endproc
