/* What several commands print: registers and the place where a context stands, in WinDbg's lines. */
#include <inttypes.h>
#include <string.h>

#include "debug/debugger.h"

void debug_print_registers(struct debugger *d)
{
    const struct vcpu_regs *r = &d->frame_regs;
    const uint64_t *g = r->gpr;
    uint64_t f = r->rflags;
#define X "%016" PRIx64
    debug_print(d, "rax=" X " rbx=" X " rcx=" X "\n", g[REG_RAX], g[REG_RBX], g[REG_RCX]);
    debug_print(d, "rdx=" X " rsi=" X " rdi=" X "\n", g[REG_RDX], g[REG_RSI], g[REG_RDI]);
    debug_print(d, "rip=" X " rsp=" X " rbp=" X "\n", r->rip, g[REG_RSP], g[REG_RBP]);
    debug_print(d, " r8=" X "  r9=" X " r10=" X "\n", g[REG_R8], g[REG_R9], g[REG_R10]);
    debug_print(d, "r11=" X " r12=" X " r13=" X "\n", g[REG_R11], g[REG_R12], g[REG_R13]);
    debug_print(d, "r14=" X " r15=" X "\n", g[REG_R14], g[REG_R15]);
#undef X
    debug_print(d, "iopl=0         %s %s %s %s %s %s %s %s\n", f & 0x800 ? "ov" : "nv", f & 0x400 ? "dn" : "up",
                f & 0x200 ? "ei" : "di", f & 0x80 ? "ng" : "pl", f & 0x40 ? "zr" : "nz", f & 0x10 ? "ac" : "na",
                f & 4 ? "pe" : "po", f & 1 ? "cy" : "nc");
    debug_print(d, "cs=0010  ss=0018  ds=002b  es=002b  fs=0053  gs=002b             efl=%08x\n", (unsigned)f);
}

void debug_print_position(struct debugger *d)
{
    char symbol[DEBUG_SYMBOL], address[DEBUG_ADDRESS], text[640];
    gva_t pc = d->frame_regs.rip;
    bool is_return = d->frame > 0 && !d->frames[d->frame].interrupt;
    if (is_return)
        debug_symbol_return(d, pc, symbol);
    else
        debug_symbol(d, pc, symbol);
    debug_print(d, "%s:\n", symbol);
    if (debug_disassemble(d, pc, text, sizeof text) == 0)
        snprintf(text, sizeof text, "??              ???");
    debug_print(d, "%s %s\n", debug_address(pc, address), text);
}
