/* Executing what is not code: pool, a stack, an image's data, or nothing at all. */
#include "abi/shadow.h"
#include "check/internal.h"

static bool judge(const struct machine *m, const struct trouble *t, struct violation *out)
{
    const struct machine_image *i = machine_image_at(m, t->address);
    if (t->kind != TROUBLE_EXECUTE || (i != NULL && !i->loaded) || shadow_is_paged(t->shadow))
        return false;
    bool pool = t->address - RD_POOL_BASE < RD_POOL_SIZE;
    bool stack = t->address - RD_STACK_BASE < RD_MAX_STACKS * RD_STACK_STRIDE;
    if (i == NULL && !pool && !stack) {
        bugcheck_for_fault(m, t, t->address, 8, out);
        violation_sentence(out, "execute-outside", "control reached %#llx, where there is no code",
                           (unsigned long long)t->address);
        return true;
    }
    bugcheck_fill(out, 0xFC, t->address, 0, 0, 0);
    struct machine_pool_block b;
    const char *freed = pool && machine_pool_block(m, t->address, &b) && b.freed ? "freed " : "";
    violation_sentence(out, pool ? "execute-pool" : stack ? "execute-stack" : "execute-image-data",
                       "control reached %#llx, which is %s%s", (unsigned long long)t->address, freed,
                       pool ? "pool" : stack ? "a thread's stack" : "data of an image");
    return true;
}

const struct monitor monitor_execute_data = {
    "execute-data", "control reached pool, a stack, an image's data or no memory (execute-pool, -stack, -image-data, -outside)",
    "Bug Check 0xFC: ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY", judge, "0xFC 0x50 0x0A 0xD1", NULL};
