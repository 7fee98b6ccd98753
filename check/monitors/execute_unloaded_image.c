/* Executing in an unloaded image: what Windows shows as 0xCE, or 0xD4 at raised IRQL, when luck has it that the
 * pages are gone already; here it is caught at the first instruction, always. */
#include "abi/shadow.h"
#include "check/internal.h"

static bool judge(const struct machine *m, const struct trouble *t, struct violation *out)
{
    const struct machine_image *i = machine_image_at(m, t->address);
    if (t->kind != TROUBLE_EXECUTE || i == NULL || i->loaded)
        return false;
    if (t->irql >= 2)
        bugcheck_fill(out, 0xD4, t->address, t->irql, 8, t->address);
    else
        bugcheck_fill(out, 0xCE, t->address, 8, t->address, 0);
    violation_sentence(out, "execute-unloaded-image",
                       "a processor was about to execute in %s after the image had been unloaded: something still "
                       "referred to its code",
                       i->name);
    return true;
}

const struct monitor monitor_execute_unloaded_image = {"execute-unloaded-image", "code ran in an image that had been unloaded",
                                   "Bug Check 0xCE: DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS", judge, "0xCE 0xD4", NULL};
