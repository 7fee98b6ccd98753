/*
 * Checks, on a scenario with real drivers, what the reduction takes for granted (explore/internal.h): two steps that are
 * enabled in one state and do not conflict there touch the same in either order, enable the same, and lead to the same
 * memory. Walks at random, and in each state tries every pair of enabled agents in both orders.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/vec.h"
#include "cli/cli.h"
#include "explore/internal.h"
#include "machine/arena_internal.h"

#define MAX_STEPS 4000
#define MAX_TOLD 20

int cli_fail(const struct error *e)
{
    fprintf(stderr, "%s\n", e->text);
    return (int)e->kind;
}

static uint32_t answer(void *context, unsigned agent, uint32_t kind, uint32_t count)
{
    (void)context;
    (void)agent;
    (void)kind;
    (void)count;
    return 0;
}

static const struct decider decider = {.choose = answer};

/* A step from the present state. */
struct done {
    bool possible;
    enum machine_stop stop;
    struct footprint footprint;
    gva_t pc;
};

/* All footprints since the last forget(). */
static VEC(struct footprint) taken;

static void forget(void)
{
    while (taken.count > 0)
        footprint_free(&taken.data[--taken.count]);
}

static struct done take(struct machine *m, unsigned agent)
{
    struct done d = {.possible = machine_enabled(m) & AGENT_BIT(agent)};
    if (!d.possible)
        return d;
    machine_set_decider(m, &decider);
    struct step_result r = machine_step(m, agent);
    d.stop = r.stop;
    d.pc = r.pc;
    d.footprint = footprint_copy(r.footprint, r.footprint_count);
    vec_push(&taken, d.footprint);
    return d;
}

struct page {
    gva_t address;
    uint8_t bytes[RD_PAGE];
};
static VEC(struct page) pages;

static void remember(void)
{
    pages.count = 0;
    for (unsigned i = 0; i < ARENA_RANGES; i++) {
        const struct arena_range *r = &arena_ranges[i];
        for (gva_t p = r->base; p < r->base + r->size; p += RD_PAGE)
            if (!(p >= ARENA_PRIVATE_BASE && p < ARENA_PRIVATE_BASE + ARENA_PRIVATE_SIZE) &&
                (arena_snapshot_touched(p) || *arena_dirty(p) != 0)) {
                vec_reserve(&pages, pages.count + 1);
                pages.data[pages.count].address = p;
                memcpy(pages.data[pages.count++].bytes, arena_host(p), RD_PAGE);
            }
    }
}

/* The first word that is not as remembered; 0: none. */
static gva_t differs(void)
{
    for (size_t i = 0; i < pages.count; i++)
        for (unsigned o = 0; o < RD_PAGE; o += 8)
            if (memcmp(pages.data[i].bytes + o, arena_host(pages.data[i].address + o), 8) != 0 &&
                *arena_shadow(pages.data[i].address + o) != RD_SHADOW_POOL_LEFT) /* the machine's number of the block */
                return pages.data[i].address + o;
    return 0;
}

static bool same(const struct footprint *a, const struct footprint *b, uint64_t *key)
{
    for (unsigned i = 0; i < a->count || i < b->count; i++) {
        if (i < a->count && i < b->count && a->data[i].key == b->data[i].key && a->data[i].access == b->data[i].access)
            continue;
        *key = i < a->count && (i >= b->count || a->data[i].key <= b->data[i].key) ? a->data[i].key : b->data[i].key;
        return false;
    }
    return true;
}

static unsigned told, pairs, commuting;

static void where(struct machine *m, gva_t a, char *out, size_t size)
{
    struct machine_pool_block block;
    const struct machine_image *image = machine_image_at(m, a);
    if (image != NULL)
        snprintf(out, size, "%s+%#llx", image->name, (unsigned long long)(a - image->base));
    else if (machine_pool_block(m, a, &block))
        snprintf(out, size, "%#llx (pool %.4s+%#llx)", (unsigned long long)a, (const char *)&block.tag,
                 (unsigned long long)(a - block.address));
    else
        snprintf(out, size, "%#llx", (unsigned long long)a);
}

static void tell(struct machine *m, const char *what, uint64_t at, gva_t a, gva_t b)
{
    char text[3][100];
    if (told++ >= MAX_TOLD)
        return;
    where(m, at >> 60 == 4 ? at : at << 3, text[0], sizeof text[0]);
    where(m, a, text[1], sizeof text[1]);
    where(m, b, text[2], sizeof text[2]);
    printf("# %s %s: steps that end at %s and %s\n", what, text[0], text[1], text[2]);
}

static void try_pair(struct machine *m, unsigned a, unsigned b)
{
    unsigned depth = machine_push(m);
    struct done first = take(m, a);
    uint64_t key = 0;
    machine_restore(m, depth);
    struct done second = take(m, b);
    pairs++;
    if (first.stop == STOP_NONE && second.stop == STOP_NONE &&
        !footprint_conflict(&first.footprint, &second.footprint)) {
        struct done last = take(m, a);
        uint64_t enabled = machine_enabled(m);
        remember();
        machine_restore(m, depth);
        take(m, a);
        struct done other = take(m, b);
        commuting++;
        if (!last.possible || !other.possible)
            tell(m, "one disables the other", 0, first.pc, second.pc);
        else if (!same(&first.footprint, &last.footprint, &key) || !same(&second.footprint, &other.footprint, &key))
            tell(m, "touches other things:", key, first.pc, second.pc);
        else if (enabled != machine_enabled(m))
            tell(m, "enables others", 0, first.pc, second.pc);
        else if (differs() != 0)
            tell(m, "memory differs:", differs() >> 3 & ~(15ull << 60), first.pc, second.pc);
    }
    machine_restore(m, depth);
    machine_drop(m, depth);
    forget();
}

static void walk(struct machine *m, struct rng *rng)
{
    for (unsigned n = 0; n < MAX_STEPS; n++) {
        uint64_t enabled = machine_enabled(m);
        unsigned agents[64], count = 0;
        for (uint64_t rest = enabled; rest != 0; rest &= rest - 1)
            agents[count++] = (unsigned)__builtin_ctzll(rest);
        if (count == 0)
            return;
        for (unsigned i = 0; i < count; i++)
            for (unsigned j = i + 1; j < count; j++)
                try_pair(m, agents[i], agents[j]);
        if (take(m, agents[rng_below(rng, count)]).stop != STOP_NONE)
            return;
    }
}

int main(int argc, char **argv)
{
    struct session s = {0};
    struct options o = {.preemptions = -1, .faults = -1};
    struct error e = {0};
    struct rng rng = {.state = 1};
    if (argc != 3) {
        fprintf(stderr, "usage: commute SCENARIO.lua WALKS\n");
        return 2;
    }
    if (!session_open(&s, &o, &argv[1], 1, &e) || !session_boot(&s, NULL, &e))
        return cli_fail(&e);
    machine_set_sharing(s.machine, true);
    struct subject subject = explore_machine(s.machine);
    struct explore_options options = {.strategy = "dpor", .max_steps = MAX_STEPS, .seconds = 20, .all = true};
    struct explore_result r;
    unsigned root = machine_push(s.machine);
    if (!explore_run(&subject, &options, &r, &e))
        return cli_fail(&e);
    explore_free(&r);
    for (int i = 0; i < atoi(argv[2]); i++) {
        machine_restore(s.machine, root);
        machine_begin_execution(s.machine);
        walk(s.machine, &rng);
    }
    printf("# %u pairs, %u of them commute\n", pairs, commuting);
    printf("1..1\n%s 1 - steps_without_a_conflict_commute (%s: %u do not)\n", told == 0 ? "ok" : "not ok", argv[1], told);
    forget();
    vec_free(&taken);
    vec_free(&pages);
    session_close(&s);
    return told != 0;
}
