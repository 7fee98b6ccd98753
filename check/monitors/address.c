/*
 * Accesses that neither pool, stack nor an unloaded image explains: read-only image sections, and addresses where
 * nothing is mapped.
 */
#include "abi/shadow.h"
#include "check/internal.h"

/* The processor faulted, and the guest found no handler. */
static bool unhandled(const struct machine *m, const struct trouble *t, struct violation *out)
{
    const char *who = trouble_module(m, t->regs.rip);
    bugcheck_fill(out, t->code, t->arg[0], t->arg[1], t->arg[2], t->arg[3]);
    if (t->address == ~0ull)
        violation_sentence(out, "invalid-address", "%s used an address that is not canonical, or misaligned", who);
    else
        violation_sentence(out, "invalid-address", "%s %s at %#llx, where there is no memory%s", who,
                           t->write ? "wrote" : "read", (unsigned long long)t->address,
                           t->address < 0x10000 ? " (a NULL pointer and an offset)" : "");
    return true;
}

static bool judge(const struct machine *m, const struct trouble *t, struct violation *out)
{
    if (t->kind == TROUBLE_UNHANDLED && t->record.code == 0xC0000005 && t->record.parameter_count == 2)
        return unhandled(m, t, out);
    if ((t->kind != TROUBLE_ACCESS && t->kind != TROUBLE_FAULT) || shadow_is_paged(t->shadow))
        return false;
    const struct machine_image *i = machine_image_at(m, t->address);
    struct machine_pool_block b;
    bool pool_zone = t->kind == TROUBLE_ACCESS && t->address - RD_POOL_BASE < RD_POOL_SIZE &&
                     (t->shadow < 8 || t->shadow == RD_SHADOW_POOL_FREED || t->shadow == RD_SHADOW_POOL_RIGHT ||
                      t->shadow == RD_SHADOW_POOL_LEFT) && machine_pool_block(m, t->address, &b);
    if (pool_zone || (i != NULL && !i->loaded) || t->address - RD_STACK_BASE < RD_MAX_STACKS * RD_STACK_STRIDE)
        return false;
    const char *who = trouble_module(m, t->regs.rip);
    if (t->kind == TROUBLE_FAULT && t->write && i != NULL) {
        bugcheck_fill(out, 0xBE, t->address, 0, 0, 0);
        violation_sentence(out, "write-read-only", "%s wrote to read-only memory of %s at %s+%#llx", who, i->name,
                           i->name, (unsigned long long)(t->address - i->base));
        return true;
    }
    bugcheck_for_fault(m, t, t->address, t->write, out);
    violation_sentence(out, "invalid-address", "%s %s at %#llx, where there is no memory%s", who,
                       t->write ? "wrote" : "read", (unsigned long long)t->address,
                       t->address < 0x10000 ? " (a NULL pointer and an offset)" : "");
    return true;
}

const struct monitor monitor_address = {"address", "read-only memory was written, or memory that does not exist was touched (write-read-only, invalid-address)",
                                        "Bug Check 0x50: PAGE_FAULT_IN_NONPAGED_AREA", judge, "0x50 0xBE 0x0A 0xD1 0x7E 0x3B", NULL};
