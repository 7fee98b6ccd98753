/*
 * The generator of trials. The rule that makes native and translated results comparable: a pointer
 * never takes part in arithmetic as data. Each encoded instruction is decoded again, and one that
 * reads a pointer register other than for an address (or, in sequences, writes one) is thrown away,
 * unless its form only moves values.
 */
#include "tests/isa/support/snippet.h"

#include <string.h>

#include "base/error.h"

struct plan {
    struct rng *rng;
    struct trial *t;
    bool sequence;
    uint16_t
        pointers; /* sequences: registers that hold pointers throughout; bit number = encoding */
    uint16_t indexes;   /* sequences: registers that hold small numbers throughout */
    uint16_t addresses; /* sequences: registers that hold an address that lea made, so are of no use
                           as data */
    unsigned undefined; /* flags whose value is not defined at this point */
    ZydisDecoder decoder;
};

/* The memory operand of the instruction at hand. */
struct place {
    bool used;
    int base, index; /* encodings, -1: none; base 16 is RIP */
    unsigned scale;
    int64_t displacement;
    uint64_t address;
    uint64_t index_value;
};

static bool chance(struct rng *rng, unsigned one_in)
{
    return rng_below(rng, one_in) == 0;
}

uint64_t snippet_value(struct rng *rng)
{
    uint64_t v = rng_next(rng);
    switch (rng_below(rng, 10)) {
    case 0:
        return v & 1 ? 0 : ~0ull;
    case 1:
        return v & 0xFF;
    case 2:
        return 0 - (v & 0xFF);
    case 3:
        return 1ull << (v & 63);
    case 4:
        return (1ull << (v & 63)) - 1;
    case 5:
        return v & 0xFFFFFFFF;
    case 6:
        return (uint64_t)(int64_t)(int32_t)v;
    default:
        return v;
    }
}

static uint32_t float_value(struct rng *rng)
{
    static const uint32_t values[] = {0x00000000, 0x80000000, 0x3F800000, 0xBF800000, 0x3FC00000,
                                      0x7F7FFFFF, 0x00000001, 0x807FFFFF, 0x7F800000, 0xFF800000,
                                      0x7FC00000, 0x7F800001, 0x4F000000, 0xCF000000, 0x40490FDB,
                                      0x3EAAAAAB, 0x4B000001, 0x42C80000};
    return values[rng_below(rng, sizeof values / sizeof *values)];
}

static uint64_t double_value(struct rng *rng)
{
    static const uint64_t values[] = {0x0000000000000000, 0x8000000000000000, 0x3FF0000000000000,
                                      0xBFF8000000000000, 0x7FEFFFFFFFFFFFFF, 0x0000000000000001,
                                      0x800FFFFFFFFFFFFF, 0x7FF0000000000000, 0xFFF0000000000000,
                                      0x7FF8000000000000, 0x7FF0000000000001, 0x41E0000000000000,
                                      0xC1E0000000000000, 0x43E0000000000000, 0x400921FB54442D18,
                                      0x3FD5555555555555, 0x4059000000000000, 0x4340000000000001};
    return values[rng_below(rng, sizeof values / sizeof *values)];
}

static void random_bytes(struct rng *rng, uint8_t *out, size_t n, bool floats)
{
    for (size_t i = 0; i + 8 <= n; i += 8) {
        uint64_t v = rng_next(rng);
        if (floats) {
            if (v & 1) {
                v = double_value(rng);
            } else {
                v = float_value(rng);
                v |= (uint64_t)float_value(rng) << 32;
            }
        }
        memcpy(out + i, &v, 8);
    }
}

void snippet_random_state(struct rng *rng, bool floats, struct trial *t)
{
    memset(&t->regs, 0, sizeof t->regs);
    for (unsigned i = 0; i < 16; i++)
        t->regs.gpr[i] = snippet_value(rng);
    t->regs.gpr[REG_RSP] = WINDOW_NATIVE + STACK_OFFSET + STACK_SIZE / 2 + 8 * rng_below(rng, 64);
    t->regs.rflags = (rng_next(rng) & FLAGS_ARITHMETIC) | 0x202;
    random_bytes(rng, t->regs.ymm[0], sizeof t->regs.ymm, floats);
    t->regs.mxcsr = 0x1F80;
    if (floats && chance(rng, 2))
        t->regs.mxcsr |= (uint32_t)(rng_next(rng) & 0xE07F);
    random_bytes(rng, t->memory, sizeof t->memory, floats);
}

static void add_bytes(struct trial *t, const void *bytes, unsigned n)
{
    RD_ASSERT(t->code_size + n <= sizeof t->code);
    memcpy(t->code + t->code_size, bytes, n);
    t->code_size += n;
}

static void add_relative(struct trial *t, const void *opcode, unsigned n, uint32_t target)
{
    add_bytes(t, opcode, n);
    uint32_t relative = target - (CODE_OFFSET + t->place + t->code_size + 4);
    add_bytes(t, &relative, 4);
}

void snippet_finish(struct trial *t)
{
    /* pushfq; pop [rip+...]; push 0; lea rsp, [rsp+8]; jmp: the stack keeps no trace of undefined
     * flags. */
    add_bytes(t, "\x9C", 1);
    add_relative(t, "\x8F\x05", 2, FLAGS_OFFSET);
    add_bytes(t, "\x6A\x00\x48\x8D\x64\x24\x08", 7);
    add_relative(t, "\xE9", 1, EXIT_OFFSET);
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
static int gpr_of(ZydisRegister r)
{
    ZydisRegister wide = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);
    return wide >= ZYDIS_REGISTER_RAX && wide <= ZYDIS_REGISTER_R15
               ? (int)(wide - ZYDIS_REGISTER_RAX)
               : -1;
}

static unsigned any_gpr(struct plan *p)
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
static uint64_t any_address(struct plan *p, unsigned bytes, bool aligned)
{
    uint64_t a = DATA_OFFSET + 0x800 + rng_below(p->rng, 0x1000);
    if (aligned || chance(p->rng, 2))
        a &= ~(uint64_t)(bytes - 1);
    else if (bytes > 1 && chance(p->rng, 4))
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
    m->address = any_address(p, bytes, aligned);
    if (in_stack)
        m->address = WINDOW_NATIVE + STACK_OFFSET + 0x200 + rng_below(p->rng, 0xC00);
    if (!in_stack && chance(p->rng, 8)) {
        m->base = 16;
        return;
    }
    bool on_stack = !in_stack && chance(p->rng, 8);
    if (chance(p->rng, 2)) {
        unsigned index = p->sequence ? any_of(p, p->indexes) : any_gpr(p);
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
        out->reg.value = gpr(any_gpr(p), o->size);
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

struct instruction {
    uint8_t bytes[ZYDIS_MAX_INSTRUCTION_LENGTH];
    ZydisDecodedInstruction decoded;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    ZydisEncoderOperand encoded[5];
    struct place place;
};

/* Registers read and written as data. */
static void data_registers(const struct instruction *i, uint32_t *read, uint32_t *written)
{
    *read = *written = 0;
    for (unsigned k = 0; k < i->decoded.operand_count; k++) {
        const ZydisDecodedOperand *o = &i->operands[k];
        if (o->type != ZYDIS_OPERAND_TYPE_REGISTER)
            continue;
        int r = gpr_of(o->reg.value);
        if (r < 0)
            continue;
        if (o->actions & ZYDIS_OPERAND_ACTION_MASK_READ)
            *read |= 1u << r;
        if (o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
            *written |= 1u << r;
    }
}

static bool try_encode(struct plan *p, const struct form *form, unsigned at, struct instruction *i)
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
        (i->place.base == REG_RSP || gpr_of(i->encoded[1].reg.value) == i->place.index))
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

static void append(struct plan *p, const struct form *form, const struct instruction *i)
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
    add_bytes(p->t, i->bytes, i->decoded.length);
}

static uint8_t *memory_at(struct trial *t, uint64_t address)
{
    return t->memory + (address - WINDOW_NATIVE - MEMORY_OFFSET);
}

/* Register and memory contents that the chosen operands ask for. */
static void prepare_state(struct plan *p, const struct form *form, const struct instruction *i)
{
    struct trial *t = p->t;
    struct rng *rng = p->rng;
    uint64_t *g = t->regs.gpr;
    const struct place *m = &i->place;
    if (m->used && m->index >= 0)
        g[m->index] = m->index_value;
    if (form->options & FORM_BIT_OFFSET) {
        int r = gpr_of(i->encoded[1].reg.value);
        uint64_t bits = (uint64_t)((int64_t)rng_below(rng, 8000) - 4000);
        unsigned size = form->operands[1].size;
        g[r] = size == 64   ? bits
               : size == 32 ? (g[r] & ~0xFFFFFFFFull) | (uint32_t)bits
                            : (g[r] & ~0xFFFFull) | (uint16_t)bits;
    }
    if (m->used && m->base >= 0 && m->base < 16 && m->base != REG_RSP)
        g[m->base] = m->address - m->index_value * m->scale - (uint64_t)m->displacement;
    if (form->options & FORM_DIVIDE && !chance(rng, 4)) {
        bool high = form->operands[0].size == 8;
        bool negative = form->mnemonic == ZYDIS_MNEMONIC_IDIV && chance(rng, 2);
        bool uses_rax = m->used && (m->base == REG_RAX || m->index == REG_RAX);
        bool uses_rdx = m->used && (m->base == REG_RDX || m->index == REG_RDX);
        if (high && !uses_rax)
            g[REG_RAX] = (g[REG_RAX] & ~0xFF80ull) | (negative ? 0xFF80 : 0);
        else if (!high && !uses_rdx)
            g[REG_RDX] = negative ? ~0ull : 0;
    }
    if (form->options & FORM_EQUAL && chance(rng, 2)) {
        if (m->used) {
            uint8_t *at = memory_at(t, m->address);
            unsigned n = i->encoded[0].mem.size;
            unsigned half = form->operand_count == 1 ? n / 2 : n;
            memcpy(at, &g[REG_RAX], half);
            if (form->operand_count == 1)
                memcpy(at + half, &g[REG_RDX], half);
        } else {
            g[gpr_of(i->encoded[0].reg.value)] = g[REG_RAX];
        }
    }
    if (form->mnemonic == ZYDIS_MNEMONIC_XLAT)
        g[REG_RBX] = any_address(p, 1, false);
    if (form->mnemonic == ZYDIS_MNEMONIC_MASKMOVDQU)
        g[REG_RDI] = any_address(p, 16, false);
    if (form->mnemonic == ZYDIS_MNEMONIC_POP && i->encoded[0].reg.value == ZYDIS_REGISTER_RSP) {
        uint64_t value = WINDOW_NATIVE + STACK_OFFSET + 0x400 + rng_below(rng, 0x400);
        memcpy(memory_at(t, g[REG_RSP]), &value, 8);
    }
}

static void begin(struct plan *p, struct rng *rng, struct trial *t)
{
    memset(p, 0, sizeof *p);
    p->rng = rng;
    p->t = t;
    ZydisDecoderInit(&p->decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    t->code_size = t->pointer_count = 0;
    t->operand_size = 0;
}

bool snippet_single(struct rng *rng, const struct form *form, struct trial *t)
{
    struct plan p;
    struct instruction i;
    /* Often across a page boundary. */
    t->place = (unsigned)(rng_below(rng, 4) ? rng_below(rng, 0x3000) : 0xFFF - rng_below(rng, 16));
    begin(&p, rng, t);
    snippet_random_state(rng, form->options & FORM_FLOAT, t);
    for (unsigned attempt = 0; attempt < 200; attempt++) {
        if (!try_encode(&p, form, t->code_size, &i))
            continue;
        prepare_state(&p, form, &i);
        append(&p, form, &i);
        if (i.place.used &&
            !(form->options & (FORM_NOT_ACCESSED | FORM_BIT_OFFSET | FORM_MASKED | FORM_STACK))) {
            t->operand = i.place.address;
            for (unsigned k = 0; k < form->operand_count; k++)
                if (form->operands[k].kind == OPERAND_MEMORY)
                    t->operand_size = form->operands[k].size / 8;
        }
        t->flags_mask = (FLAGS_ARITHMETIC | FLAG_DF) & ~p.undefined;
        snippet_finish(t);
        return true;
    }
    return false;
}

/* Two pointers and an index, in registers of every kind of encoding. */
static void choose_registers(struct plan *p)
{
    struct trial *t = p->t;
    p->sequence = true;
    p->pointers = 1u << REG_RSP;
    for (unsigned n = 0; n < 2; n++) {
        unsigned r = any_gpr(p);
        p->pointers |= (uint16_t)(1u << r);
        t->regs.gpr[r] = WINDOW_NATIVE + DATA_OFFSET + 0x800 + rng_below(p->rng, 0x1000);
    }
    unsigned index = any_gpr(p);
    p->indexes = (uint16_t)(1u << index);
    t->regs.gpr[index] = rng_below(p->rng, 256);
}

/* An instruction of a random form without `unwanted` options, to stand at offset `at`. */
static const struct form *choose_instruction(struct plan *p, const struct form *forms, size_t count,
                                             unsigned unwanted, unsigned at, struct instruction *i)
{
    const struct form *form;
    do {
        form = &forms[rng_below(p->rng, count)];
    } while (form->options & (unwanted | FORM_ALONE) ||
             (form->options & FORM_STACK && form->operands[0].fixed) ||
             !try_encode(p, form, at, i));
    return form;
}

void snippet_sequence(struct rng *rng, const struct form *forms, size_t count, struct trial *t)
{
    struct plan p;
    begin(&p, rng, t);
    snippet_random_state(rng, chance(rng, 4), t);
    choose_registers(&p);
    unsigned length = 2 + (unsigned)rng_below(rng, 7);
    for (unsigned n = 0; n < length; n++) {
        struct instruction i;
        unsigned before = p.undefined;
        bool jump = chance(rng, 6) && !p.undefined;
        const struct form *form =
            choose_instruction(&p, forms, count, 0, t->code_size + (jump ? 2 : 0), &i);
        if (jump) {
            uint8_t jcc[2] = {(uint8_t)(0x70 | rng_below(rng, 16)), i.decoded.length};
            add_bytes(t, jcc, 2);
        }
        append(&p, form, &i);
        if (jump)
            p.undefined |= before;
    }
    t->flags_mask = (FLAGS_ARITHMETIC | FLAG_DF) & ~p.undefined;
    snippet_finish(t);
}

/* ---- programs ---- */

#define MAX_BLOCKS 10
#define FUNCTIONS 2
#define COUNTER_OFFSET (PCR_OFFSET + 0xE00) /* backward jumps left */

struct fixup {
    unsigned at;     /* of the 32-bit distance */
    unsigned target; /* block, or MAX_BLOCKS + function */
};

struct program {
    unsigned starts[MAX_BLOCKS + FUNCTIONS];
    struct fixup fixups[64];
    unsigned fixup_count;
    unsigned link; /* the register that holds code addresses */
};

static void add_jump(struct trial *t, struct program *g, const void *opcode, unsigned n,
                     unsigned target)
{
    add_bytes(t, opcode, n);
    RD_ASSERT(g->fixup_count < sizeof g->fixups / sizeof *g->fixups);
    g->fixups[g->fixup_count++] = (struct fixup){t->code_size, target};
    add_bytes(t, "\0\0\0\0", 4);
}

static void add_body(struct plan *p, const struct form *forms, size_t count)
{
    unsigned length = (unsigned)rng_below(p->rng, 5);
    for (unsigned n = 0; n < length; n++) {
        struct instruction i;
        /* No lea: its result could come back as data over a backward jump. */
        append(p,
               choose_instruction(p, forms, count, FORM_STACK | FORM_NOT_ACCESSED, p->t->code_size,
                                  &i),
               &i);
    }
    if (p->undefined) { /* cmp eax, eax: blocks begin with all flags defined */
        add_bytes(p->t, "\x39\xC0", 2);
        p->undefined = 0;
    }
}

/* lea link, [target] */
static void add_link(struct trial *t, struct program *g, unsigned target)
{
    uint8_t lea[3] = {(uint8_t)(0x48 | (g->link >= 8 ? 4 : 0)), 0x8D,
                      (uint8_t)((g->link & 7) << 3 | 5)};
    add_jump(t, g, lea, 3, target);
}

/* FF /extension link */
static void add_indirect(struct trial *t, const struct program *g, unsigned extension)
{
    if (g->link >= 8)
        add_bytes(t, "\x41", 1);
    uint8_t jump[2] = {0xFF, (uint8_t)(0xC0 | extension << 3 | (g->link & 7))};
    add_bytes(t, jump, 2);
}

static void add_terminator(struct plan *p, struct program *g, unsigned block, unsigned blocks)
{
    struct trial *t = p->t;
    unsigned forward = block + 1 + (unsigned)rng_below(p->rng, blocks - block - 1);
    unsigned function = MAX_BLOCKS + (unsigned)rng_below(p->rng, FUNCTIONS);
    uint8_t jcc[2] = {0x0F, (uint8_t)(0x80 | rng_below(p->rng, 16))};
    switch (rng_below(p->rng, 9)) {
    case 0:
    case 1:
    case 2:
        add_jump(t, g, jcc, 2, forward);
        break;
    case 3:
        add_jump(t, g, "\xE9", 1, forward);
        break;
    case 4:
        add_jump(t, g, "\xE8", 1, function);
        break;
    case 5: /* jmp link */
        add_link(t, g, forward);
        add_indirect(t, g, 4);
        break;
    case 6: /* call link */
        add_link(t, g, function);
        add_indirect(t, g, 2);
        break;
    case 7: /* push link; ret */
        add_link(t, g, forward);
        add_indirect(t, g, 6);
        add_bytes(t, "\xC3", 1);
        break;
    default: /* dec dword [counter]; jns backwards */
        add_relative(t, "\xFF\x0D", 2, COUNTER_OFFSET);
        add_jump(t, g, "\x0F\x89", 2, (unsigned)rng_below(p->rng, block + 1));
        break;
    }
}

void snippet_program(struct rng *rng, const struct form *forms, size_t count, struct trial *t)
{
    struct plan p;
    struct program g = {0};
    begin(&p, rng, t);
    snippet_random_state(rng, chance(rng, 4), t);
    choose_registers(&p);
    g.link = any_gpr(&p);
    p.addresses |= (uint16_t)(1u << g.link);
    uint32_t turns = (uint32_t)rng_below(rng, 5);
    memcpy(t->memory + COUNTER_OFFSET - MEMORY_OFFSET, &turns, 4);

    unsigned blocks = 3 + (unsigned)rng_below(rng, MAX_BLOCKS - 2);
    for (unsigned b = 0; b < blocks; b++) {
        g.starts[b] = t->code_size;
        add_body(&p, forms, count);
        if (b + 1 < blocks)
            add_terminator(&p, &g, b, blocks);
    }
    t->flags_mask = FLAGS_ARITHMETIC | FLAG_DF;
    snippet_finish(t);
    for (unsigned f = 0; f < FUNCTIONS; f++) {
        g.starts[MAX_BLOCKS + f] = t->code_size;
        add_bytes(t, "\x53", 1); /* push rbx, a function like any other */
        add_body(&p, forms, count);
        add_bytes(t, "\x5B\xC3", 2);
    }
    for (unsigned i = 0; i < g.fixup_count; i++) {
        uint32_t distance = g.starts[g.fixups[i].target] - (g.fixups[i].at + 4);
        memcpy(t->code + g.fixups[i].at, &distance, 4);
    }
}
