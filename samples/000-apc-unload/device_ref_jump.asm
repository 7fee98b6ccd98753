; The two APC routines of the device-reference remedy, which reach ObfDereferenceObject by JMP.
; Twin of device_ref_jump.S for Microsoft's assembler (ml64).

extern ApcFinish : proc
extern __imp_ObfDereferenceObject : qword

.code

; RCX = KAPC, RDX = where the address of the normal routine is kept.
RemedyKernelRoutine proc frame
    sub rsp, 40
    .allocstack 40
    .endprolog
    call ApcFinish
    mov rcx, rax
    add rsp, 40
    jmp qword ptr [__imp_ObfDereferenceObject]
RemedyKernelRoutine endp

; RCX = KAPC. A rundown routine has no normal routine to suppress.
RemedyRundownRoutine proc frame
    sub rsp, 40
    .allocstack 40
    .endprolog
    xor edx, edx
    call ApcFinish
    mov rcx, rax
    add rsp, 40
    jmp qword ptr [__imp_ObfDereferenceObject]
RemedyRundownRoutine endp

end
