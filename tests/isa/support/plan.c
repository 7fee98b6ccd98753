/*
 * Instructions of forms with random operands. The rule that makes native and translated results
 * comparable: a pointer never takes part in arithmetic as data. Each encoded instruction is decoded
 * again, and one that reads a pointer register other than for an address (or, in sequences, writes
 * one) is thrown away, unless its form only moves values.
 */
#include "tests/isa/support/plan.h"

#include <string.h>

#include "base/error.h"

void plan_begin(struct plan *p, struct rng *rng, struct trial *t)
{
    memset(p, 0, sizeof *p);
    p->rng = rng;
    p->t = t;
    ZydisDecoderInit(&p->decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    t->code_size = t->pointer_count = 0;
    t->operand_size = 0;
}

void plan_add_bytes(struct trial *t, const void *bytes, unsigned n)
{
    RD_ASSERT(t->code_size + n <= sizeof t->code);
    memcpy(t->code + t->code_size, bytes, n);
    t->code_size += n;
}

void plan_add_relative(struct trial *t, const void *opcode, unsigned n, uint32_t target)
{
    plan_add_bytes(t, opcode, n);
    uint32_t relative = target - (CODE_OFFSET + t->place + t->code_size + 4);
    plan_add_bytes(t, &relative, 4);
}

/* ---- operands ---- */

static ZydisRegister gpr(unsigned encoding, unsigned size)
{
    static const ZydisRegister first[] = {ZYDIS_REGISTER_AX, ZYDIS_REGISTER_EAX,
                                          ZYDIS_REGISTER_RAX};
    static const ZydisRegister bytes[] = {
        ZYDIS_REGISTER_AL,   ZYDIS_REGISTER_CL,   ZYDIS_REGISTER_DL,   ZYDIS_REGISTER_BL,
        ZYDIS_REGISTER_SPL,  ZYDIS_REGISTER_BPL,  ZYDIS_REGISTER_SIL,  ZYDIS_REGISTER_DIL,
        ZYDIS_REGISTER_R8B,  ZYDIS_REGISTER_R9B,  ZYDIS_REGISTER_R10B, ZYDIS_REGISTER_R11B,
        ZYDIS_REGISTER_R12B, ZYDIS_REGISTER_R13B, ZYDIS_REGISTER_R14B, ZYDIS_REGISTER_R15B};
    if (size == 8)
        return bytes[encoding];
    return first[size == 16 ? 0 : size == 32 ? 1 : 2] + encoding;
}

/* Encoding of the 64-bit register that holds r; -1: not a general register. */
int plan_gpr_of(ZydisRegister r)
{
    ZydisRegister wide = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);
    return wide >= ZYDIS_REGISTER_RAX && wide <= ZYDIS_REGISTER_R15
               ? (int)(wide - ZYDIS_REGISTER_RAX)
               : -1;
}

unsigned plan_any_gpr(struct plan *p)
{
    unsigned r;
    do {
        r = (unsigned)rng_below(p->rng, 16);
    } while (r == REG_RSP || ((p->pointers | p->indexes | p->addresses) >> r & 1));
    return r;
}

static unsigned any_of(struct plan *p, uint16_t set)
{
    unsigned r;
    do {
        r = (unsigned)rng_below(p->rng, 16);
    } while (!(set >> r & 1));
    return r;
}

/* Somewhere in the data: often aligned, sometimes across the page boundary. */
uint64_t plan_any_address(struct plan *p, unsigned bytes, bool aligned)
{
    uint64_t a = DATA_OFFSET + 0x800 + rng_below(p->rng, 0x1000);
    if (aligned || plan_chance(p, 2))
        a &= ~(uint64_t)(bytes - 1);
    else if (bytes > 1 && plan_chance(p, 4))
        a = DATA_OFFSET + RD_PAGE - 1 - rng_below(p->rng, bytes - 1);
    return WINDOW_NATIVE + a;
}

static int64_t any_displacement(struct rng *rng)
{
    switch (rng_below(rng, 3)) {
    case 0:
        return 0;
    case 1:
        return (int8_t)rng_next(rng);
    default:
        return (int64_t)rng_below(rng, 1 << 20) - (1 << 19);
    }
}

static void choose_place(struct plan *p, unsigned bytes, bool aligned, bool in_stack,
                         struct place *m)
{
    m->used = true;
    m->base = m->index = -1;
    m->scale = 0;
    m->index_value = 0;
    m->address = plan_any_address(p, bytes, aligned);
    if (in_stack)
        m->address = WINDOW_NATIVE + STACK_OFFSET + 0x200 + rng_below(p->rng, 0xC00);
    if (!in_stack && plan_chance(p, 8)) {
        m->base = 16;
        return;
    }
    bool on_stack = !in_stack && plan_chance(p, 8);
    if (plan_chance(p, 2)) {
        unsigned index = p->sequence ? any_of(p, p->indexes) : plan_any_gpr(p);
        if (index != REG_RSP) {
            m->index = (int)index;
            m->scale = 1u << rng_below(p->rng, 4);
            m->index_value = p->sequence ? p->t->regs.gpr[index]
                                         : (uint64_t)((int64_t)rng_below(p->rng, 512) - 256);
        }
    }
    if (on_stack) {
        m->base = REG_RSP;
        m->address = p->t->regs.gpr[REG_RSP] + 64 + rng_below(p->rng, 256);
        if (aligned)
            m->address &= ~(uint64_t)(bytes - 1);
        m->displacement =
            (int64_t)(m->address - p->t->regs.gpr[REG_RSP] - m->index_value * m->scale);
    } else if (p->sequence) {
        m->base = (int)any_of(p, p->pointers & ~(1u << REG_RSP));
        m->displacement =
            (int64_t)(m->address - p->t->regs.gpr[m->base] - m->index_value * m->scale);
    } else {
        do {
            m->base = (int)rng_below(p->rng, 16);
        } while (m->base == REG_RSP || m->base == m->index);
        m->displacement = any_displacement(p->rng);
    }
}

static bool encode_operand(struct plan *p, const struct form *form, const struct form_operand *o,
                           struct place *place, ZydisEncoderOperand *out)
{
    struct rng *rng = p->rng;
    memset(out, 0, sizeof *out);
    out->type = ZYDIS_OPERAND_TYPE_REGISTER;
    switch (o->kind) {
    case OPERAND_GPR:
        out->reg.value = gpr(plan_any_gpr(p), o->size);
        return true;
    case OPERAND_HIGH:
        out->reg.value = ZYDIS_REGISTER_AH + (ZydisRegister)rng_below(rng, 4);
        return true;
    case OPERAND_FIXED:
        out->reg.value = o->fixed;
        return true;
    case OPERAND_XMM:
        out->reg.value = ZYDIS_REGISTER_XMM0 + (ZydisRegister)rng_below(rng, 16);
        return true;
    case OPERAND_YMM:
        out->reg.value = ZYDIS_REGISTER_YMM0 + (ZydisRegister)rng_below(rng, 16);
        return true;
    case OPERAND_MEMORY:
    case OPERAND_ADDRESS:
        choose_place(p, o->size ? o->size / 8 : 1, o->aligned,
                     o->kind == OPERAND_ADDRESS && form->operands[0].fixed == ZYDIS_REGISTER_RSP,
                     place);
        out->type = ZYDIS_OPERAND_TYPE_MEMORY;
        out->mem.size = (ZyanU16)(o->size ? o->size / 8 : 8);
        out->mem.base = place->base == 16 ? ZYDIS_REGISTER_RIP : gpr((unsigned)place->base, 64);
        out->mem.displacement = place->base == 16 ? (ZyanI64)place->address : place->displacement;
        if (place->index >= 0) {
            out->mem.index = gpr((unsigned)place->index, 64);
            out->mem.scale = (ZyanU8)place->scale;
        }
        return true;
    case OPERAND_IMMEDIATE:
        out->type = ZYDIS_OPERAND_TYPE_IMMEDIATE;
        out->imm.s = o->size == 8    ? (int8_t)snippet_value(rng)
                     : o->size == 16 ? (int16_t)snippet_value(rng)
                     : o->size == 32 ? (int32_t)snippet_value(rng)
                                     : (int64_t)snippet_value(rng);
        return true;
    case OPERAND_COUNT:
        out->type = ZYDIS_OPERAND_TYPE_IMMEDIATE;
        out->imm.u = rng_below(rng, o->size);
        return true;
    case OPERAND_LITERAL:
        out->type = ZYDIS_OPERAND_TYPE_IMMEDIATE;
        out->imm.s = o->literal;
        return true;
    default:
        return false;
    }
}
/* ---- instructions ---- */

/* Registers read and written as data. */
static void data_registers(const struct instruction *i, uint32_t *read, uint32_t *written)
{
    *read = *written = 0;
    for (unsigned k = 0; k < i->decoded.operand_count; k++) {
        const ZydisDecodedOperand *o = &i->operands[k];
        if (o->type != ZYDIS_OPERAND_TYPE_REGISTER)
            continue;
        int r = plan_gpr_of(o->reg.value);
        if (r < 0)
            continue;
        if (o->actions & ZYDIS_OPERAND_ACTION_MASK_READ)
            *read |= 1u << r;
        if (o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
            *written |= 1u << r;
    }
}

bool plan_encode(struct plan *p, const struct form *form, unsigned at, struct instruction *i)
{
    ZydisEncoderRequest q;
    memset(&q, 0, sizeof q);
    memset(&i->place, 0, sizeof i->place);
    q.machine_mode = ZYDIS_MACHINE_MODE_LONG_64;
    q.mnemonic = form->mnemonic;
    q.allowed_encodings = ZYDIS_ENCODABLE_ENCODING_LEGACY | ZYDIS_ENCODABLE_ENCODING_VEX;
    q.prefixes = form->options & FORM_LOCK ? ZYDIS_ATTRIB_HAS_LOCK : 0;
    q.operand_count = (ZyanU8)form->operand_count;
    for (unsigned k = 0; k < form->operand_count; k++) {
        if (!encode_operand(p, form, &form->operands[k], &i->place, &q.operands[k]))
            return false;
        q.operands[k].reg.is4 = k == 3 && q.operands[k].type == ZYDIS_OPERAND_TYPE_REGISTER;
    }
    memcpy(i->encoded, q.operands, sizeof i->encoded);
    ZyanUSize length = sizeof i->bytes;
    if (!ZYAN_SUCCESS(ZydisEncoderEncodeInstructionAbsolute(
            &q, i->bytes, &length, WINDOW_NATIVE + CODE_OFFSET + p->t->place + at)))
        return false;
    if (!ZYAN_SUCCESS(
            ZydisDecoderDecodeFull(&p->decoder, i->bytes, length, &i->decoded, i->operands)))
        return false;

    uint32_t read, written;
    data_registers(i, &read, &written);
    uint32_t held = p->sequence ? (p->pointers | p->addresses) & ~(1u << REG_RSP) : 0;
    if (i->place.used && i->place.base >= 0 && i->place.base < 16)
        held |= 1u << i->place.base;
    bool moves = form->options & FORM_MOVE;
    if (read & held & ~(1u << REG_RSP) && !(moves && !p->sequence))
        return false;
    if (p->sequence && written & (held | p->indexes))
        return false;
    if (!p->sequence && i->place.used && i->place.index >= 0 && i->place.index == i->place.base)
        return false;
    if (form->options & FORM_BIT_OFFSET &&
        (i->place.base == REG_RSP || plan_gpr_of(i->encoded[1].reg.value) == i->place.index))
        return false; /* bits below the stack pointer are not the guest's to touch */
    const ZydisAccessedFlags *flags = i->decoded.cpu_flags;
    return !(flags && (flags->tested & p->undefined));
}

static bool keeps_flags_sometimes(ZydisMnemonic m)
{
    switch (m) {
    case ZYDIS_MNEMONIC_SHL:
    case ZYDIS_MNEMONIC_SHR:
    case ZYDIS_MNEMONIC_SAR:
    case ZYDIS_MNEMONIC_ROL:
    case ZYDIS_MNEMONIC_ROR:
    case ZYDIS_MNEMONIC_RCL:
    case ZYDIS_MNEMONIC_RCR:
    case ZYDIS_MNEMONIC_SHLD:
    case ZYDIS_MNEMONIC_SHRD:
        return true;
    default:
        return false;
    }
}

void plan_append(struct plan *p, const struct form *form, const struct instruction *i)
{
    const ZydisAccessedFlags *flags = i->decoded.cpu_flags;
    if (flags) {
        unsigned written = flags->modified | flags->set_0 | flags->set_1;
        /* A count may be zero, and what an overflow flag means depends on it. */
        if (!keeps_flags_sometimes(form->mnemonic))
            p->undefined &= ~written;
        p->undefined |= flags->undefined;
    }
    /* Arithmetic on the stack pointer itself: its sign is that of the window's half of the address
     * space. */
    if (form->operands[0].fixed == ZYDIS_REGISTER_RSP)
        p->undefined |= FLAG_SF | FLAG_OF | FLAG_CF;
    if (p->sequence && form->options & FORM_NOT_ACCESSED && form->operands[0].kind == OPERAND_GPR) {
        uint32_t read, written;
        data_registers(i, &read, &written);
        p->addresses |= (uint16_t)written;
    }
    plan_add_bytes(p->t, i->bytes, i->decoded.length);
}
/* Two pointers and an index, in registers of every kind of encoding. */
void plan_choose_registers(struct plan *p)
{
    struct trial *t = p->t;
    p->sequence = true;
    p->pointers = 1u << REG_RSP;
    for (unsigned n = 0; n < 2; n++) {
        unsigned r = plan_any_gpr(p);
        p->pointers |= (uint16_t)(1u << r);
        t->regs.gpr[r] = WINDOW_NATIVE + DATA_OFFSET + 0x800 + rng_below(p->rng, 0x1000);
    }
    unsigned index = plan_any_gpr(p);
    p->indexes = (uint16_t)(1u << index);
    t->regs.gpr[index] = rng_below(p->rng, 256);
}

/* An instruction of a random form without `unwanted` options, to stand at offset `at`. */
const struct form *plan_choose(struct plan *p, const struct form *forms, size_t count,
                               unsigned unwanted, unsigned at, struct instruction *i)
{
    const struct form *form;
    do {
        form = &forms[rng_below(p->rng, count)];
    } while (form->options & (unwanted | FORM_ALONE) ||
             (form->options & FORM_STACK && form->operands[0].fixed) ||
             !plan_encode(p, form, at, i));
    return form;
}
