/* Trials of one instruction and of several in a row. */
#include "tests/isa/support/plan.h"

#include <string.h>

#include "base/error.h"

void snippet_finish(struct trial *t)
{
    /* pushfq; pop [rip+...]; push 0; lea rsp, [rsp+8]; jmp: the stack keeps no trace of undefined
     * flags. */
    plan_add_bytes(t, "\x9C", 1);
    plan_add_relative(t, "\x8F\x05", 2, FLAGS_OFFSET);
    plan_add_bytes(t, "\x6A\x00\x48\x8D\x64\x24\x08", 7);
    plan_add_relative(t, "\xE9", 1, EXIT_OFFSET);
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
        int r = plan_gpr_of(i->encoded[1].reg.value);
        uint64_t bits = (uint64_t)((int64_t)rng_below(rng, 8000) - 4000);
        unsigned size = form->operands[1].size;
        g[r] = size == 64   ? bits
               : size == 32 ? (g[r] & ~0xFFFFFFFFull) | (uint32_t)bits
                            : (g[r] & ~0xFFFFull) | (uint16_t)bits;
    }
    if (m->used && m->base >= 0 && m->base < 16 && m->base != REG_RSP)
        g[m->base] = m->address - m->index_value * m->scale - (uint64_t)m->displacement;
    if (form->options & FORM_DIVIDE && !plan_chance(p, 4)) {
        bool high = form->operands[0].size == 8;
        bool negative = form->mnemonic == ZYDIS_MNEMONIC_IDIV && plan_chance(p, 2);
        bool uses_rax = m->used && (m->base == REG_RAX || m->index == REG_RAX);
        bool uses_rdx = m->used && (m->base == REG_RDX || m->index == REG_RDX);
        if (high && !uses_rax)
            g[REG_RAX] = (g[REG_RAX] & ~0xFF80ull) | (negative ? 0xFF80 : 0);
        else if (!high && !uses_rdx)
            g[REG_RDX] = negative ? ~0ull : 0;
    }
    if (form->options & FORM_EQUAL && plan_chance(p, 2)) {
        if (m->used) {
            uint8_t *at = memory_at(t, m->address);
            unsigned n = i->encoded[0].mem.size;
            unsigned half = form->operand_count == 1 ? n / 2 : n;
            memcpy(at, &g[REG_RAX], half);
            if (form->operand_count == 1)
                memcpy(at + half, &g[REG_RDX], half);
        } else {
            g[plan_gpr_of(i->encoded[0].reg.value)] = g[REG_RAX];
        }
    }
    if (form->mnemonic == ZYDIS_MNEMONIC_XLAT)
        g[REG_RBX] = plan_any_address(p, 1, false);
    if (form->mnemonic == ZYDIS_MNEMONIC_MASKMOVDQU)
        g[REG_RDI] = plan_any_address(p, 16, false);
    if (form->mnemonic == ZYDIS_MNEMONIC_POP && i->encoded[0].reg.value == ZYDIS_REGISTER_RSP) {
        uint64_t value = WINDOW_NATIVE + STACK_OFFSET + 0x400 + rng_below(rng, 0x400);
        memcpy(memory_at(t, g[REG_RSP]), &value, 8);
    }
}

bool snippet_single(struct rng *rng, const struct form *form, struct trial *t)
{
    struct plan p;
    struct instruction i;
    /* Often across a page boundary. */
    t->place = (unsigned)(rng_below(rng, 4) ? rng_below(rng, 0x3000) : 0xFFF - rng_below(rng, 16));
    plan_begin(&p, rng, t);
    snippet_random_state(rng, form->options & FORM_FLOAT, t);
    for (unsigned attempt = 0; attempt < 200; attempt++) {
        if (!plan_encode(&p, form, t->code_size, &i))
            continue;
        prepare_state(&p, form, &i);
        plan_append(&p, form, &i);
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
void snippet_sequence(struct rng *rng, const struct form *forms, size_t count, struct trial *t)
{
    struct plan p;
    plan_begin(&p, rng, t);
    snippet_random_state(rng, plan_chance(&p, 4), t);
    plan_choose_registers(&p);
    unsigned length = 2 + (unsigned)rng_below(rng, 7);
    for (unsigned n = 0; n < length; n++) {
        struct instruction i;
        unsigned before = p.undefined;
        bool jump = plan_chance(&p, 6) && !p.undefined;
        const struct form *form =
            plan_choose(&p, forms, count, 0, t->code_size + (jump ? 2 : 0), &i);
        if (jump) {
            uint8_t jcc[2] = {(uint8_t)(0x70 | rng_below(rng, 16)), i.decoded.length};
            plan_add_bytes(t, jcc, 2);
        }
        plan_append(&p, form, &i);
        if (jump)
            p.undefined |= before;
    }
    t->flags_mask = (FLAGS_ARITHMETIC | FLAG_DF) & ~p.undefined;
    snippet_finish(t);
}
