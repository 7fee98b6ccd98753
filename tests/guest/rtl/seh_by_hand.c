/*
 * Frames with handlers written by hand, as compilers that make none have to: registers that calls preserve survive unwinding, a
 * language handler unwinds to a place of its choice, and the routines that walk stacks agree with the stack.
 */
#include "../test.h"

typedef struct _FUNCTION
{
    ULONG Begin, End, Information;
} FUNCTION;

NTSYSAPI FUNCTION *NTAPI RtlLookupFunctionEntry(ULONG64 ControlPc, PULONG64 ImageBase, PVOID History);
NTSYSAPI PVOID NTAPI RtlVirtualUnwind(ULONG HandlerType, ULONG64 ImageBase, ULONG64 ControlPc, FUNCTION *Entry,
                                      PCONTEXT Context, PVOID *HandlerData, PULONG64 Frame, PVOID Pointers);
NTSYSAPI PVOID NTAPI RtlPcToFileHeader(PVOID Pc, PVOID *Base);
NTSYSAPI VOID NTAPI RtlUnwind(PVOID Frame, PVOID Ip, PEXCEPTION_RECORD Record, PVOID Value);

/* ULONG64 Survivors(VOID (*Routine)(VOID)): how many of rbx, rsi, r15, xmm6 and xmm15 were lost when Routine raised; ~0: it
 * returned. Destroy has saved them all and overwritten them. */
ULONG64 Survivors(VOID (*Routine)(VOID));
VOID Destroy(VOID);
__asm__(".text\n"
        ".def Survivors; .scl 2; .type 32; .endef\n"
        ".globl Survivors\n"
        ".seh_proc Survivors\n"
        ".seh_handler __C_specific_handler, @except\n"
        "Survivors:\n"
        "    pushq %rbx\n    .seh_pushreg %rbx\n"
        "    pushq %rsi\n    .seh_pushreg %rsi\n"
        "    pushq %r15\n    .seh_pushreg %r15\n"
        "    subq $0x40, %rsp\n    .seh_stackalloc 0x40\n"
        "    movaps %xmm6, 0x20(%rsp)\n    .seh_savexmm %xmm6, 0x20\n"
        "    movaps %xmm15, 0x30(%rsp)\n    .seh_savexmm %xmm15, 0x30\n"
        "    .seh_endprologue\n"
        "    movl $0x11, %ebx\n    movl $0x22, %esi\n    movl $0x33, %r15d\n"
        "    movq %rbx, %xmm6\n    movq %rsi, %xmm15\n"
        ".Lsurvivors_begin:\n"
        "    call *%rcx\n    nop\n"
        ".Lsurvivors_end:\n"
        "    movq $-1, %rax\n"
        "    jmp .Lsurvivors_out\n"
        ".Lsurvivors_except:\n"
        "    xorl %eax, %eax\n"
        "    cmpq $0x11, %rbx\n    setne %cl\n    addb %cl, %al\n"
        "    cmpq $0x22, %rsi\n    setne %cl\n    addb %cl, %al\n"
        "    cmpq $0x33, %r15\n    setne %cl\n    addb %cl, %al\n"
        "    movq %xmm6, %rdx\n    cmpq $0x11, %rdx\n    setne %cl\n    addb %cl, %al\n"
        "    movq %xmm15, %rdx\n    cmpq $0x22, %rdx\n    setne %cl\n    addb %cl, %al\n"
        ".Lsurvivors_out:\n"
        "    movaps 0x20(%rsp), %xmm6\n    movaps 0x30(%rsp), %xmm15\n"
        "    addq $0x40, %rsp\n    popq %r15\n    popq %rsi\n    popq %rbx\n    ret\n"
        "    .seh_handlerdata\n"
        "    .long 1\n    .rva .Lsurvivors_begin, .Lsurvivors_end\n    .long 1\n    .rva .Lsurvivors_except\n"
        "    .text\n"
        "    .seh_endproc\n"
        ".def Destroy; .scl 2; .type 32; .endef\n"
        ".globl Destroy\n"
        ".seh_proc Destroy\n"
        "Destroy:\n"
        "    pushq %rbp\n    .seh_pushreg %rbp\n"
        "    subq $0x60, %rsp\n    .seh_stackalloc 0x60\n"
        "    leaq 0x20(%rsp), %rbp\n    .seh_setframe %rbp, 0x20\n"
        "    movq %rbx, 0x20(%rsp)\n    .seh_savereg %rbx, 0x20\n"
        "    movq %rsi, 0x28(%rsp)\n    .seh_savereg %rsi, 0x28\n"
        "    movq %r15, 0x30(%rsp)\n    .seh_savereg %r15, 0x30\n"
        "    movaps %xmm6, 0x40(%rsp)\n    .seh_savexmm %xmm6, 0x40\n"
        "    movaps %xmm15, 0x50(%rsp)\n    .seh_savexmm %xmm15, 0x50\n"
        "    .seh_endprologue\n"
        "    xorl %ebx, %ebx\n    xorl %esi, %esi\n    xorl %r15d, %r15d\n"
        "    xorps %xmm6, %xmm6\n    xorps %xmm15, %xmm15\n"
        "    subq $0x80, %rsp\n" /* as alloca does: only the frame register knows the frame */
        "    movl (%rbx), %eax\n"
        "    ud2\n"
        "    .seh_endproc\n");

static VOID RaiseStatus(VOID)
{
    ExRaiseStatus(STATUS_CANCELLED);
}

TEST(PreservedRegistersSurviveAFaultThatIsHandledAbove)
{
    EXPECT_EQ(Survivors(Destroy), 0);
}

TEST(PreservedRegistersSurviveARaise)
{
    EXPECT_EQ(Survivors(RaiseStatus), 0);
}

/* ULONG64 Guarded(VOID (*Routine)(VOID)): Handler below is its language handler; GuardedTarget where it unwinds to. */
ULONG64 Guarded(VOID (*Routine)(VOID));
VOID GuardedTarget(VOID);
__asm__(".text\n"
        ".def Guarded; .scl 2; .type 32; .endef\n"
        ".globl Guarded\n"
        ".seh_proc Guarded\n"
        ".seh_handler Handler, @except, @unwind\n"
        "Guarded:\n"
        "    pushq %rbp\n    .seh_pushreg %rbp\n"
        "    movq %rsp, %rbp\n    .seh_setframe %rbp, 0\n"
        "    subq $0x20, %rsp\n    .seh_stackalloc 0x20\n"
        "    .seh_endprologue\n"
        "    call *%rcx\n    nop\n"
        "    xorl %eax, %eax\n"
        "GuardedTarget:\n"
        "    leaq 0(%rbp), %rsp\n    popq %rbp\n    ret\n"
        "    .seh_endproc\n");

static ULONG Searched, Unwound, UnwoundFlags;
static BOOLEAN Take;

int Handler(PEXCEPTION_RECORD Record, PVOID Frame, PCONTEXT Context, PVOID Dispatcher)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Dispatcher);
    if (Record->ExceptionFlags & 6)
    {
        Unwound++;
        UnwoundFlags = Record->ExceptionFlags;
        return 1;
    }
    Searched++;
    if (Take)
    {
        RtlUnwind(Frame, GuardedTarget, Record, (PVOID)(ULONG_PTR)77);
    }
    return 1;
}

static ULONG64 Inner;

static VOID CallGuarded(VOID)
{
    Inner = Guarded(RaiseStatus);
}

TEST(LanguageHandlerUnwindsToAPlaceOfItsChoiceWithAValue)
{
    Searched = Unwound = 0;
    Take = TRUE;
    EXPECT_EQ(Guarded(RaiseStatus), 77);
    EXPECT_EQ(Searched, 1);
    EXPECT_EQ(Unwound, 1);
    EXPECT_EQ(UnwoundFlags & 0x22, 0x22); /* unwinding, and this is the target */
}

TEST(LanguageHandlerThatDeclinesIsCalledAgainWhenItsFrameIsLeft)
{
    Searched = Unwound = 0;
    Take = FALSE;
    EXPECT_EQ(Survivors(CallGuarded), 0);
    EXPECT_EQ(Searched, 1);
    EXPECT_EQ(Unwound, 1);
    EXPECT_EQ(UnwoundFlags & 0x22, 0x02);
}

static __attribute__((noinline)) ULONG64 ReturnByUnwinding(PULONG64 Frame)
{
    CONTEXT Context;
    ULONG64 Base;
    PVOID Data;
    FUNCTION *Entry;

    RtlCaptureContext(&Context);
    Entry = RtlLookupFunctionEntry(Context.Rip, &Base, NULL);
    EXPECT(Entry != NULL);
    RtlVirtualUnwind(0, Base, Context.Rip, Entry, &Context, &Data, Frame, NULL);
    EXPECT_EQ(Context.Rip, (ULONG64)(ULONG_PTR)__builtin_return_address(0));
    return Context.Rsp;
}

TEST(CapturedContextUnwindsToTheCaller)
{
    ULONG64 Frame = 0;
    ULONG64 Rsp = ReturnByUnwinding(&Frame);

    EXPECT(Frame < Rsp);
    EXPECT(Rsp <= (ULONG64)(ULONG_PTR)__builtin_frame_address(0));
}

TEST(AddressesAreFoundInTheirImage)
{
    PVOID Base;
    ULONG64 ImageBase;
    ULONG64 Rip = (ULONG64)(ULONG_PTR)Destroy + 1;
    FUNCTION *Entry = RtlLookupFunctionEntry(Rip, &ImageBase, NULL);

    EXPECT_EQ(RtlPcToFileHeader(Destroy, &Base), TestDriver->DriverStart);
    EXPECT_EQ(Base, TestDriver->DriverStart);
    EXPECT_EQ(ImageBase, Base);
    EXPECT(Entry != NULL && Rip - ImageBase >= Entry->Begin && Rip - ImageBase < Entry->End);
    EXPECT_EQ(RtlPcToFileHeader((PVOID)0x1000, &Base), NULL);
}
