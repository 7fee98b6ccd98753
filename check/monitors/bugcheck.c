/* The guest kernel found a rule of NT broken and called KeBugCheckEx, as NT does; or the driver did. */
#include "check/internal.h"

static bool judge(const struct machine *m, const struct trouble *t, struct violation *out)
{
    (void)m;
    if (t->kind != TROUBLE_BUGCHECK)
        return false;
    const struct bugcheck_info *info = bugcheck_find(t->code);
    bugcheck_fill(out, t->code, t->arg[0], t->arg[1], t->arg[2], t->arg[3]);
    const struct bugcheck_case *c = bugcheck_case(info, t->arg);
    violation_sentence(out, c != NULL && c->rule != NULL ? c->rule : info->rule, "%s", c != NULL ? c->meaning : info->meaning);
    return true;
}

const struct monitor monitor_bugcheck = {"bugcheck", "the kernel stopped the system with KeBugCheckEx",
                                         "Bug Check Code Reference", judge, "see below", NULL};
