/*
 * The door between C and translated code, in assembly because the guest owns every register, rsp
 * included. Four routines:
 *
 *   dbt_enter        C -> translated code at ctx.jump, guest registers from the context
 *   dbt_exit_stub    translated code -> C, at a site whose host registers are saved as they are
 *   dbt_helper_stub  translated code -> a C helper on the host stack, and back to where it says.
 *                    Helpers use general registers only, so vector registers stay live across it
 *   dbt_leave_tail   the end of every way out; also where the signal handler resumes
 *
 * Arithmetic flags travel in ax (LAHF, SETO) where speed matters: POPFQ costs twenty cycles.
 */
#include "machine/dbt/internal.h"

#define OFFSET(field, value) \
    _Static_assert(offsetof(struct dbt_context, field) == (value), "entry.c")
OFFSET(flags, 128);
OFFSET(host_rsp, 136);
OFFSET(jump, 144);
OFFSET(site, 152);
OFFSET(use_avx, 156);
OFFSET(host_mxcsr, 264);
OFFSET(mxcsr, 268);
OFFSET(helper_flags, 272);
OFFSET(vectors, 280);
_Static_assert(CTX_BASE == 0x07000000u, "entry.c");

__asm__(
    ".text\n"
    ".set CTX, 0x07000000\n"
    ".set FLAGS, CTX+128\n .set HOST_RSP, CTX+136\n .set JUMP, CTX+144\n .set SITE, CTX+152\n"
    ".set USE_AVX, CTX+156\n .set HOST_MXCSR, CTX+264\n .set MXCSR, CTX+268\n"
    ".set HELPER_FLAGS, CTX+272\n .set VECTORS, CTX+280\n"

    ".macro SAVE_GPRS\n"
    " mov %rax,CTX+0; mov %rcx,CTX+8; mov %rdx,CTX+16; mov %rbx,CTX+24\n"
    " mov %rsp,CTX+32; mov %rbp,CTX+40; mov %rsi,CTX+48; mov %rdi,CTX+56\n"
    " mov %r8,CTX+64; mov %r9,CTX+72; mov %r10,CTX+80; mov %r11,CTX+88\n"
    " mov %r12,CTX+96; mov %r13,CTX+104; mov %r14,CTX+112; mov %r15,CTX+120\n"
    ".endm\n"
    ".macro LOAD_GPRS\n"
    " mov CTX+0,%rax; mov CTX+8,%rcx; mov CTX+16,%rdx; mov CTX+24,%rbx\n"
    " mov CTX+32,%rsp; mov CTX+40,%rbp; mov CTX+48,%rsi; mov CTX+56,%rdi\n"
    " mov CTX+64,%r8; mov CTX+72,%r9; mov CTX+80,%r10; mov CTX+88,%r11\n"
    " mov CTX+96,%r12; mov CTX+104,%r13; mov CTX+112,%r14; mov CTX+120,%r15\n"
    ".endm\n"

    ".globl dbt_enter\n .hidden dbt_enter\n .type dbt_enter,@function\n"
    "dbt_enter:\n"
    " push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; sub $8,%rsp\n"
    " mov %rsp,HOST_RSP\n"
    " stmxcsr HOST_MXCSR\n"
    " mov VECTORS,%rax\n"
    " cmpl $0,USE_AVX\n"
    " je 1f\n"
    ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n vmovdqu 32*\\n(%rax),%ymm\\n\n .endr\n"
    " jmp 2f\n"
    "1:\n"
    ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n movdqu 32*\\n(%rax),%xmm\\n\n .endr\n"
    "2:\n"
    " mov MXCSR,%eax; cmp HOST_MXCSR,%eax; je 3f\n"
    " ldmxcsr MXCSR\n"
    "3:\n"
    " mov HELPER_FLAGS,%rax\n"
    " add $0x7f,%al; sahf\n"
    " LOAD_GPRS\n"
    " jmp *JUMP\n"

    ".globl dbt_exit_stub\n .hidden dbt_exit_stub\n"
    "dbt_exit_stub:\n"
    " SAVE_GPRS\n"
    " mov HOST_RSP,%rsp\n"
    " pushfq; pop FLAGS\n"
    ".globl dbt_leave_tail\n .hidden dbt_leave_tail\n"
    "dbt_leave_tail:\n"
    " mov VECTORS,%rax\n"
    " cmpl $0,USE_AVX\n"
    " je 1f\n"
    ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n vmovdqu %ymm\\n,32*\\n(%rax)\n .endr\n"
    " vzeroupper\n"
    " jmp 2f\n"
    "1:\n"
    ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n movdqu %xmm\\n,32*\\n(%rax)\n .endr\n"
    "2:\n"
    " stmxcsr MXCSR\n"
    " mov MXCSR,%eax; cmp HOST_MXCSR,%eax; je 3f\n"
    " ldmxcsr HOST_MXCSR\n"
    "3:\n"
    " add $8,%rsp; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
    " ret\n"

    ".globl dbt_helper_stub\n .hidden dbt_helper_stub\n"
    "dbt_helper_stub:\n"
    " SAVE_GPRS\n"
    " lahf; seto %al\n"
    " movzwl %ax,%eax\n"
    " mov %rax,HELPER_FLAGS\n"
    " mov HOST_RSP,%rsp\n"
    " mov SITE,%edi\n"
    " call dbt_helper\n"
    " test %rax,%rax\n"
    " jz dbt_leave_tail\n"
    " mov %rax,JUMP\n"
    " mov HELPER_FLAGS,%rax\n"
    " add $0x7f,%al; sahf\n"
    " LOAD_GPRS\n"
    " jmp *JUMP\n"
    ".size dbt_enter,.-dbt_enter\n");
