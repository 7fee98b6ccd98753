/*
 * Control flow, natively and translated: jumps on every condition, calls and returns of every kind,
 * jump tables, loops, stack frames; and the odd encodings that compilers and hot-patching emit.
 */
#include <stdio.h>
#include <string.h>

#include "tests/isa/support/code.h"
#include "tests/isa/support/compare.h"
#include "tests/isa/support/native.h"
#include "tests/isa/support/snippet.h"
#include "tests/isa/support/tap.h"
#include "tests/isa/support/world.h"

#define TRIALS 24

#define ALL_CONDITIONS "o,no,b,ae,e,ne,be,a,s,ns,p,np,l,ge,le,g"

/* rbx collects one bit a condition; LEA leaves the flags alone. */
CODE(jcc_short, ".irp cc," ALL_CONDITIONS "\nlea rbx, [rbx+rbx]\n j\\cc 1f\n lea rbx, [rbx+1]\n"
                "1:\n.endr\n jmp r15");
CODE(jcc_near, ".irp cc," ALL_CONDITIONS "\nlea rbx, [rbx+rbx]\n j\\cc 1f\n lea rbx, [rbx+1]\n"
               ".fill 130, 1, 0x90\n 1:\n.endr\n jmp r15");
CODE(jcc_back, "jmp 3f\n1: lea rbx, [rbx+3]\n jmp 4f\n2: lea rbx, [rbx+5]\n jmp 5f\n3: jg 1b\n"
               "4: jp 2b\n 5: jmp r15");
CODE(jcc_memory, "cmp dword ptr [rip+here_jcc_memory+0x60a0], eax\n 1: jb 2f\n"
                 "test byte ptr [rsp+8], 4\n jz 2f\nadd rbx, 7\n 2: jmp r15");
CODE(call_ret, "call 1f\n add rax, 1\n jmp r15\n1: push rbx\n mov rbx, 5\n call 2f\n pop rbx\n"
               "ret\n2: add rax, rbx\n ret");
CODE(call_register, "lea rax, [rip+1f]\n call rax\n lea r9, [rip+2f]\n call r9\n"
                    "lea r12, [rip+2f]\n call r12\n jmp r15\n1: add rcx, 3\n ret\n"
                    "2: add rcx, 5\n ret");
CODE(call_memory,
     "mov ebx, 1\n lea rdx, [rip+3f]\n call qword ptr [rip+3f]\n"
     "call qword ptr [rdx+rbx*8]\npush qword ptr [rdx]\n push rbx\n"
     "call qword ptr [rsp+8]\n pop rbx\n pop rax\n jmp r15\n1: add rcx, 3\n ret\n"
     "2: lea rcx, [rcx+rcx*4]\n ret\n3: .quad " POINTER(call_memory, "1b") ", " POINTER(call_memory,
                                                                                        "2b"));
CODE(call_rsp, "lea rax, [rip+1f]\n push rax\n call qword ptr [rsp]\n pop rax\n jmp r15\n"
               "1: mov rcx, [rsp]\n ret");
CODE(jump_memory, "lea rdx, [rip+3f]\n mov ebx, ecx\n and ebx, 1\n jmp qword ptr [rdx+rbx*8]\n"
                  "1: add rcx, 3\n jmp r15\n 2: lea rcx, [rcx+rcx*4]\n jmp r15\n3: .quad " POINTER(
                      jump_memory, "1b") ", " POINTER(jump_memory, "2b"));
CODE(jump_table, "mov esi, 16\n0: mov ecx, esi\n and ecx, 3\n lea rdx, [rip+9f]\n"
                 "movsxd rax, dword ptr [rdx+rcx*4]\n add rax, rdx\n jmp rax\n1: add rbx, 1\n"
                 "jmp 5f\n 2: rol rbx, 3\n jmp 5f\n 3: not rbx\n jmp 5f\n 4: bswap rbx\n"
                 "5: dec esi\n jnz 0b\n jmp r15\n9: .long 1b-9b, 2b-9b, 3b-9b, 4b-9b");
CODE(ret_imm, "push 1\n push 2\n push 3\n call 1f\n jmp r15\n 1: mov rax, [rsp+8]\n ret 24");
CODE(push_ret, "lea rax, [rip+1f]\n push rax\n ret\n ud2\n 1: add rcx, 1\n jmp r15");
CODE(tail_jump, "call 1f\n jmp r15\n 1: add rcx, 1\n jmp 2f\n 2: add rcx, 2\n ret");
CODE(changed_return, "call 1f\n ud2\n 2: jmp r15\n 1: lea rax, [rip+2b]\n mov [rsp], rax\n ret");
CODE(call_next, "call 1f\n 1: pop rax\n jmp r15");
CODE(recursion, "mov ecx, 40\n call 1f\n jmp r15\n1: push rcx\n dec ecx\n jz 2f\n call 1b\n"
                "2: pop rcx\n lea rbx, [rbx+rcx]\n ret");
CODE(frame, "push rbp\n mov rbp, rsp\n sub rsp, 0x40\n mov [rbp-8], rcx\n lea rax, [rbp-0x20]\n"
            "mov [rax], rdx\nmov rbx, [rsp+0x38]\n add rbx, [rsp+0x20]\n leave\n jmp r15");
CODE(enter, "enter 0x30, 0\n mov [rbp-0x10], rcx\n mov rdx, [rsp+0x20]\n leave\n jmp r15");
CODE(prologue, "push rbx\n push rbp\n push rsi\n push rdi\n push r12\n push r13\n push r14\n"
               "sub rsp, 0x58\nmovups [rsp+0x30], xmm6\n xor ebx, ebx\n mov rbp, rcx\n"
               "mov r12, rdx\n xorps xmm6, xmm6\nmovups xmm6, [rsp+0x30]\n lea r11, [rsp+0x58]\n"
               "mov rsi, [r11+0x20]\n add rsp, 0x58\npop r14\n pop r13\n pop r12\n pop rdi\n"
               "pop rsi\n pop rbp\n pop rbx\n jmp r15");
CODE(loop_forms, "mov ecx, 5\n 1: lea rbx, [rbx+rbx*2]\n loop 1b\nmov ecx, 7\n 1: sub rbx, 1\n"
                 "test bl, 3\n loopne 1b\nmov ecx, 7\n 1: add rbx, 1\n test bl, 8\n loope 1b\n"
                 "jmp r15");
CODE(jrcxz, "jrcxz 1f\n lea rbx, [rbx+1]\n 1: mov ecx, 0\n jrcxz 2f\n lea rbx, [rbx+2]\n"
            "2: mov rcx, 0x100000000\n jrcxz 3f\n lea rbx, [rbx+4]\n 3: jmp r15");
CODE(jecxz, "mov rcx, 0x100000000\n jecxz 1f\n lea rbx, [rbx+4]\n 1: mov ecx, 1\n jecxz 2f\n"
            "lea rbx, [rbx+8]\n 2: jmp r15");
CODE(flags_stack, "pushfq\n pop rax\n and eax, 0xCD5\n or eax, 2\n xor eax, 0x8D5\n push rax\n"
                  "popfq\n.irp cc," ALL_CONDITIONS "\n lea rbx, [rbx+rbx]\n j\\cc 1f\n"
                  "lea rbx, [rbx+1]\n 1:\n .endr\n jmp r15");
CODE(flags_direction, "std\n pushfq\n pop rax\n and eax, 0xCD5\n cld\n pushfq\n pop rdx\n"
                      "and edx, 0xCD5\npush 0x602\n popfq\n pushfq\n pop rcx\n and ecx, 0x400\n"
                      "cld\n jmp r15");
CODE(flags_far, "cmp rax, rdx\n jmp 1f\n 1: mov rcx, 5\n jmp 2f\n ud2\n 2: jnz 3f\n"
                "lea rcx, [rcx+1]\n3: setb bl\n setg bh\n adc rsi, 0\n jmp r15");
CODE(flags_indirect, "lea rcx, [rip+1f]\n cmp rax, rdx\n jmp rcx\n 1: setb bl\n setg bh\n"
                     "adc rsi, 0\n jmp r15");
CODE(flags_call, "cmp rax, rdx\n call 1f\n jmp r15\n 1: setb bl\n seto bh\n sets cl\n ret");
CODE(flags_ret, "call 1f\n setz cl\n setb bl\n adc rsi, 0\n jmp r15\n 1: cmp rax, rdx\n ret");
CODE(flags_lahf, "cmp rax, rdx\n lahf\n seto al\n mov rcx, rax\n add rbx, 1\n mov rax, rcx\n"
                 "sahf\n adc rdi, 0\n sets sil\n jmp r15");
CODE(carry_chain, "mov ecx, 9\n clc\n 1: adc rbx, rax\n adc rdx, rsi\n dec ecx\n jnz 1b\n"
                  "sbb rdi, rdi\n jmp r15");
CODE(moffs, ".byte 0xA0\n .quad 0x1B6D01006105\n add al, 1\n .byte 0xA2\n .quad 0x1B6D01006fff\n"
            ".byte 0x66, 0xA1\n .quad 0x1B6D01006207\n inc ax\n .byte 0x66, 0xA3\n"
            ".quad 0x1B6D01006fff\n.byte 0xA1\n .quad 0x1B6D01006309\n inc eax\n .byte 0xA3\n"
            ".quad 0x1B6D01006ffd\n.byte 0x48, 0xA1\n .quad 0x1B6D01006408\n inc rax\n"
            ".byte 0x48, 0xA3\n .quad 0x1B6D01006ffa\n jmp r15");
CODE(gs_push, "push qword ptr gs:[0x88]\n pop qword ptr gs:[0x90]\n jmp r15");
CODE(gs_access, "mov rax, gs:[0x188]\n mov gs:[0x20], rcx\n movzx edx, byte ptr gs:[0x52]\n"
                "mov ebx, 0x60\nadd gs:[rbx+rbx*2], esi\n lock xadd gs:[rbx], edi\n"
                "inc dword ptr gs:[0x300]\nmovups xmm3, gs:[0x40]\n movups gs:[rbx+0x81], xmm2\n"
                "cmp byte ptr gs:[0x33], 0\n setz r8b\njmp r15");
CODE(segment_prefixes, "lea rbx, [rip+here_segment_prefixes+0x6200]\n 1:\n"
                       ".byte 0x3E, 0x48, 0x8B, 0x03\n"       /* ds: mov rax, [rbx] */
                       ".byte 0x26, 0x48, 0x89, 0x4B, 0x10\n" /* es: mov [rbx+16], rcx */
                       ".byte 0x36, 0x8A, 0x53, 0x07\n"       /* ss: mov dl, [rbx+7] */
                       ".byte 0x2E, 0x01, 0x73, 0x20\n"       /* cs: add [rbx+32], esi */
                       "jmp r15");
CODE(odd_encodings, ".byte 0xF3, 0x0F, 0x1E, 0xFA\n"                               /* endbr64 */
                    ".byte 0x66, 0x66, 0x2E, 0x0F, 0x1F, 0x84, 0x00, 0, 0, 0, 0\n" /* long nop */
                    ".byte 0x66, 0x90, 0x0F, 0x1F, 0x00, 0x0F, 0x1F, 0x40, 0\n"
                    "call 1f\n .byte 0x40, 0x53\n pop rbx\n" /* rex push rbx */
                    ".byte 0x48, 0x8B, 0xFF\n"               /* mov rdi, rdi, the hot-patch no-op */
                    ".byte 0x48, 0xFF, 0xC0, 0x66, 0x48, 0x89, 0xC1\n" /* 66 beside REX.W */
                    ".byte 0x3E, 0x41, 0xFF, 0xE7\n"                   /* notrack jmp r15 */
                    "1: .byte 0xF3, 0xC3");                            /* rep ret */
CODE(longest, ".byte 0x66, 0x66, 0x66, 0x66, 0x66, 0x66\n mov rax, [rsp+0x123]\n"
              ".byte 0x66, 0x66, 0x66, 0x66, 0x66, 0x66\n mov [rsp+0x143], rcx\n"
              ".byte 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x2E, 0x0F, 0x1F, 0x84, 0, 0, 0, 0, 0\n"
              ".byte 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66\n"
              "mov rdx, [rip+here_longest+0x6500]\n jmp r15");
CODE(overlapping, "xor eax, eax\n jmp 1f+1\n 1: .byte 0xB8\n inc rax\n .byte 0xEB, 0x01, 0x0F\n"
                  "jmp r15\n");
CODE(short_address, ".byte 0x67\n lea eax, [rcx+rdx*4+7]\n .byte 0x67, 0x48\n"
                    "lea ebx, [rsi+rdi]\n jmp r15");
CODE(self_loop, "mov ecx, 1000\n 1: add rbx, rcx\n rol rbx, 7\n dec ecx\n jnz 1b\n jmp r15");
CODE(long_block, ".rept 90\n add rax, rcx\n rol rcx, 1\n xor rdx, rax\n .endr\n jmp r15");
CODE(copy_loop, "lea rsi, [rip+here_copy_loop+0x6200]\n 1: lea rdi, [rsi+0xD03]\n mov ecx, 100\n"
                "2: mov rax, [rsi+rcx*8-8]\n mov [rdi+rcx*8-8], rax\n sub rcx, 1\n jnz 2b\n"
                "jmp r15");
CODE(merged_fields, "lea rsi, [rip+here_merged_fields+0x6ff0]\n 1: mov eax, [rsi]\n"
                    "mov rdx, [rsi+8]\n mov [rsi+4], ecx\nmov word ptr [rsi+0x12], 7\n"
                    "add byte ptr [rsi+0x1f], 9\n mov rbx, [rsi+0x10]\n cmp rbx, [rsi+0x18]\n"
                    "setb dl\n movups xmm1, [rsi+3]\n movups [rsi+0x11], xmm1\n jmp r15");
CODE(int3, "add rax, 1\n int3\n add rax, 2\n jmp r15");
CODE(ud2, "add rax, 1\n ud2\n add rax, 2\n jmp r15");
CODE(divide_zero, "mov rcx, rax\n xor ecx, ecx\n mov rbx, 5\n div rcx\n mov rbx, 7\n jmp r15");
CODE(misaligned, "lea rcx, [rip+here_misaligned+0x6204]\n 1: mov rbx, 5\n movaps xmm0, [rcx]\n"
                 "mov rbx, 7\n jmp r15");
CODE(misaligned_store, "lea rcx, [rip+here_misaligned_store+0x6204]\n 1: mov rbx, 5\n"
                       "movaps [rcx], xmm0\n jmp r15");
CODE(misaligned_operand,
     "lea rcx, [rip+here_misaligned_operand+0x6201]\n 1: mov rbx, 5\n paddd xmm3, [rcx]\n"
     "jmp r15");
CODE(simd_unmasked, "mov dword ptr [rsp], 0x1D80\n ldmxcsr [rsp]\n pcmpeqd xmm0, xmm0\n"
                    "xorps xmm1, xmm1\n psrld xmm0, 25\npslld xmm0, 23\n mov rbx, 3\n"
                    "divps xmm0, xmm1\n mov rbx, 4\n jmp r15");
CODE(mxcsr_round, "stmxcsr [rsp]\n mov eax, [rsp]\n mov dword ptr [rsp], 0x7F80\n"
                  "ldmxcsr [rsp]\n cvtsd2si rcx, xmm1\ncvtss2si edx, xmm2\n mulpd xmm1, xmm3\n"
                  "stmxcsr [rsp+4]\n mov dword ptr [rsp+8], 0x1F80\n ldmxcsr [rsp+8]\n jmp r15");
CODE(xchg_chain, "lea rsi, [rip+here_xchg_chain+0x6300]\n 1: mov eax, 1\n xchg [rsi], eax\n"
                 "lock inc dword ptr [rsi]\nmov rcx, -1\n lock xadd [rsi+8], rcx\n"
                 "mov rax, [rsi+16]\n 2: lea rdx, [rax+5]\n lock cmpxchg [rsi+16], rdx\njne 2b\n"
                 "lock bts dword ptr [rsi+24], 3\n setc bl\n lock dec qword ptr [rsi+32]\n"
                 "setz bh\n jmp r15");
CODE(cmpxchg16b_loop, "lea rsi, [rip+here_cmpxchg16b_loop+0x6400]\n 1: mov rax, [rsi]\n"
                      "mov rdx, [rsi+8]\n2: lea rbx, [rax+1]\n lea rcx, [rdx+2]\n"
                      "lock cmpxchg16b [rsi]\n jne 2b\n jmp r15");

static const struct {
    const char *name;
    const uint8_t *start, *end;
} codes[] = {
#define ROW(code, text)                                                                            \
    {                                                                                              \
        text, code_##code, code_##code##_end                                                       \
    }
    ROW(jcc_short, "short jumps follow all sixteen conditions"),
    ROW(jcc_near, "near jumps follow all sixteen conditions"),
    ROW(jcc_back, "backward conditional jumps are taken and not taken"),
    ROW(jcc_memory, "comparisons with memory decide jumps"),
    ROW(call_ret, "direct calls nest and return"),
    ROW(call_register, "calls through registers return"),
    ROW(call_memory, "calls through memory return"),
    ROW(call_rsp, "a call through [rsp] reads its target before it pushes"),
    ROW(jump_memory, "jumps through memory reach their targets"),
    ROW(jump_table, "a switch through a table of offsets reaches each case"),
    ROW(ret_imm, "ret with a number drops that many bytes"),
    ROW(push_ret, "a pushed address is returned to"),
    ROW(tail_jump, "a tail jump's ret returns to the first caller"),
    ROW(changed_return, "a changed return address is where ret goes"),
    ROW(call_next, "a call to the next instruction pushes the guest's address"),
    ROW(recursion, "recursion unwinds"),
    ROW(frame, "a frame with rbp is made and left"),
    ROW(enter, "enter and leave make and leave a frame"),
    ROW(prologue, "a full prologue and epilogue preserve registers"),
    ROW(loop_forms, "loop, loope and loopne count rcx down"),
    ROW(jrcxz, "jrcxz looks at all of rcx"),
    ROW(jecxz, "jecxz looks at ecx"),
    ROW(flags_stack, "popfq sets and pushfq reads the flags"),
    ROW(flags_direction, "the direction flag survives pushfq and popfq"),
    ROW(flags_far, "flags survive direct jumps"),
    ROW(flags_indirect, "flags survive indirect jumps"),
    ROW(flags_call, "flags survive a call"),
    ROW(flags_ret, "flags survive a return"),
    ROW(flags_lahf, "lahf and sahf carry flags over other instructions"),
    ROW(carry_chain, "a carry survives a loop's dec and jnz"),
    ROW(moffs, "absolute 64-bit addresses load and store al, ax, eax and rax"),
    ROW(gs_access, "gs addresses the processor control region"),
    ROW(gs_push, "push and pop address the processor control region"),
    ROW(segment_prefixes, "flat segment prefixes change nothing"),
    ROW(odd_encodings, "redundant prefixes, endbr64, notrack and rep ret change nothing"),
    ROW(longest, "padded instructions of 14 bytes and no-ops of 15 are executed"),
    ROW(overlapping, "a jump into the middle of an instruction executes the other decoding"),
    ROW(short_address, "32-bit address size truncates lea"),
    ROW(self_loop, "a block that jumps to itself ends"),
    ROW(long_block, "a block of 270 instructions is executed in full"),
    ROW(copy_loop, "a copy loop copies"),
    ROW(merged_fields, "neighbouring fields across a page boundary are read and written"),
    ROW(int3, "int3 stops behind itself"),
    ROW(ud2, "ud2 stops at itself"),
    ROW(divide_zero, "a division by zero stops at itself"),
    ROW(misaligned, "movaps faults on a misaligned load"),
    ROW(misaligned_store, "movaps faults on a misaligned store"),
    ROW(misaligned_operand, "paddd faults on a misaligned operand"),
    ROW(simd_unmasked, "an unmasked SIMD exception stops at the instruction"),
    ROW(mxcsr_round, "ldmxcsr changes the rounding of what follows"),
    ROW(xchg_chain, "interlocked operations chain"),
    ROW(cmpxchg16b_loop, "a cmpxchg16b loop succeeds"),
};

/* Window addresses inside the code differ in the guest. */
static void find_pointers(struct trial *t)
{
    for (unsigned i = 0; i + 8 <= t->code_size; i++) {
        uint64_t v;
        memcpy(&v, t->code + i, 8);
        if (v >= WINDOW_NATIVE && v < WINDOW_NATIVE + WINDOW_SIZE) {
            RD_ASSERT(t->pointer_count < sizeof t->pointers / sizeof *t->pointers);
            t->pointers[t->pointer_count++] = i;
        }
    }
}

static void test(unsigned index)
{
    static struct trial t;
    static const unsigned feature_sets[] = {WORLD_PLAIN, DBT_SHADOW, WORLD_CHECKED, WORLD_ALL};
    unsigned failures = 0;
    for (unsigned f = 0; f < sizeof feature_sets / sizeof *feature_sets; f++) {
        world_set_features(feature_sets[f]);
        for (unsigned n = 0; n < TRIALS; n++) {
            struct rng rng = {((uint64_t)index * 100 + f * TRIALS + n) * 0x9E3779B97F4A7C15ull};
            snippet_random_state(&rng, false, &t);
            t.regs.gpr[REG_R15] = WINDOW_NATIVE + EXIT_OFFSET;
            if (n & 1) /* equal operands are rare at random */
                t.regs.gpr[REG_RDX] = t.regs.gpr[REG_RAX] + (n >> 1 & 3) - 1;
            t.code_size = (unsigned)(codes[index].end - codes[index].start);
            RD_ASSERT(t.code_size <= sizeof t.code);
            memcpy(t.code, codes[index].start, t.code_size);
            t.place = t.pointer_count = 0;
            t.flags_mask = 0;
            find_pointers(&t);
            failures += !compare_run(&t, failures < 2);
        }
    }
    tap_ok(failures == 0, "%s", codes[index].name);
}

int main(int argc, char **argv)
{
    world_open(WORLD_PLAIN);
    native_open();
    for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++)
        if (argc < 2 || strstr(codes[i].name, argv[1]))
            test(i);
    world_close();
    return tap_finish();
}
