/*
 * Bytes to struct insn: what is read, written and touched. Zydis knows the encodings; what becomes
 * of each instruction is decided in classify.c. Effects err on one side: a register or flag counts
 * as overwritten only when every processor always writes it whatever the operands are, since
 * instrumentation borrows what is about to be overwritten.
 */
#include "machine/dbt/decode.h"

#include <string.h>

static ZydisDecoder decoder;
static bool decoder_ready;

/* Looking ahead for live flags decodes the successors of each block, which soon are blocks
 * themselves. */
#define CACHE_SIZE 4096u
struct cached {
    struct insn insn;
    uint64_t generation; /* valid while equal to the present one */
};
static struct cached cache[CACHE_SIZE];
static uint64_t generation = 1;

int gpr_of(ZydisRegister r)
{
    ZydisRegister e = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);
    return e >= ZYDIS_REGISTER_RAX && e <= ZYDIS_REGISTER_R15 ? (int)(e - ZYDIS_REGISTER_RAX)
                                                              : NO_REG;
}

static uint32_t flag_mask(uint32_t f)
{
    return (f & ZYDIS_CPUFLAG_CF ? FLAG_CF : 0) | (f & ZYDIS_CPUFLAG_PF ? FLAG_PF : 0) |
           (f & ZYDIS_CPUFLAG_AF ? FLAG_AF : 0) | (f & ZYDIS_CPUFLAG_ZF ? FLAG_ZF : 0) |
           (f & ZYDIS_CPUFLAG_SF ? FLAG_SF : 0) | (f & ZYDIS_CPUFLAG_OF ? FLAG_OF : 0);
}

const char *mnemonic_name(uint16_t mnemonic)
{
    const char *s = ZydisMnemonicGetString((ZydisMnemonic)mnemonic);
    return s ? s : "?";
}

static void read_memory_operand(struct insn *x, const ZydisDecodedInstruction *i,
                                const ZydisDecodedOperand *o)
{
    struct mem *m = &x->m;
    *m = (struct mem){.base = NO_REG, .index = NO_REG, .scale = o->mem.scale ? o->mem.scale : 1};
    m->disp = o->mem.disp.has_displacement ? o->mem.disp.value : 0;
    if (o->mem.base == ZYDIS_REGISTER_RIP || o->mem.base == ZYDIS_REGISTER_EIP) {
        m->fixed = 1;
        m->disp = (int64_t)(x->pc + i->length + (uint64_t)m->disp);
    } else if (o->mem.base != ZYDIS_REGISTER_NONE) {
        m->base = (int8_t)gpr_of(o->mem.base);
    }
    if (o->mem.index != ZYDIS_REGISTER_NONE)
        m->index = (int8_t)gpr_of(o->mem.index);
    m->low = i->address_width == 32;
    m->pcr = o->mem.segment == ZYDIS_REGISTER_GS;
    unsigned bytes = o->size / 8;
    x->size = bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8 || bytes == 16 || bytes == 32
                  ? (uint8_t)bytes
                  : 0;
    x->odd_size = bytes > 255 ? 0 : (uint8_t)bytes;
    x->reads = o->actions & ZYDIS_OPERAND_ACTION_MASK_READ;
    x->writes = o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
}

static bool is_fence(const struct insn *x, const ZydisDecodedInstruction *i)
{
    return (i->attributes & ZYDIS_ATTRIB_HAS_LOCK) ||
           (i->mnemonic == ZYDIS_MNEMONIC_XCHG && x->has_mem) ||
           i->mnemonic == ZYDIS_MNEMONIC_MFENCE || i->mnemonic == ZYDIS_MNEMONIC_CPUID;
}

/* Registers and flags that the instruction reads and overwrites. */
static void read_effects(struct insn *x, const ZydisDecodedInstruction *i,
                         const ZydisDecodedOperand *ops)
{
    bool zeroing = (i->mnemonic == ZYDIS_MNEMONIC_XOR || i->mnemonic == ZYDIS_MNEMONIC_SUB) &&
                   ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
                   ops[1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
                   ops[0].reg.value == ops[1].reg.value && ops[0].size >= 32;
    for (unsigned k = 0; k < i->operand_count; k++) {
        const ZydisDecodedOperand *o = &ops[k];
        if (o->type == ZYDIS_OPERAND_TYPE_REGISTER) {
            int r = gpr_of(o->reg.value);
            if (r == NO_REG)
                continue;
            if ((o->actions & ZYDIS_OPERAND_ACTION_MASK_READ) && !zeroing)
                x->use |= BIT(r);
            if (o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) {
                x->kill |= BIT(r);
                if (o->size < 32 || (o->actions & ZYDIS_OPERAND_ACTION_CONDWRITE))
                    x->use |= BIT(r);
            }
        } else if (o->type == ZYDIS_OPERAND_TYPE_MEMORY) {
            if (o->mem.base != ZYDIS_REGISTER_NONE && gpr_of(o->mem.base) != NO_REG)
                x->use |= BIT(gpr_of(o->mem.base));
            if (o->mem.index != ZYDIS_REGISTER_NONE && gpr_of(o->mem.index) != NO_REG)
                x->use |= BIT(gpr_of(o->mem.index));
        }
    }
    const ZydisAccessedFlags *f = i->cpu_flags;
    if (!f)
        return;
    x->use |= flag_mask(f->tested);
    x->touches_flags = flag_mask(f->tested | f->modified | f->set_0 | f->set_1 | f->undefined) != 0;
    /* Processors leave some undefined flags as they were (AMD after MUL): those still pass the old
     * value on, which must then be the guest's. AF after logic is zero everywhere. */
    bool logic = i->meta.category == ZYDIS_CATEGORY_LOGICAL;
    uint32_t written = flag_mask(f->modified | f->set_0 | f->set_1 | (logic ? f->undefined : 0));
    /* A shift or rotate by zero leaves flags alone: a count in CL proves nothing. */
    if (i->meta.category == ZYDIS_CATEGORY_SHIFT || i->meta.category == ZYDIS_CATEGORY_ROTATE) {
        const ZydisDecodedOperand *count = &ops[i->operand_count_visible - 1];
        bool fixed = count->type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
                     (count->imm.value.u & (i->operand_width == 64 ? 63 : 31)) != 0;
        if (!fixed)
            written = 0;
    }
    x->kill |= written;
}

static bool decode_fresh(gva_t pc, gva_t end, struct insn *x)
{
    if (!decoder_ready) {
        ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
        decoder_ready = true;
    }
    ZydisDecodedInstruction i;
    ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
    uint64_t room = end - pc < 15 ? end - pc : 15;
    memset(x, 0, sizeof *x);
    x->pc = pc;
    x->reg = NO_REG;
    x->m.base = x->m.index = NO_REG;
    const uint8_t *bytes = arena_host(pc);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, room, &i, ops)))
        return false;
    x->length = i.length;
    x->mnemonic = (uint16_t)i.mnemonic;
    x->width = (uint8_t)(i.operand_width / 8);
    memcpy(x->bytes, bytes, i.length);
    x->modrm_at = i.raw.modrm.offset;
    x->sib_at = i.raw.sib.offset;
    x->disp_at = i.raw.disp.offset;
    x->disp_size = i.raw.disp.size / 8;
    while (x->prefixes < i.length &&
           strchr("\xF0\xF2\xF3\x2E\x36\x3E\x26\x64\x65\x66\x67", x->bytes[x->prefixes]) &&
           x->bytes[x->prefixes])
        x->prefixes++;
    for (unsigned k = 0; k < i.operand_count_visible; k++) {
        if (ops[k].type != ZYDIS_OPERAND_TYPE_MEMORY)
            continue;
        read_memory_operand(x, &i, &ops[k]);
        x->has_mem = ops[k].mem.type == ZYDIS_MEMOP_TYPE_MEM;
        if (x->m.fixed && (uint64_t)x->m.disp - RD_IMAGE_BASE >= RD_IMAGE_SIZE)
            x->m.wide = 1;
        break;
    }
    read_effects(x, &i, ops);
    classify(x, &i, ops);
    x->fence = is_fence(x, &i);
    if (x->op == OP_NOP)
        x->use = x->kill = 0;
    if (x->op == OP_NOP || x->op == OP_STOP || x->op == OP_EMULATE)
        x->has_mem = false; /* checked by the helper, if at all */
    switch (i.mnemonic) {
    case ZYDIS_MNEMONIC_BT:
    case ZYDIS_MNEMONIC_BTS:
    case ZYDIS_MNEMONIC_BTR:
    case ZYDIS_MNEMONIC_BTC:
        if (x->has_mem && ops[1].type == ZYDIS_OPERAND_TYPE_REGISTER) {
            x->bit_index = true;
            x->reg = (int8_t)gpr_of(ops[1].reg.value);
        }
        break;
    case ZYDIS_MNEMONIC_BSF:
    case ZYDIS_MNEMONIC_BSR:
        x->use |= x->kill & MASK_GPRS; /* a source of zero leaves the destination as it was */
        break;
    case ZYDIS_MNEMONIC_ADD:
    case ZYDIS_MNEMONIC_SUB:
        if (ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER && ops[0].reg.value == ZYDIS_REGISTER_RSP &&
            ops[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
            x->imm = i.mnemonic == ZYDIS_MNEMONIC_ADD ? ops[1].imm.value.s : -ops[1].imm.value.s;
        break;
    default:
        break;
    }
    x->faults = i.mnemonic == ZYDIS_MNEMONIC_DIV || i.mnemonic == ZYDIS_MNEMONIC_IDIV ||
                i.meta.isa_ext != ZYDIS_ISA_EXT_BASE;
    return true;
}

const struct insn *decode(gva_t pc, gva_t end)
{
    struct cached *c = &cache[(pc ^ pc >> 12) % CACHE_SIZE];
    if (c->generation == generation && c->insn.pc == pc)
        return pc + c->insn.length <= end ? &c->insn : NULL;
    c->generation = 0;
    if (!decode_fresh(pc, end, &c->insn))
        return NULL;
    c->generation = generation;
    return &c->insn;
}

void decode_forget(void)
{
    generation++;
}

bool stack_delta(const struct insn *x, int32_t *delta)
{
    *delta = 0;
    switch (x->op) {
    case OP_PUSH_REG:
    case OP_PUSH_IMM:
    case OP_PUSH_MEM:
    case OP_CALL:
    case OP_CALL_REG:
    case OP_CALL_MEM:
        *delta = -8;
        return true;
    case OP_POP_REG:
        *delta = 8;
        return x->reg != REG_RSP;
    case OP_POP_MEM:
        *delta = 8;
        return true;
    case OP_LEAVE:
    case OP_STOP:
        return false;
    case OP_EMULATE:
        *delta = x->action == ACT_PUSHF ? -8 : x->action == ACT_POPF ? 8 : 0;
        return x->action != ACT_PUSH && x->action != ACT_POP && x->action != ACT_ENTER;
    default:
        break;
    }
    if (!(x->kill & BIT(REG_RSP)))
        return true;
    if ((x->mnemonic == ZYDIS_MNEMONIC_ADD || x->mnemonic == ZYDIS_MNEMONIC_SUB) && x->imm &&
        !x->has_mem && x->imm == (int32_t)x->imm) {
        *delta = (int32_t)x->imm;
        return true;
    }
    if (x->mnemonic == ZYDIS_MNEMONIC_LEA && x->m.base == REG_RSP && x->m.index == NO_REG &&
        x->width == 8 && !x->m.low) {
        *delta = (int32_t)x->m.disp;
        return true;
    }
    return false;
}
