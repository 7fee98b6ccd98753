/* The guest side of the tests. Share cells follow the rules of docs/architecture.md for one
 * processor number; the callback keeps to general registers, as the translator demands. */
#include "tests/isa/support/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/shadow.h"

struct world world;

static struct code_range find_code(void *context, gva_t pc)
{
    (void)context;
    for (unsigned i = 0; i < world.range_count; i++)
        if (pc >= world.ranges[i].start && pc < world.ranges[i].end)
            return world.ranges[i];
    return (struct code_range){.start = pc, .end = pc + 1, .class = CODE_NONE, .image = 0};
}

/* Claims untouched granules, upgrades the own ones, makes foreign ones pending; stops at shared
 * ones. */
static bool __attribute__((target("general-regs-only"), optimize("no-tree-vectorize")))
share(void *context, gva_t address, uint32_t size, bool write, enum code_class class)
{
    (void)context;
    if (world.share_count < WORLD_MAX_SHARES) {
        struct world_share *s = &world.shares[world.share_count];
        s->address = address;
        s->size = size;
        s->write = write;
        s->class = class;
    }
    world.share_count++;
    uint8_t self = (uint8_t)(world.cpu.number + 1);
    bool stop = false;
    for (gva_t granule = address & ~7ull; granule < address + size; granule += 8) {
        uint8_t *cell = arena_share(granule);
        if (*cell == SHARE_SHARED)
            stop = true;
        else if (*cell == SHARE_UNTOUCHED || *cell == self || *cell == (self | SHARE_WRITTEN))
            *cell = (uint8_t)(write ? self | SHARE_WRITTEN : *cell ? *cell : self);
        else if (*cell != SHARE_PENDING)
            *cell = write || (*cell & SHARE_WRITTEN && *cell != SHARE_READ_MANY) ? SHARE_PENDING
                                                                                 : SHARE_READ_MANY;
    }
    return stop && class == CODE_DRIVER;
}

void world_default_ranges(void)
{
    world.ranges[0] = (struct code_range){.start = world_guest(CODE_OFFSET),
                                          .end = world_guest(CODE_OFFSET + CODE_SIZE),
                                          .class = CODE_DRIVER,
                                          .image = 1};
    world.ranges[1] = (struct code_range){.start = world_guest(EXIT_OFFSET),
                                          .end = world_guest(EXIT_OFFSET + EXIT_SIZE),
                                          .class = CODE_KERNEL,
                                          .image = 0};
    world.range_count = 2;
    dbt_invalidate(world.dbt, WINDOW_GUEST, WINDOW_GUEST + WINDOW_SIZE);
}

void world_set_class(enum code_class class, uint32_t image)
{
    world.ranges[0].class = class;
    world.ranges[0].image = image;
    dbt_invalidate(world.dbt, world_guest(CODE_OFFSET), world_guest(CODE_OFFSET + CODE_SIZE));
}

void world_open(unsigned features)
{
    struct error e = {0};
    static const struct dbt_callbacks callbacks = {.code = find_code, .share = share};
    if (!arena_create(&e) || !(world.dbt = dbt_create(&callbacks, &world, features, &e))) {
        printf("Bail out! %s\n", e.text);
        exit(1);
    }
    world.features = features;
    arena_set_shadow(WINDOW_GUEST, CODE_SIZE + EXIT_SIZE, RD_SHADOW_VALID);
    arena_set_shadow(world_guest(DATA_OFFSET), DATA_SIZE, RD_SHADOW_VALID);
    arena_set_shadow(world_guest(STACK_OFFSET), STACK_SIZE, RD_SHADOW_STACK);
    arena_set_shadow(world_guest(PCR_OFFSET), PCR_SIZE, RD_SHADOW_VALID);
    world_default_ranges();
    dbt_set_agent(world.dbt, 1);
}

void world_close(void)
{
    dbt_destroy(world.dbt);
    arena_destroy();
}

void world_set_features(unsigned features)
{
    if (world.features != features)
        dbt_set_features(world.dbt, features);
    world.features = features;
}

void world_write_code(uint32_t offset, const void *bytes, unsigned size)
{
    memcpy(world_host(offset), bytes, size);
    dbt_invalidate(world.dbt, world_guest(offset), world_guest(offset) + size);
}

void world_reset_cpu(uint32_t entry)
{
    memset(&world.cpu, 0, sizeof world.cpu);
    world.cpu.regs.rip = world_guest(entry);
    world.cpu.regs.rflags = 0x202;
    world.cpu.regs.mxcsr = 0x1F80;
    world.cpu.regs.gpr[REG_RSP] = world_guest(STACK_OFFSET + STACK_SIZE - 0x100);
    world.cpu.pcr = world_guest(PCR_OFFSET);
    world.cpu.state = VCPU_RUNNING;
}

void world_load_regs(const struct vcpu_regs *regs)
{
    gva_t rip = world.cpu.regs.rip;
    world.cpu.regs = *regs;
    world.cpu.regs.rip = rip;
    world.cpu.regs.rflags |= 0x202;
    for (unsigned i = 0; i < 16; i++)
        world.cpu.regs.gpr[i] = window_to_guest(regs->gpr[i]);
}

void world_start(const void *bytes, unsigned size)
{
    world_write_code(CODE_OFFSET, bytes, size);
    world_reset_cpu(CODE_OFFSET);
    for (unsigned i = 0; i < 16; i++)
        if (i != REG_RSP)
            world.cpu.regs.gpr[i] = world_mark(i);
}

/* One instruction at a time, until something other than that happens or the exit page is reached.
 */
static struct dbt_exit run_stepwise(void)
{
    for (unsigned n = 0; n < 100000; n++) {
        struct dbt_exit x = dbt_run_one(world.dbt, &world.cpu);
        if (x.reason != DBT_ONE)
            return x;
        gva_t offset = world.cpu.regs.rip - WINDOW_GUEST;
        if (offset >= EXIT_OFFSET && offset < EXIT_OFFSET + EXIT_SIZE)
            return (struct dbt_exit){.reason = DBT_CROSS};
    }
    return (struct dbt_exit){.reason = DBT_BUDGET};
}

/* A budget of one to four instructions at a time. */
static struct dbt_exit run_pieces(void)
{
    struct dbt_exit x = {0};
    for (unsigned n = 0; n < 100000; n++) {
        x = dbt_run(world.dbt, &world.cpu, world.cpu.retired + 1 + n % 4);
        if (x.reason != DBT_BUDGET)
            break;
    }
    return x;
}

static bool any_shared(gva_t address, uint32_t size)
{
    for (gva_t granule = address & ~7ull; granule < address + size; granule += 8)
        if (*arena_share(granule) == SHARE_SHARED)
            return true;
    return false;
}

/* As the machine runs driver code: each stop before a shared access is followed by that one
 * instruction. */
static struct dbt_exit run_shared(void)
{
    struct dbt_exit x = {0};
    for (unsigned n = 0; n < 100000; n++) {
        x = world_run();
        if (x.reason != DBT_SHARED || !any_shared(x.address, x.size))
            break;
        if (world.stops < WORLD_MAX_SHARES)
            world.stopped[world.stops] =
                (struct world_share){x.address, x.size, x.write, CODE_DRIVER};
        world.stops++;
        x = dbt_run_one(world.dbt, &world.cpu);
        if (x.reason != DBT_ONE)
            break;
    }
    return x;
}

/* Shadow codes that depend on the trial alone: freed, zones, partly valid, dead stack. */
static void set_poison(const struct trial *t)
{
    static const uint8_t codes[] = {
        RD_SHADOW_POOL_FREED, RD_SHADOW_POOL_RIGHT, RD_SHADOW_STACK, 1, 2, 4, 7};
    uint64_t pattern = t->regs.gpr[REG_RDX] ^ t->regs.gpr[REG_R8] ^ t->code[0];
    for (uint32_t i = 0; i < DATA_SIZE; i += 8) {
        pattern = pattern * 6364136223846793005ull + 1442695040888963407ull;
        if ((pattern >> 33) % 10 == 0)
            *arena_shadow(world_guest(DATA_OFFSET + i)) = codes[(pattern >> 48) % sizeof codes];
    }
}

/* A pattern that depends on the trial alone. */
static void set_shared(const struct trial *t)
{
    uint64_t pattern = t->regs.gpr[REG_RCX] ^ t->regs.gpr[REG_R9] ^ t->code[0];
    for (uint32_t i = 0; i < DATA_SIZE; i += 8) {
        pattern = pattern * 6364136223846793005ull + 1442695040888963407ull;
        if ((pattern >> 33) % world.shared_one_in == 0)
            *arena_share(world_guest(DATA_OFFSET + i)) = SHARE_SHARED;
    }
}

struct dbt_exit world_run(void)
{
    return dbt_run(world.dbt, &world.cpu, world.cpu.retired + 1000000);
}

void world_clear_shares(void)
{
    memset(arena_share(WINDOW_GUEST), SHARE_UNTOUCHED, WINDOW_SIZE / 8);
    world.share_count = 0;
}

const char *world_exit_name(enum dbt_exit_reason reason)
{
    static const char *const names[] = {"CROSS",       "SHARED",     "HYPERCALL", "HALT",
                                        "INTERRUPT",   "BAD_ACCESS", "FAULT",     "EXCEPTION",
                                        "UNSUPPORTED", "BUDGET",     "ONE"};
    return reason < sizeof names / sizeof *names ? names[reason] : "?";
}

static enum outcome_kind classify(const struct dbt_exit *x)
{
    switch (x->reason) {
    case DBT_CROSS:
        return world.cpu.regs.rip >= world_guest(EXIT_OFFSET) &&
                       world.cpu.regs.rip < world_guest(EXIT_OFFSET + EXIT_SIZE)
                   ? OUTCOME_EXIT
                   : OUTCOME_OTHER;
    case DBT_BAD_ACCESS:
    case DBT_FAULT:
        return OUTCOME_ACCESS;
    case DBT_EXCEPTION:
        return x->vector == 0 || x->vector == 19 ? OUTCOME_DIVIDE
               : x->vector == 6                  ? OUTCOME_UNDEFINED
               : x->vector == 13                 ? OUTCOME_ACCESS
               : x->vector == 3                  ? OUTCOME_TRAP
                                                 : OUTCOME_OTHER;
    default:
        return OUTCOME_OTHER;
    }
}

void world_run_trial(const struct trial *t, bool again, struct outcome *out)
{
    if (!again) {
        uint8_t code[sizeof t->code];
        memcpy(code, t->code, t->code_size);
        for (unsigned i = 0; i < t->pointer_count; i++) {
            uint64_t value;
            memcpy(&value, code + t->pointers[i], 8);
            value = window_to_guest(value);
            memcpy(code + t->pointers[i], &value, 8);
        }
        world_write_code(CODE_OFFSET + t->place, code, t->code_size);
    }
    memcpy(world_host(MEMORY_OFFSET), t->memory, MEMORY_SIZE);
    /* A pointer on top of the stack (pop rsp) is the only one that memory may start with. */
    uint8_t *top = world_host((uint32_t)(t->regs.gpr[REG_RSP] - WINDOW_NATIVE));
    uint64_t value;
    memcpy(&value, top, 8);
    value = window_to_guest(value);
    memcpy(top, &value, 8);
    for (unsigned page = 0; page < MEMORY_SIZE / RD_PAGE; page++)
        *arena_dirty(world_guest(MEMORY_OFFSET) + page * RD_PAGE) = 0;
    if (!world.keep_shares)
        world_clear_shares();
    gva_t second_page = world_guest(DATA_OFFSET) + RD_PAGE;
    if (t->protection == DATA_READ_ONLY)
        arena_protect(second_page, RD_PAGE, false);
    else if (t->protection == DATA_POISONED)
        arena_set_shadow(second_page, RD_PAGE, RD_SHADOW_POOL_FREED);
    world_reset_cpu(CODE_OFFSET + t->place);
    world_load_regs(&t->regs);

    world.stops = 0;
    if (world.shared_one_in)
        set_shared(t);
    if (world.poison)
        set_poison(t);
    struct dbt_exit x = world.single_step     ? run_stepwise()
                        : world.pieces        ? run_pieces()
                        : world.shared_one_in ? run_shared()
                                              : world_run();
    if (t->protection == DATA_READ_ONLY)
        arena_protect(second_page, RD_PAGE, true);
    else if (t->protection == DATA_POISONED)
        arena_set_shadow(second_page, RD_PAGE, RD_SHADOW_VALID);
    if (world.poison)
        arena_set_shadow(world_guest(DATA_OFFSET), DATA_SIZE, RD_SHADOW_VALID);
    out->retired = world.cpu.retired;
    out->kind = classify(&x);
    out->regs = world.cpu.regs;
    memcpy(out->memory, world_host(MEMORY_OFFSET), MEMORY_SIZE);
    snprintf(out->text, sizeof out->text,
             "%s at +%#llx%s%s vector %u address %#llx size %u%s shadow %#x",
             world_exit_name(x.reason), (unsigned long long)(world.cpu.regs.rip - WINDOW_GUEST),
             x.reason == DBT_UNSUPPORTED ? " " : "", x.reason == DBT_UNSUPPORTED ? x.text : "",
             x.vector, (unsigned long long)x.address, x.size, x.write ? " write" : "", x.shadow);
}
