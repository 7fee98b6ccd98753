// Frames that C compilers rarely or never make: far saves, an odd frame register, chained parts, listed epilogues
// and an interrupt's machine frame. What the assembler's
// directives do not know (chains, version 2, indirect entries) is written out as tables.
    .intel_syntax noprefix
    .text

    .globl DriverEntry // a leaf
    .def DriverEntry; .scl 2; .type 32; .endef
DriverEntry:
    xor eax, eax
    ret

// Registers saved by moves instead of pushes, near and far.
    .globl SavedByMoves
    .def SavedByMoves; .scl 2; .type 32; .endef
    .seh_proc SavedByMoves
SavedByMoves:
    sub rsp, 0x90018
    .seh_stackalloc 0x90018
    mov [rsp + 0x40], rbx
    .seh_savereg rbx, 0x40
    mov [rsp + 0x90000], rsi
    .seh_savereg rsi, 0x90000
    movaps [rsp + 0x50], xmm6
    .seh_savexmm xmm6, 0x50
    movaps [rsp + 0x80000], xmm7
    .seh_savexmm xmm7, 0x80000
    .seh_endprologue
    mov ebx, 1
    mov esi, 2
    nop
    mov rbx, [rsp + 0x40]
    mov rsi, [rsp + 0x90000]
    movaps xmm6, [rsp + 0x50]
    movaps xmm7, [rsp + 0x80000]
    add rsp, 0x90018
    ret
    .seh_endproc

// A frame register with an offset, other than rbp, whose lea in the epilogue needs a SIB byte.
    .globl FrameInR12
    .def FrameInR12; .scl 2; .type 32; .endef
    .seh_proc FrameInR12
FrameInR12:
    push r12
    .seh_pushreg r12
    push rdi
    .seh_pushreg rdi
    sub rsp, 0x88
    .seh_stackalloc 0x88
    lea r12, [rsp + 0x60]
    .seh_setframe r12, 0x60
    mov [r12 - 0x20], r13
    .seh_savereg r13, 0x40
    .seh_endprologue
    mov r13d, 5
    sub rsp, 0x100
    mov edi, 7
    call Helper
    nop
    mov r13, [r12 - 0x20]
    lea rsp, [r12 + 0x28]
    pop rdi
    pop r12
    ret
    .seh_endproc

// A register is saved before the frame register is set; ends in a short jump.
    .globl SavedFirst
    .def SavedFirst; .scl 2; .type 32; .endef
    .seh_proc SavedFirst
SavedFirst:
    push rbp
    .seh_pushreg rbp
    sub rsp, 0x80
    .seh_stackalloc 0x80
    mov [rsp + 0x40], rdi
    .seh_savereg rdi, 0x40
    mov edi, 1
    lea rbp, [rsp + 0x20]
    .seh_setframe rbp, 0x20
    .seh_endprologue
    sub rsp, 0x20
    mov rdi, [rbp + 0x20]
    lea rsp, [rbp + 0x60]
    pop rbp
    jmp Helper
    .seh_endproc

// Ends in a jump through memory, as a tail call of an import does.
    .globl JumpThroughMemory
    .def JumpThroughMemory; .scl 2; .type 32; .endef
    .seh_proc JumpThroughMemory
JumpThroughMemory:
    push rbx
    .seh_pushreg rbx
    sub rsp, 0x20
    .seh_stackalloc 0x20
    .seh_endprologue
    mov ebx, 1
    add rsp, 0x20
    pop rbx
    jmp [rip + .Lhelper_at]
    .seh_endproc
    .data
    .p2align 3
.Lhelper_at:
    .quad Helper
    .text

Helper:
    lea rax, [rcx + 1]
    rep ret

// A function in three parts: the second saves another register, the third lies elsewhere and jumps back.
    .globl Chained
    .def Chained; .scl 2; .type 32; .endef
Chained:
    push rbx
.Lpushed:
    sub rsp, 0x30
.Lallocated:
    mov ebx, 3
    test rcx, rcx
    jz .Lend
.Lsecond:
    mov [rsp + 0x50], rsi
.Lsaved:
    mov esi, 9
    call Helper
    jmp .Lfar
.Lback:
    mov rsi, [rsp + 0x50]
.Lsecond_end:
.Lend:
    add rsp, 0x30
    pop rbx
    ret
.Lchained_end:

    .p2align 4
    ret
    .p2align 4
.Lfar:
    mov edx, 4
    call Helper
    jmp .Lback
.Lfar_end:

    .section .xdata
    .p2align 2
.Lfirst_info:
    .byte 1, .Lallocated - Chained, 2, 0
    .byte .Lallocated - Chained, 0x52, .Lpushed - Chained, 0x30
.Lsecond_info:
    .byte 0x21, .Lsaved - .Lsecond, 2, 0
    .byte .Lsaved - .Lsecond, 0x64
    .short 0x50 / 8
    .rva Chained, .Lsecond, .Lfirst_info
.Lfar_info: // no operations of its own
    .byte 0x21, 0, 0, 0
    .rva .Lsecond, .Lsecond_end, .Lsecond_info
.Ltail_info: // the end continues the first part
    .byte 0x21, 0, 0, 0
    .rva Chained, .Lsecond, .Lfirst_info
    .section .pdata
    .p2align 2
    .rva Chained, .Lsecond, .Lfirst_info
    .rva .Lsecond, .Lsecond_end, .Lsecond_info
    .rva .Lend, .Lchained_end, .Ltail_info
    .rva .Lfar, .Lfar_end, .Lfar_info
    .text

// Version 2: two listed epilogues; the jump in the body is none, though it looks like a tail call.
    .globl Listed
    .def Listed; .scl 2; .type 32; .endef
Listed:
    push rbx
.Lv2a:
    push rdi
.Lv2b:
    sub rsp, 0x28
.Lv2c:
    mov ebx, 3
    jmp [rip + .Lcontinue_at]
.Lcontinue:
    mov edi, 4
    test rcx, rcx
    jz .Lother
    add rsp, 0x28
.Lepilogue1:
    pop rdi
    pop rbx
    ret
.Lother:
    call Helper
    nop
    add rsp, 0x28
.Lepilogue2:
    pop rdi
    pop rbx
    ret
.Llisted_end:
    .data
    .p2align 3
.Lcontinue_at:
    .quad .Lcontinue
    .section .xdata
    .p2align 2
.Llisted_info:
    .byte 2, .Lv2c - Listed, 5, 0
    .byte .Llisted_end - .Lepilogue2, 0x16
    .byte .Llisted_end - .Lepilogue1, 0x06
    .byte .Lv2c - Listed, 0x42, .Lv2b - Listed, 0x70, .Lv2a - Listed, 0x30
    .section .pdata
    .rva Listed, .Llisted_end, .Llisted_info
    .text

// An entry that stands for another one.
    .globl Indirect
    .def Indirect; .scl 2; .type 32; .endef
Indirect:
    push rsi
.Lindirect_pushed:
    mov esi, 8
    xor eax, eax
    pop rsi
    ret
.Lindirect_end:
    .section .xdata
    .p2align 2
.Lindirect_info:
    .byte 1, .Lindirect_pushed - Indirect, 1, 0
    .byte .Lindirect_pushed - Indirect, 0x60, 0, 0
.Lindirect_entry:
    .rva Indirect, .Lindirect_end, .Lindirect_info
    .section .pdata
    .rva Indirect, .Lindirect_end, .Lindirect_entry + 1
    .text

// As if interrupted: pushes what the processor would, runs a handler, and goes on behind.
    .globl Interrupted, InterruptedAt, Handler, HandlerEnd
    .def Interrupted; .scl 2; .type 32; .endef
    .seh_proc Interrupted
Interrupted:
    push rbp
    .seh_pushreg rbp
    push rbx
    .seh_pushreg rbx
    sub rsp, 0x80
    .seh_stackalloc 0x80
    lea rbp, [rsp + 0x20]
    .seh_setframe rbp, 0x20
    .seh_endprologue
    mov ebx, 0x1234
    lea rax, [rip + InterruptedAt]
    lea rdx, [rip + Handler]
    mov rcx, rsp
    mov r8, ss
    mov r9, cs
    and rsp, -16
    push r8
    push rcx
    pushfq
    push r9
    push rax
    push 0 // previous interrupt level, vector: what the machine adds below the processor's five words
    push 2
    jmp rdx
InterruptedAt:
    nop
    lea rsp, [rbp + 0x60]
    pop rbx
    pop rbp
    ret
    .seh_endproc

    .seh_proc Handler
Handler:
    .seh_pushframe
    .seh_stackalloc 0x10
    sub rsp, 0x38
    .seh_stackalloc 0x38
    mov [rsp + 0x28], rbx
    .seh_savereg rbx, 0x28
    .seh_endprologue
    mov [rsp + 0x20], rax
    mov ebx, 99
    call Helper
    nop
    mov rbx, [rsp + 0x28]
    mov rax, [rsp + 0x20]
    add rsp, 0x48
    iretq
HandlerEnd:
    .seh_endproc

// Where a thread that is switched out stands, as the kernel has it.
    int3 // apart from the label above
    .globl KiSwapContextResume
    .def SwapContext; .scl 2; .type 32; .endef
    .seh_proc SwapContext
SwapContext:
    push rbx
    .seh_pushreg rbx
    push rsi
    .seh_pushreg rsi
    sub rsp, 0x18
    .seh_stackalloc 0x18
    movaps [rsp], xmm6
    .seh_savexmm xmm6, 0
    .seh_endprologue
    mov rsp, [rdx]
KiSwapContextResume:
    movaps xmm6, [rsp]
    add rsp, 0x18
    pop rsi
    pop rbx
    ret
    .seh_endproc

    .section .drectve, "yn"
    .ascii " -export:KiSwapContextResume,data"
    .ascii " -export:DriverEntry -export:SavedByMoves -export:FrameInR12 -export:Chained -export:Listed -export:Indirect"
    .ascii " -export:SavedFirst -export:JumpThroughMemory"
    .ascii " -export:Interrupted -export:InterruptedAt,data -export:Handler,data -export:HandlerEnd,data"
