/*
 * Straight-line instructions. Most are copied byte for byte behind a GS prefix. Rewritten are those
 * that cannot take one: stack operations (their memory operand is implicit), RIP-relative operands
 * (the distance changes; they go to the host alias of the address, which the code cache is near
 * enough to reach), and the guest's own GS accesses (their base is the virtual processor's, so the
 * address is computed into a lent register and the operand's ModRM bytes are replaced).
 *
 * Nothing is left half done at a fault: the memory access comes first, rsp moves after it.
 */
#include "machine/dbt/emit.h"

#include <string.h>

static bool is_segment_prefix(uint8_t b)
{
    return b == 0x2E || b == 0x36 || b == 0x3E || b == 0x26 || b == 0x64 || b == 0x65;
}

static void copy_bytes(struct translation *t, const uint8_t *from, unsigned n)
{
    memcpy(t->p, from, n);
    t->p += n;
}

/* The instruction as it is, with its ignored segment prefixes dropped and GS in front. */
static void copy_with_gs(struct translation *t, const struct insn *x)
{
    emit8(t, 0x65);
    for (unsigned k = 0; k < x->prefixes; k++)
        if (!is_segment_prefix(x->bytes[k]))
            emit8(t, x->bytes[k]);
    copy_bytes(t, x->bytes + x->prefixes, x->length - x->prefixes);
}

static void copy_rip_relative(struct translation *t, const struct insn *x)
{
    uint8_t *at = t->p + x->disp_at;
    copy_bytes(t, x->bytes, x->length);
    int64_t distance = x->m.disp + (int64_t)RD_HOST_DELTA - (int64_t)(uintptr_t)t->p;
    RD_ASSERT(distance == (int32_t)distance && x->disp_size == 4);
    int32_t d = (int32_t)distance;
    memcpy(at, &d, 4);
}

/* The instruction with its memory operand replaced by gs:[reg], reg one of the low eight. */
static void copy_with_base(struct translation *t, const struct insn *x, int reg)
{
    RD_ASSERT(reg < 8 && reg != REG_RSP && reg != REG_RBP && x->modrm_at);
    emit8(t, 0x65);
    for (unsigned k = 0; k < x->prefixes; k++)
        if (!is_segment_prefix(x->bytes[k]) && x->bytes[k] != 0x67)
            emit8(t, x->bytes[k]);
    uint8_t *start = t->p;
    copy_bytes(t, x->bytes + x->prefixes, (unsigned)(x->modrm_at - x->prefixes));
    if ((*start & 0xF0) == 0x40 && t->p - start > 1)
        *start &= (uint8_t)~3u; /* REX: no extension of index and base */
    else if (*start == 0xC4)
        start[1] |= 0x60; /* VEX, where they are inverted */
    emit8(t, (unsigned)((x->bytes[x->modrm_at] & 0x38) | reg));
    unsigned tail = x->modrm_at + 1u;
    if (x->sib_at)
        tail = x->sib_at + 1u;
    if (x->disp_size)
        tail = x->disp_at + (unsigned)x->disp_size;
    copy_bytes(t, x->bytes + tail, x->length - tail);
}

static uint32_t operand_regs(const struct insn *x)
{
    return x->use | (x->m.base != NO_REG ? BIT(x->m.base) : 0) |
           (x->m.index != NO_REG ? BIT(x->m.index) : 0);
}

static void emit_copy(struct translation *t, struct insn *x)
{
    if (!x->has_mem) {
        if (x->faults)
            fault_here(t, site_new(t, SITE_FAULT, flags_now(t)));
        copy_bytes(t, x->bytes, x->length);
        return;
    }
    int reg = NO_REG;
    if (x->m.pcr || x->m.wide) {
        reg = scratch_take(t, operand_regs(x) | 0xFF00u | BIT(REG_RBP));
        emit_address(t, reg, &x->m);
    }
    fault_here(t, site_new(t, SITE_FAULT, flags_now(t)));
    if (reg != NO_REG)
        copy_with_base(t, x, reg);
    else if (x->m.fixed)
        copy_rip_relative(t, x);
    else
        copy_with_gs(t, x);
}

/* mov reg <-> the 64-bit memory operand of x. `address` is a scratch register for addresses that
 * must be computed, not part of the operand; for loads it may be reg. */
void emit_guest_move(struct translation *t, int reg, int address, struct insn *x, bool store)
{
    unsigned opcode = store ? 0x89 : 0x8B;
    uint32_t site;
    if (x->m.fixed && !x->m.wide) {
        site = site_new(t, SITE_FAULT, flags_now(t));
        fault_here(t, site);
        emit8(t, 0x48u | (reg >= 8 ? 4 : 0));
        emit8(t, opcode);
        emit8(t, 5u | (unsigned)(reg & 7) << 3);
        int64_t distance = x->m.disp + (int64_t)RD_HOST_DELTA - (int64_t)(uintptr_t)(t->p + 4);
        RD_ASSERT(distance == (int32_t)distance);
        emit32(t, (uint32_t)distance);
        return;
    }
    struct host_mem m = {x->m.base, x->m.index, x->m.scale, (int32_t)x->m.disp, true};
    if (x->m.wide || x->m.pcr || x->m.low) {
        RD_ASSERT(!store);
        emit_address(t, address, &x->m);
        m = AT_GUEST(address, 0);
    }
    site = site_new(t, SITE_FAULT, flags_now(t));
    fault_here(t, site);
    emit_op(t, 8, opcode, reg, m);
}

/* A fault site for the eight stack bytes at disp from rsp. */
void stack_fault_here(struct translation *t, int32_t disp, bool write)
{
    uint32_t site = site_new(t, SITE_FAULT, flags_now(t));
    struct site *s = &t->d->sites.data[site];
    s->m = (struct mem){.base = REG_RSP, .index = NO_REG, .scale = 1, .disp = disp};
    s->size = 8;
    s->write = write;
    fault_here(t, site);
}

static void emit_moffs(struct translation *t, struct insn *x)
{
    uint8_t opcode = x->bytes[x->prefixes];
    if ((opcode & 0xF0) == 0x40)
        opcode = x->bytes[x->prefixes + 1];
    static const unsigned as_modrm[4] = {0x8A, 0x8B, 0x88, 0x89};
    int reg = scratch_take(t, x->use | BIT(REG_RAX));
    emit_address(t, reg, &x->m);
    fault_here(t, site_new(t, SITE_FAULT, flags_now(t)));
    emit_op(t, opcode & 1 ? x->width : 1, as_modrm[opcode & 3], REG_RAX, AT_GUEST(reg, 0));
}

void emit_plain(struct translation *t, struct insn *x)
{
    int r;
    switch (x->op) {
    case OP_COPY:
        emit_copy(t, x);
        break;
    case OP_NOP:
        break;
    case OP_LEA_RIP:
        r = __builtin_ctz(x->kill & MASK_GPRS);
        if (x->width == 2) { /* mov r16, imm16 */
            emit8(t, 0x66);
            if (r >= 8)
                emit8(t, 0x41);
            emit8(t, 0xB8u | (unsigned)(r & 7));
            emit8(t, (unsigned)x->m.disp & 0xFF);
            emit8(t, (unsigned)(x->m.disp >> 8) & 0xFF);
        } else {
            emit_constant(t, r, x->width == 4 ? (uint32_t)x->m.disp : (uint64_t)x->m.disp);
        }
        break;
    case OP_MOFFS:
        emit_moffs(t, x);
        break;
    case OP_PUSH_REG:
        stack_fault_here(t, -8, true);
        emit_store(t, AT_GUEST(REG_RSP, -8), x->reg);
        emit_lea(t, REG_RSP, AT_REG(REG_RSP, -8));
        break;
    case OP_PUSH_IMM:
        stack_fault_here(t, -8, true);
        emit_op(t, 8, 0xC7, 0, AT_GUEST(REG_RSP, -8));
        emit32(t, (uint32_t)x->imm);
        emit_lea(t, REG_RSP, AT_REG(REG_RSP, -8));
        break;
    case OP_PUSH_MEM:
        r = scratch_take(t, operand_regs(x));
        emit_guest_move(t, r, r, x, false);
        stack_fault_here(t, -8, true);
        emit_store(t, AT_GUEST(REG_RSP, -8), r);
        emit_lea(t, REG_RSP, AT_REG(REG_RSP, -8));
        break;
    case OP_POP_REG:
        stack_fault_here(t, 0, false);
        emit_load(t, x->reg, AT_GUEST(REG_RSP, 0));
        if (x->reg != REG_RSP)
            emit_lea(t, REG_RSP, AT_REG(REG_RSP, 8));
        break;
    case OP_POP_MEM:
        r = scratch_take(t, operand_regs(x));
        stack_fault_here(t, 0, false);
        emit_load(t, r, AT_GUEST(REG_RSP, 0));
        emit_guest_move(t, r, NO_REG, x, true);
        emit_lea(t, REG_RSP, AT_REG(REG_RSP, 8));
        break;
    case OP_LEAVE:
        r = scratch_take(t, x->use | BIT(REG_RBP));
        emit_guest_move(t, r, r, x, false);
        emit_lea(t, REG_RSP, AT_REG(REG_RBP, 8));
        emit_op_reg(t, 8, 0x89, r, REG_RBP);
        break;
    case OP_STD:
        emit_set32(t, AT_CTX(df), 0x400);
        break;
    case OP_CLD:
        emit_set32(t, AT_CTX(df), 0);
        break;
    case OP_READ_CR8:
        emit_op(t, 4, 0x0FB6, x->reg, AT_CTX(irql));
        break;
    default:
        RD_ASSERT(!"not a straight-line instruction");
    }
}
