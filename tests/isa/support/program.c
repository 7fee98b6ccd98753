/* Random programs of several blocks. Forward jumps end them; backward ones share one counter in
 * memory. */
#include "tests/isa/support/plan.h"

#include <string.h>

#include "base/error.h"

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
    plan_add_bytes(t, opcode, n);
    RD_ASSERT(g->fixup_count < sizeof g->fixups / sizeof *g->fixups);
    g->fixups[g->fixup_count++] = (struct fixup){t->code_size, target};
    plan_add_bytes(t, "\0\0\0\0", 4);
}

static void add_body(struct plan *p, const struct form *forms, size_t count)
{
    unsigned length = (unsigned)rng_below(p->rng, 5);
    for (unsigned n = 0; n < length; n++) {
        struct instruction i;
        /* No lea: its result could come back as data over a backward jump. */
        plan_append(
            p, plan_choose(p, forms, count, FORM_STACK | FORM_NOT_ACCESSED, p->t->code_size, &i),
            &i);
    }
    if (p->undefined) { /* cmp eax, eax: blocks begin with all flags defined */
        plan_add_bytes(p->t, "\x39\xC0", 2);
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
        plan_add_bytes(t, "\x41", 1);
    uint8_t jump[2] = {0xFF, (uint8_t)(0xC0 | extension << 3 | (g->link & 7))};
    plan_add_bytes(t, jump, 2);
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
        plan_add_bytes(t, "\xC3", 1);
        break;
    default: /* dec dword [counter]; jns backwards */
        plan_add_relative(t, "\xFF\x0D", 2, COUNTER_OFFSET);
        add_jump(t, g, "\x0F\x89", 2, (unsigned)rng_below(p->rng, block + 1));
        break;
    }
}

void snippet_program(struct rng *rng, const struct form *forms, size_t count, struct trial *t)
{
    struct plan p;
    struct program g = {0};
    plan_begin(&p, rng, t);
    snippet_random_state(rng, plan_chance(&p, 4), t);
    plan_choose_registers(&p);
    g.link = plan_any_gpr(&p);
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
        plan_add_bytes(t, "\x53", 1); /* push rbx, a function like any other */
        add_body(&p, forms, count);
        plan_add_bytes(t, "\x5B\xC3", 2);
    }
    for (unsigned i = 0; i < g.fixup_count; i++) {
        uint32_t distance = g.starts[g.fixups[i].target] - (g.fixups[i].at + 4);
        memcpy(t->code + g.fixups[i].at, &distance, 4);
    }
}
