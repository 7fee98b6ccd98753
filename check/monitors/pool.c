/*
 * Pool blocks: use after free, and touching the zones around a block. The codes are special pool's when the block
 * belongs to a driver that is verified with special pool; the second of each pair is used when a driver's own
 * instruction did it. Any other block is caught just the same, and named as NT names what its own shadow memory
 * finds (0x1F2).
 */
#include "abi/shadow.h"
#include "check/internal.h"

static bool judge(const struct machine *m, const struct trouble *t, struct violation *out)
{
    if (t->kind != TROUBLE_ACCESS || t->address - RD_POOL_BASE >= RD_POOL_SIZE)
        return false;
    bool partial = t->shadow > 0 && t->shadow < 8;
    bool freed = t->shadow == RD_SHADOW_POOL_FREED;
    bool zone = partial || t->shadow == RD_SHADOW_POOL_RIGHT || t->shadow == RD_SHADOW_POOL_LEFT;
    struct machine_pool_block b;
    if ((!freed && !zone) || !machine_pool_block(m, t->address, &b))
        return false;
    bool kernel = trouble_in_kernel(m, t);
    const char *who = trouble_module(m, t->regs.rip), *what = t->write ? "wrote" : "read";
    char tag[5];
    for (int i = 0; i < 4; i++) {
        char c = (char)(b.tag >> (8 * i));
        tag[i] = c >= 32 && c < 127 ? c : '.';
    }
    tag[4] = '\0';
    if (!(b.flags & RD_POOL_SPECIAL))
        bugcheck_fill(out, 0x1F2, t->address, t->size, t->regs.rip, t->shadow | (unsigned)t->write << 8);
    else if (freed)
        bugcheck_fill(out, kernel ? 0xCC : 0xD5, t->address, t->write, t->regs.rip, 0);
    else
        bugcheck_fill(out, kernel ? 0xCD : 0xD6, t->address, t->write, t->regs.rip, 0);
    if (freed) {
        violation_sentence(out, "use-after-free", "%s %s at offset %lld of a pool block ('%s', %llu bytes) that had been freed",
                           who, what, (long long)(t->address - b.address), tag, (unsigned long long)b.bytes);
    } else {
        violation_sentence(out, t->address < b.address ? "pool-underrun" : "pool-overrun",
                           "%s %s at offset %lld of a pool block ('%s') of %llu bytes", who, what,
                           (long long)(t->address - b.address), tag, (unsigned long long)b.bytes);
    }
    return true;
}

const struct monitor monitor_pool = {"pool", "freed pool was touched, or memory beside a block (use-after-free, pool-overrun, pool-underrun)",
                                     "Driver Verifier: Special Pool", judge, "0xCC 0xCD 0xD5 0xD6 0x1F2", NULL};
