/*
 * From a moment in generated code back to exact guest state: registers that instrumentation
 * borrowed are in the context, flags may be too, an indirect branch keeps its target in rcx. The
 * site says which of these hold. Used by the helpers (synchronously) and by the trap handler.
 *
 * A processor exception is the guest's when its host address is one that was registered for a site
 * while emitting, or when a helper was working for a site; anything else is a bug of ours.
 */
#pragma GCC target("general-regs-only") /* before all else, or header inlines stay calls */

#include "machine/dbt/internal.h"

#include <string.h>

#include "machine/dbt/trap.h"

void site_registers(const struct site *s, const uint64_t host[16], uint64_t guest[16])
{
    copy_registers(guest, host);
    if (s->lent != NO_REG)
        guest[s->lent] = CTX->spill[0];
    if (s->in_indirect) {
        guest[REG_R11] = CTX->indirect[0];
        guest[REG_R10] = CTX->indirect[1];
        guest[REG_RCX] = CTX->indirect_rcx;
    }
}

/* From LAHF/SETO form to RFLAGS form. */
static uint64_t unpack_ax(uint64_t ax)
{
    return (ax >> 8 & 0xD5) | (ax & 1) << 11;
}

/* host_flags: HELPER_FLAGS form (AH flags, AL overflow). */
uint64_t site_flags(const struct site *s, uint64_t host_flags)
{
    switch (s->flags) {
    case FLAGS_HOST:
        return unpack_ax(host_flags) & s->live_flags;
    case FLAGS_SAVED:
        return unpack_ax(CTX->saved_flags) & s->live_flags;
    default:
        return 0;
    }
}

uint64_t mem_address(const struct mem *m, const uint64_t gpr[16])
{
    uint64_t a = (uint64_t)m->disp;
    if (m->base != NO_REG)
        a += gpr[m->base];
    if (m->index != NO_REG)
        a += gpr[m->index] * m->scale;
    if (m->low)
        a = (uint32_t)a;
    return m->pcr ? a + CTX->pcr : a;
}

void leave_at(struct dbt *d, const struct site *s, const uint64_t host[16], uint64_t host_flags)
{
    (void)d;
    uint64_t guest[16];
    CTX->flags = site_flags(s, host_flags);
    site_registers(s, host, guest);
    copy_registers(CTX->gpr, guest);
    CTX->rip = s->pc;
    CTX->undone = s->left;
    CTX->left_early = 1;
    CTX->retry = 0;
}

void leave_with_state(const struct site *s, const uint64_t gpr[16], uint64_t flags, bool behind)
{
    copy_registers(CTX->gpr, gpr);
    CTX->flags = flags;
    CTX->rip = s->pc + (behind ? s->length : 0);
    CTX->undone = s->left - (behind ? 1u : 0u);
    CTX->left_early = 1;
    CTX->retry = 0;
}

struct dbt_exit *exit_record(enum dbt_exit_reason reason)
{
    struct dbt_exit *e = &CTX->exit;
    _Static_assert(sizeof *e % 8 == 0, "cleared by words");
    clear_words(e, sizeof *e / 8);
    e->reason = reason;
    return e;
}

struct site *site_at_host(struct dbt *d, uint64_t host_pc)
{
    if (host_pc < CODE_BASE || host_pc >= CODE_BASE + CODE_SIZE)
        return NULL;
    uint32_t at = (uint32_t)(host_pc - CODE_BASE);
    const struct host_fault *f = at < COLD_OFFSET ? d->hot_faults.data : d->cold_faults.data;
    size_t low = 0, high = at < COLD_OFFSET ? d->hot_faults.count : d->cold_faults.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (f[middle].at == at)
            return &d->sites.data[f[middle].site];
        if (f[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool canonical(uint64_t a)
{
    return (uint64_t)((int64_t)(a << 16) >> 16) == a;
}

static void record_memory(const struct site *s, gva_t a, uint32_t size, bool write)
{
    (void)s;
    struct dbt_exit *e = exit_record(DBT_FAULT);
    e->address = a;
    e->size = size;
    e->write = write;
}

bool trap_handle(struct trap *t)
{
    struct dbt *d = dbt_self;
    if (!d || !d->cpu)
        return false;
    struct site *s = site_at_host(d, t->rip);
    bool helper = false;
    uint64_t ax = (t->flags & 0xD5) << 8 | (t->flags >> 11 & 1);
    const uint64_t *host = t->gpr;
    if (!s && CTX->helper_site) {
        s = &d->sites.data[CTX->helper_site - 1];
        helper = true;
        host = CTX->gpr;
        ax = CTX->helper_flags;
    }
    if (!s || t->kind == TRAP_OTHER)
        return false;
    uint64_t guest[16];
    site_registers(s, host, guest);
    gva_t a = helper ? CTX->probe : mem_address(&s->m, guest);
    uint32_t size = helper ? CTX->probe_size : s->size;
    bool write = helper ? CTX->probe_write : s->write;
    if (helper && !size && (t->kind == TRAP_MEMORY || t->kind == TRAP_BUS)) {
        a = t->address - RD_HOST_DELTA;
        size = s->width;
        write = t->write;
    }
    leave_at(d, s, host, ax);
    switch (t->kind) {
    case TRAP_MEMORY:
    case TRAP_BUS:
        record_memory(s, a, size, write);
        break;
    case TRAP_PROTECTION:
        /* Raised for addresses that are not canonical, and for misaligned vector operands. */
        if (s->size && (!canonical(a + RD_HOST_DELTA) || helper || (s->size < 16 && !s->m.fixed)))
            record_memory(s, a, size, write);
        else
            exit_record(DBT_EXCEPTION)->vector = 13;
        break;
    case TRAP_DIVIDE:
        exit_record(DBT_EXCEPTION)->vector = 0;
        break;
    case TRAP_SIMD:
        exit_record(DBT_EXCEPTION)->vector = 19;
        break;
    default:
        exit_record(DBT_EXCEPTION)->vector = 6;
        break;
    }
    CTX->helper_site = 0;
    t->rip = (uint64_t)dbt_leave_tail;
    t->gpr[REG_RSP] = CTX->host_rsp;
    return true;
}

bool fault_install(struct error *e)
{
    return trap_install() ||
           error_set(e, ERROR_INTERNAL, "translator: cannot install signal handlers");
}

void fault_remove(void)
{
    trap_remove();
}
