/*
 * The encoder, and sites. All addressing goes through emit_op, so REX, SIB and displacement rules
 * are written down once.
 */
#include "machine/dbt/emit.h"

#include <string.h>

unsigned instructions_from(const struct translation *t, unsigned at)
{
    unsigned n = 0;
    for (unsigned k = at; k < t->count; k++)
        n += t->insns[k].length > 0;
    return n;
}

void emit8(struct translation *t, unsigned v)
{
    *t->p++ = (uint8_t)v;
}

void emit32(struct translation *t, uint32_t v)
{
    memcpy(t->p, &v, 4);
    t->p += 4;
}

void emit64(struct translation *t, uint64_t v)
{
    memcpy(t->p, &v, 8);
    t->p += 8;
}

static void emit_modrm(struct translation *t, int reg, struct host_mem m)
{
    int r = (reg & 7) << 3;
    int scale = m.scale == 8 ? 3 : m.scale == 4 ? 2 : m.scale == 2 ? 1 : 0;
    if (m.base == NO_REG) { /* disp32 with a SIB byte: without one it would mean RIP-relative */
        emit8(t, (unsigned)(r | 4));
        emit8(t, (unsigned)(scale << 6 | (m.index == NO_REG ? 4 : m.index & 7) << 3 | 5));
        emit32(t, (uint32_t)m.disp);
        return;
    }
    int mod = m.disp == 0 && (m.base & 7) != REG_RBP ? 0 : m.disp >= -128 && m.disp < 128 ? 1 : 2;
    if (m.index != NO_REG || (m.base & 7) == REG_RSP) {
        emit8(t, (unsigned)(mod << 6 | r | 4));
        emit8(t,
              (unsigned)(scale << 6 | (m.index == NO_REG ? 4 : m.index & 7) << 3 | (m.base & 7)));
    } else {
        emit8(t, (unsigned)(mod << 6 | r | (m.base & 7)));
    }
    if (mod == 1)
        emit8(t, (unsigned)m.disp & 0xFF);
    else if (mod == 2)
        emit32(t, (uint32_t)m.disp);
}

static void emit_opcode(struct translation *t, unsigned opcode)
{
    if (opcode > 0xFF)
        emit8(t, opcode >> 8);
    emit8(t, opcode & 0xFF);
}

void emit_op(struct translation *t, int width, unsigned opcode, int reg, struct host_mem m)
{
    if (m.gs)
        emit8(t, 0x65);
    if (width == 2)
        emit8(t, 0x66);
    int rex =
        (width == 8 ? 8 : 0) | (reg >= 8 ? 4 : 0) | (m.index >= 8 ? 2 : 0) | (m.base >= 8 ? 1 : 0);
    if (rex || (width == 1 && reg >= 4))
        emit8(t, (unsigned)(0x40 | rex));
    emit_opcode(t, opcode);
    emit_modrm(t, reg, m);
}

void emit_op_reg(struct translation *t, int width, unsigned opcode, int reg, int rm)
{
    if (width == 2)
        emit8(t, 0x66);
    int rex = (width == 8 ? 8 : 0) | (reg >= 8 ? 4 : 0) | (rm >= 8 ? 1 : 0);
    if (rex || (width == 1 && (reg >= 4 || rm >= 4)))
        emit8(t, (unsigned)(0x40 | rex));
    emit_opcode(t, opcode);
    emit8(t, (unsigned)(0xC0 | (reg & 7) << 3 | (rm & 7)));
}

void emit_load(struct translation *t, int reg, struct host_mem m)
{
    emit_op(t, 8, 0x8B, reg, m);
}

void emit_store(struct translation *t, struct host_mem m, int reg)
{
    emit_op(t, 8, 0x89, reg, m);
}

void emit_lea(struct translation *t, int reg, struct host_mem m)
{
    m.gs = false;
    emit_op(t, 8, 0x8D, reg, m);
}

void emit_set32(struct translation *t, struct host_mem m, uint32_t v)
{
    emit_op(t, 4, 0xC7, 0, m);
    emit32(t, v);
}

void emit_constant(struct translation *t, int reg, uint64_t v)
{
    if (v <= 0xFFFFFFFFu) {
        if (reg >= 8)
            emit8(t, 0x41);
        emit8(t, 0xB8u | (unsigned)(reg & 7));
        emit32(t, (uint32_t)v);
    } else if ((int64_t)v == (int32_t)v) {
        emit_op_reg(t, 8, 0xC7, 0, reg);
        emit32(t, (uint32_t)v);
    } else {
        emit8(t, 0x48u | (reg >= 8));
        emit8(t, 0xB8u | (unsigned)(reg & 7));
        emit64(t, v);
    }
}

void emit_sar(struct translation *t, int reg, int count)
{
    emit_op_reg(t, 8, 0xC1, 7, reg);
    emit8(t, (unsigned)count);
}

uint8_t *emit_branch(struct translation *t, int cc)
{
    if (cc < 0) {
        emit8(t, 0xE9);
    } else {
        emit8(t, 0x0F);
        emit8(t, 0x80u | (unsigned)cc);
    }
    uint8_t *at = t->p;
    emit32(t, 0);
    return at;
}

void patch_branch(uint8_t *rel32, const uint8_t *to)
{
    int32_t d = (int32_t)(to - (rel32 + 4));
    memcpy(rel32, &d, 4);
}

void emit_jump_to(struct translation *t, int cc, const uint8_t *to)
{
    uint8_t *at = emit_branch(t, cc);
    patch_branch(at, to);
}

void emit_leave(struct translation *t, uint32_t site, uint32_t stub)
{
    emit_set32(t, AT_CTX(site), site);
    emit_op(t, 4, 0xFF, 4, ABSOLUTE(stub));
}

void cold_begin(struct translation *t)
{
    RD_ASSERT(!t->in_cold);
    t->parked = t->p;
    t->p = t->d->cold;
    t->in_cold = true;
}

void cold_end(struct translation *t)
{
    RD_ASSERT(t->in_cold);
    t->d->cold = t->p;
    t->p = t->parked;
    t->in_cold = false;
}

enum flags_state flags_now(const struct translation *t)
{
    if (!(t->insns[t->at].live & MASK_FLAGS))
        return FLAGS_DEAD;
    return t->flags_saved ? FLAGS_SAVED : FLAGS_HOST;
}

uint16_t rflags_of(uint32_t m)
{
    return (uint16_t)((m & FLAG_CF ? 1 : 0) | (m & FLAG_PF ? 4 : 0) | (m & FLAG_AF ? 0x10 : 0) |
                      (m & FLAG_ZF ? 0x40 : 0) | (m & FLAG_SF ? 0x80 : 0) |
                      (m & FLAG_OF ? 0x800 : 0));
}

uint32_t site_new(struct translation *t, enum site_kind kind, enum flags_state flags)
{
    const struct insn *x = &t->insns[t->at];
    struct site s = {
        .pc = x->pc,
        .target = x->target,
        .m = x->m,
        .imm = x->imm,
        .block = t->block,
        .merge_lo = x->merge_lo,
        .merge_hi = x->merge_hi,
        .left = (uint16_t)instructions_from(t, t->at),
        .mnemonic = x->mnemonic,
        .kind = (uint8_t)kind,
        .action = x->action,
        .flags = (uint8_t)flags,
        .size = x->size ? x->size : x->odd_size,
        .length = x->length,
        .width = x->width,
        .rep = x->rep,
        .live_flags = rflags_of(x->live),
        .reg = x->reg,
        .lent = (int8_t)t->lent,
        .write = x->writes,
        .in_indirect = t->in_indirect,
        .merged = t->variant == VARIANT_NORMAL,
        .bit_index = x->bit_index,
        .checks_shadow = (t->features & DBT_SHADOW) && !x->shadow_done,
    };
    vec_push(&t->d->sites, s);
    return (uint32_t)t->d->sites.count - 1;
}

void fault_here(struct translation *t, uint32_t site)
{
    struct host_fault f = {(uint32_t)((uint64_t)t->p - CODE_BASE), site};
    if (t->in_cold)
        vec_push(&t->d->cold_faults, f);
    else
        vec_push(&t->d->hot_faults, f);
}
