/*
 * Pageable memory touched or executed at DISPATCH_LEVEL or above, under force IRQL checking. Windows empties the
 * system's working set whenever a verified driver raises the IRQL, so that the next such access faults; here the
 * shadow says that the memory is pageable, and the access itself is refused.
 */
#include "abi/shadow.h"
#include "check/internal.h"

static bool judge(const struct machine *m, const struct trouble *t, struct violation *out)
{
    if ((t->kind != TROUBLE_ACCESS && t->kind != TROUBLE_EXECUTE) || !shadow_is_paged(t->shadow))
        return false;
    const struct machine_image *target = machine_image_at(m, t->address);
    const char *who = trouble_module(m, t->regs.rip);
    if (t->kind == TROUBLE_EXECUTE) {
        bugcheck_fill(out, 0xD3, t->address, t->irql, 8, t->address);
        violation_sentence(out, "pageable-memory", "%s ran pageable code at IRQL %u", who, t->irql);
        return true;
    }
    bool own = target != NULL && target == machine_image_at(m, t->regs.rip);
    bugcheck_fill(out, own ? 0xD3 : trouble_in_kernel(m, t) ? 0x0A : 0xD1, t->address, t->irql, t->write, t->regs.rip);
    violation_sentence(out, "pageable-memory", "%s %s %s at IRQL %u", who, t->write ? "wrote" : "read",
                       target != NULL ? "pageable data of an image" : "paged pool", t->irql);
    return true;
}

const struct monitor monitor_paged_memory = {
    "paged-memory", "pageable memory of a verified driver was touched or executed at raised IRQL (pageable-memory)",
    "Driver Verifier: Force IRQL Checking", judge, "0x0A 0xD1 0xD3", "force-irql"};
