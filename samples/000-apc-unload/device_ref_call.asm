; The two APC routines of the device-reference remedy, which reach ObfDereferenceObject by CALL.
; Twin of device_ref_call.S for Microsoft's assembler (ml64).

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
    call qword ptr [__imp_ObfDereferenceObject]
    add rsp, 40
    ret
RemedyKernelRoutine endp

; RCX = KAPC. A rundown routine has no normal routine to suppress.
RemedyRundownRoutine proc frame
    sub rsp, 40
    .allocstack 40
    .endprolog
    xor edx, edx
    call ApcFinish
    mov rcx, rax
    call qword ptr [__imp_ObfDereferenceObject]
    add rsp, 40
    ret
RemedyRundownRoutine endp

end
