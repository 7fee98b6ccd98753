/* Reading or writing the data of an unloaded image. */
#include "abi/shadow.h"
#include "check/internal.h"

static bool judge(const struct machine *m, const struct trouble *t, struct violation *out)
{
    const struct machine_image *i = machine_image_at(m, t->address);
    if ((t->kind != TROUBLE_ACCESS && t->kind != TROUBLE_FAULT) || i == NULL || i->loaded)
        return false;
    if (t->irql >= 2)
        bugcheck_fill(out, 0xD4, t->address, t->irql, t->write, t->regs.rip);
    else
        bugcheck_fill(out, 0xCE, t->address, t->write, t->regs.rip, 0);
    violation_sentence(out, "access-unloaded-image", "%s %s memory of %s after the image had been unloaded",
                       trouble_module(m, t->regs.rip), t->write ? "wrote" : "read", i->name);
    return true;
}

const struct monitor monitor_access_unloaded_image = {"access-unloaded-image", "data of an image that had been unloaded was touched",
                                   "Bug Check 0xCE: DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS", judge, "0xCE 0xD4", NULL};
