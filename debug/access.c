/*
 * What an instruction is about to touch, from its operands and the registers: for data breakpoints and `!whowrote`, which
 * look at every instruction of an execution. Decoding is remembered by address and bytes.
 */
#include <Zydis/Zydis.h>
#include <string.h>

#include "debug/debugger.h"
#include "machine/arena.h"

#define MEMORY_SLOTS 16384u

struct operand {
    uint8_t base, index; /* of gpr; NONE */
    uint8_t scale;
    bool pcr, read, write, repeated, pushes;
    int64_t disp;
    uint32_t size;
};
#define NONE 0xFF

struct remembered {
    gva_t pc;
    uint8_t bytes[16];
    uint8_t count;
    struct operand operands[4];
};
static struct remembered memory[MEMORY_SLOTS];

static uint8_t gpr(ZydisRegister r)
{
    if (r == ZYDIS_REGISTER_NONE)
        return NONE;
    ZydisRegister e = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);
    return e >= ZYDIS_REGISTER_RAX && e <= ZYDIS_REGISTER_R15 ? (uint8_t)(e - ZYDIS_REGISTER_RAX) : NONE;
}

static void remember(struct remembered *e)
{
    static ZydisDecoder decoder;
    static bool ready;
    ZydisDecodedInstruction i;
    ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
    if (!ready)
        ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ready = true;
    e->count = 0;
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, e->bytes, sizeof e->bytes - 1, &i, ops)))
        return;
    bool repeated = i.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE);
    for (unsigned k = 0; k < i.operand_count && e->count < 4; k++) {
        const ZydisDecodedOperand *o = &ops[k];
        if (o->type != ZYDIS_OPERAND_TYPE_MEMORY || o->mem.type == ZYDIS_MEMOP_TYPE_AGEN)
            continue;
        struct operand *x = &e->operands[e->count];
        *x = (struct operand){.base = gpr(o->mem.base), .index = gpr(o->mem.index), .scale = o->mem.scale,
                              .pcr = o->mem.segment == ZYDIS_REGISTER_GS, .disp = o->mem.disp.value,
                              .read = o->actions & ZYDIS_OPERAND_ACTION_MASK_READ,
                              .write = o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE, .size = o->size / 8u,
                              .repeated = repeated};
        if (o->mem.base == ZYDIS_REGISTER_RIP)
            x->disp += (int64_t)(e->pc + i.length);
        x->pushes = o->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN && x->base == REG_RSP && x->write;
        e->count += x->read || x->write;
    }
}

unsigned debug_accesses(const struct debugger *d, const struct vcpu *c, struct debug_access out[DEBUG_ACCESSES])
{
    (void)d;
    gva_t pc = c->regs.rip;
    uint8_t bytes[16] = {0};
    if (arena_contains(pc, 16))
        memcpy(bytes, arena_host(pc), 15);
    struct remembered *e = &memory[(pc ^ pc >> 14) % MEMORY_SLOTS];
    if (e->pc != pc || memcmp(e->bytes, bytes, sizeof bytes) != 0) {
        e->pc = pc;
        memcpy(e->bytes, bytes, sizeof bytes);
        remember(e);
    }
    for (unsigned k = 0; k < e->count; k++) {
        const struct operand *x = &e->operands[k];
        gva_t a = (uint64_t)x->disp + (x->base != NONE ? c->regs.gpr[x->base] : 0) +
                  (x->index != NONE ? c->regs.gpr[x->index] * x->scale : 0) + (x->pcr ? c->pcr : 0);
        uint64_t size = x->size;
        if (x->pushes)
            a = c->regs.gpr[REG_RSP] - size;
        if (x->repeated) {
            uint64_t all = size * c->regs.gpr[REG_RCX];
            if (c->regs.rflags & 0x400)
                a -= all - size;
            size = all;
        }
        out[k] = (struct debug_access){a, size, x->read, x->write};
    }
    return e->count;
}
