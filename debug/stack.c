/*
 * Call stacks of a stopped machine. Frames are unwound by .pdata read from the images' files, so an
 * unloaded image unwinds like a loaded one; only the stacks themselves are read from guest memory,
 * and only where it is valid.
 *
 * A walk ends at the thread's stack base, at an address outside of every image, where unwinding
 * fails, or where the stack pointer does not grow; an interrupt's frame may lead anywhere on the
 * same stack. Frame 0's pc is exact, and so is that of an interrupted frame; all others are return
 * addresses.
 */
#include <string.h>

#include "debug/debug.h"
#include "machine/arena.h"
#include "machine/pe/pe.h"

static bool read_guest(void *context, uint64_t address, void *out, size_t bytes)
{
    (void)context;
    return arena_read(address, out, bytes);
}

/* One past the highest byte of the stack that holds sp; ~0 when it is no thread's. */
static gva_t stack_end(const struct machine *m, gva_t sp)
{
    struct rd_thread t;
    for (unsigned i = 0; i < machine_thread_count(m); i++)
        if (machine_thread(m, i, &t) && sp >= t.stack_limit && sp <= t.stack_base)
            return t.stack_base;
    uint64_t offset = sp - RD_STACK_BASE;
    if (offset < RD_MAX_STACKS * RD_STACK_STRIDE)
        return RD_STACK_BASE + offset / RD_STACK_STRIDE * RD_STACK_STRIDE + RD_STACK_GUARD +
               RD_STACK_SIZE;
    return ~0ull;
}

/* Replaces *f by its caller. `innermost`: pc may be anywhere, control has just been transferred
 * there. */
static bool unwind_one(const struct machine *m, struct pe_frame *f, bool innermost)
{
    const struct machine_image *image = machine_image_at(m, f->rip);
    if (image == NULL) {
        gva_t caller;
        if (!innermost || !arena_read(f->gpr[REG_RSP], &caller, sizeof caller) ||
            machine_image_at(m, caller) == NULL)
            return false;
        f->rip = caller;
        f->gpr[REG_RSP] += 8;
        f->machine_frame = false;
        return true;
    }
    struct pe pe;
    struct error ignored = {0};
    return pe_parse(image->name, image->file, image->file_size, &pe, &ignored) &&
           pe_unwind(&pe, image->base, f, read_guest, NULL);
}

unsigned stack_walk(const struct machine *m, const struct vcpu_regs *regs, struct stack_frame *out,
                    unsigned max)
{
    struct pe_frame f = {.rip = regs->rip};
    memcpy(f.gpr, regs->gpr, sizeof f.gpr);
    gva_t end = stack_end(m, f.gpr[REG_RSP]);
    unsigned count = 0;
    while (count < max) {
        const struct machine_image *image = machine_image_at(m, f.rip);
        struct stack_frame *frame = &out[count++];
        *frame = (struct stack_frame){.sp = f.gpr[REG_RSP],
                                      .pc = f.rip,
                                      .interrupt = f.machine_frame,
                                      .unloaded = image != NULL && !image->loaded};
        gva_t sp = f.gpr[REG_RSP];
        if (sp >= end || !unwind_one(m, &f, count == 1))
            break;
        if (f.rip == 0 || machine_image_at(m, f.rip) == NULL || f.gpr[REG_RSP] > end ||
            f.gpr[REG_RSP] <= sp)
            break;
        frame->return_address = f.rip;
    }
    return count;
}

/* Where a thread that is switched out goes on: the kernel exports the label. */
static gva_t resume_address(const struct machine *m)
{
    const struct machine_image *kernel = machine_image_count(m) > 0 ? machine_image(m, 0) : NULL;
    struct pe pe;
    struct error ignored = {0};
    uint32_t rva;
    const char *forward;
    if (kernel == NULL || !pe_parse(kernel->name, kernel->file, kernel->file_size, &pe, &ignored) ||
        !pe_export(&pe, arena_host(kernel->base), "KiSwapContextResume", 0, &rva, &forward) ||
        forward != NULL)
        return 0;
    return kernel->base + rva;
}

bool stack_thread_registers(const struct machine *m, unsigned index, struct vcpu_regs *out)
{
    for (unsigned cpu = 0; cpu < machine_cpu_count(m); cpu++)
        if (machine_thread_on(m, cpu) == index) {
            *out = machine_cpu(m, cpu)->regs;
            return true;
        }
    struct rd_thread t;
    if (!machine_thread(m, index, &t) || t.state == RD_THREAD_TERMINATED || t.saved_rsp == 0)
        return false;
    *out = (struct vcpu_regs){.rip = resume_address(m)};
    out->gpr[REG_RSP] = t.saved_rsp;
    return out->rip != 0;
}

unsigned stack_walk_thread(const struct machine *m, unsigned index, struct stack_frame *out,
                           unsigned max)
{
    struct vcpu_regs regs;
    return stack_thread_registers(m, index, &regs) ? stack_walk(m, &regs, out, max) : 0;
}

bool stack_frame_registers(const struct machine *m, const struct vcpu_regs *regs, unsigned frame, struct vcpu_regs *out)
{
    struct pe_frame f = {.rip = regs->rip};
    memcpy(f.gpr, regs->gpr, sizeof f.gpr);
    for (unsigned i = 0; i < frame; i++)
        if (!unwind_one(m, &f, i == 0))
            return false;
    *out = *regs;
    out->rip = f.rip;
    memcpy(out->gpr, f.gpr, sizeof out->gpr);
    return true;
}

bool stack_is_ours(const struct machine_image *image)
{
    return image->system;
}

int stack_culprit(const struct machine *m, const struct stack_frame *frames, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        /* A return address may lie behind the last byte of the image it returns to. */
        gva_t pc = frames[i].pc - (i > 0 && !frames[i].interrupt);
        const struct machine_image *image = machine_image_at(m, pc);
        if (image != NULL && !stack_is_ours(image))
            return (int)i;
    }
    return -1;
}
