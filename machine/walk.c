/*
 * Stacks, as far as the machine itself must know them: whose frame an address lies in (frame.c), who changed a count (watch.c),
 * and what the kernel asks for to put into its logs. A stack is walked by the unwind data of the images on it, those that
 * are unloaded too.
 */
#include <string.h>

#include "machine/internal.h"

struct pe_frame walk_begin(const struct vcpu_regs *regs)
{
    struct pe_frame f = {.rip = regs->rip};
    memcpy(f.gpr, regs->gpr, sizeof f.gpr);
    return f;
}

bool walk_begin_switched_out(struct machine *m, const struct rd_thread *t, struct pe_frame *out)
{
    *out = (struct pe_frame){.rip = image_export(m, 0, "KiSwapContextResume")};
    out->gpr[REG_RSP] = t->saved_rsp;
    return out->rip != 0 && t->saved_rsp != 0;
}

static bool read_guest(void *context, uint64_t address, void *out, size_t bytes)
{
    (void)context;
    return arena_read(address, out, bytes);
}

bool walk_caller(const struct machine *m, struct pe_frame *f)
{
    int image = image_index_at(f->rip, false);
    if (image < 0)
        return false;
    const struct run_image *r = &run_state()->images[image];
    gva_t sp = f->gpr[REG_RSP];
    return pe_unwind(&m->files[r->file].pe, r->base, f, read_guest, NULL) && f->gpr[REG_RSP] > sp;
}

unsigned walk_capture(const struct machine *m, const struct vcpu_regs *regs, gva_t *out, unsigned max)
{
    struct pe_frame f = walk_begin(regs);
    unsigned count = 0;
    while (count < max && image_index_at(f.rip, false) >= 0) {
        out[count++] = f.rip;
        if (!walk_caller(m, &f))
            break;
    }
    return count;
}
