/*
 * The loop between translated code and the machine: enter, see at which site control came out, and
 * either go on (link, look up, translate) or tell the machine. Which of the two is decided by
 * units: a transfer within one [image, class] goes on, any other is DBT_CROSS.
 */
#include "machine/dbt/internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE 2
#endif
#define ARCH_SET_GS_CODE 0x1001

/* Nothing else on x86-64 Linux uses GS, so the base stays from the first run of a thread on. */
static void set_gs_base(void)
{
    static _Thread_local bool done;
    if (done)
        return;
    done = true;
    if (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) {
        __asm__ volatile("wrgsbase %0" : : "r"((uint64_t)RD_HOST_DELTA));
        return;
    }
    long r = syscall(SYS_arch_prctl, ARCH_SET_GS_CODE, (unsigned long)RD_HOST_DELTA);
    RD_ASSERT(r == 0);
}

/* A trap inside a helper abandons its frames; AddressSanitizer must forget them too. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
static void forget_frames(void)
{
    __asan_unpoison_memory_region((void *)(CTX->host_rsp - 32768), 32768);
}
#else
static void forget_frames(void)
{
}
#endif

/* RFLAGS form to LAHF/SETO form. */
static uint64_t to_ax(uint64_t flags)
{
    return (flags & 0xD5) << 8 | (flags >> 11 & 1);
}

static void load_cpu(struct dbt *d, struct vcpu *cpu, int64_t left)
{
    struct dbt_context *c = CTX;
    memcpy(c->gpr, cpu->regs.gpr, sizeof c->gpr);
    c->vectors = cpu->regs.ymm;
    c->mxcsr = cpu->regs.mxcsr;
    c->flags = (cpu->regs.rflags & ARITH_FLAGS) | 2;
    c->df = cpu->regs.rflags & 0x400;
    c->vif = cpu->regs.rflags & 0x200;
    c->irql = cpu->irql;
    c->pcr = cpu->pcr;
    c->left = left;
    c->helper_site = 0;
    d->cpu = cpu;
}

static void store_cpu(struct dbt *d, struct vcpu *cpu, gva_t rip)
{
    struct dbt_context *c = CTX;
    memcpy(cpu->regs.gpr, c->gpr, sizeof c->gpr);
    cpu->regs.mxcsr = c->mxcsr;
    cpu->regs.rflags = (c->flags & ARITH_FLAGS) | 2 | c->df | c->vif;
    cpu->regs.rip = rip;
    cpu->irql = (uint8_t)c->irql;
    d->cpu = NULL;
}

/* Where control came out and what is to be done about it. */
struct outcome {
    bool leave; /* exit to the machine with CTX->exit; else go on at rip */
    gva_t rip;
    uint8_t variant;
    uint32_t link; /* site to patch once the target exists; 0 none */
    bool enter_in_table;
};

static struct outcome leave_with(enum dbt_exit_reason reason, gva_t rip, gva_t from)
{
    exit_record(reason)->from = from;
    return (struct outcome){.leave = true, .rip = rip};
}

/* A transfer from `from` (in block unit) to target. */
static struct outcome transfer(struct dbt *d, uint8_t unit, gva_t from, gva_t target)
{
    if (!unit_holds(d, unit, target))
        return leave_with(DBT_CROSS, target, from);
    if (d->one || is_stop(d, target))
        return leave_with(DBT_ONE, target, from);
    return (struct outcome){.rip = target};
}

static struct outcome came_out(struct dbt *d)
{
    struct dbt_context *c = CTX;
    bool budgets = d->features & DBT_BUDGETS;
    if (c->left_early) {
        c->left_early = 0;
        if (budgets)
            c->left += c->undone;
        uint32_t retry = c->retry;
        c->retry = 0;
        if (retry == GO_UNMERGED)
            return (struct outcome){.rip = c->rip, .variant = VARIANT_UNMERGED};
        if (retry == GO_TRANSFER) {
            const struct site *s = &d->sites.data[c->site];
            return transfer(d, d->blocks.data[s->block].unit, s->pc, c->rip);
        }
        return (struct outcome){.leave = true, .rip = c->rip};
    }
    uint32_t number = c->site;
    struct site *s = &d->sites.data[number];
    uint8_t unit = d->blocks.data[s->block].unit;
    uint64_t guest[16];
    c->flags = site_flags(s, to_ax(c->flags));
    site_registers(s, c->gpr, guest);
    struct outcome o;
    switch (s->kind) {
    case SITE_INDIRECT: {
        gva_t target = c->gpr[REG_RCX] - c->gpr[REG_R11];
        memcpy(c->gpr, guest, sizeof guest);
        o = transfer(d, unit, s->pc, target);
        o.enter_in_table = !o.leave;
        return o;
    }
    case SITE_LINK:
        o = transfer(d, unit, s->pc, s->target);
        o.link = o.leave ? 0 : number;
        return o;
    case SITE_ONE:
        return transfer(d, unit, s->pc, s->target);
    case SITE_BUDGET:
        memcpy(c->gpr, guest, sizeof guest);
        c->left += s->left;
        return leave_with(DBT_BUDGET, s->pc, 0);
    default:
        break;
    }
    RD_ASSERT(!"unknown way out of translated code");
    return (struct outcome){.leave = true};
}

static struct dbt_exit run(struct dbt *d, struct vcpu *cpu, int64_t left, enum variant variant)
{
    RD_ASSERT(d == dbt_self && !d->cpu);
    d->one = variant >= VARIANT_ONE;
    set_gs_base();
    load_cpu(d, cpu, left);
    struct outcome o = {.rip = cpu->regs.rip, .variant = (uint8_t)variant};
    while (!o.leave) {
        uint64_t flushes = d->flushes;
        uint32_t n = block_find(d, o.rip, o.variant);
        if (!n)
            n = translate(d, o.rip, o.variant);
        if (!n) {
            o = leave_with(DBT_CROSS, o.rip, 0);
            break;
        }
        if (o.link && flushes == d->flushes)
            block_link(d, o.link, n);
        if (o.enter_in_table)
            table_insert(d, n);
        CTX->jump = (uint64_t)d->blocks.data[n].entry;
        CTX->helper_flags = to_ax(CTX->flags);
        CTX->left_early = 0;
        dbt_enter();
        forget_frames();
        d->stats.exits++;
        o = came_out(d);
    }
    store_cpu(d, cpu, o.rip);
    if (d->features & DBT_BUDGETS)
        cpu->retired += (uint64_t)(left - CTX->left);
    struct dbt_exit e = CTX->exit;
    if (e.reason == DBT_UNSUPPORTED)
        snprintf(e.text, sizeof e.text, "%s", mnemonic_name((uint16_t)e.size));
    return e;
}

struct dbt_exit dbt_run(struct dbt *d, struct vcpu *cpu, uint64_t limit)
{
    uint64_t left = limit > cpu->retired ? limit - cpu->retired : 0;
    return run(d, cpu, left > INT64_MAX / 2 ? INT64_MAX / 2 : (int64_t)left, VARIANT_NORMAL);
}

struct dbt_exit dbt_run_one(struct dbt *d, struct vcpu *cpu)
{
    return run(d, cpu, INT64_MAX / 2, VARIANT_ONE);
}

struct dbt_exit dbt_run_single(struct dbt *d, struct vcpu *cpu)
{
    return run(d, cpu, INT64_MAX / 2, VARIANT_SINGLE);
}

void dbt_set_stops(struct dbt *d, const gva_t *addresses, unsigned count)
{
    RD_ASSERT(count <= DBT_STOPS);
    if (count == d->stop_count && (count == 0 || memcmp(d->stops, addresses, count * sizeof *addresses) == 0))
        return;
    if (count > 0)
        memcpy(d->stops, addresses, count * sizeof *addresses);
    d->stop_count = count;
    cache_flush(d);
}
