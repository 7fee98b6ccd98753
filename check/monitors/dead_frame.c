/*
 * Stack frames that have ended: the kernel, or a routine that was given the pointer, uses an address that belonged to
 * the frame of a function which has returned. Windows notices nothing; it goes on to corrupt whatever newer frame lies
 * there, and breaks later and elsewhere. Driver Verifier's nearest code is 0xDC.
 */
#include "abi/hypercall.h"
#include "check/internal.h"

static const char *const names[] = {
    [RD_HOLD_IRP_EVENT] = "the event of an IRP",
    [RD_HOLD_IRP_STATUS] = "the IO_STATUS_BLOCK of an IRP",
    [RD_HOLD_IRP_BUFFER] = "the buffer of an IRP",
    [RD_HOLD_COMPLETION_CONTEXT] = "the context of a completion routine",
    [RD_HOLD_DPC_CONTEXT] = "the context of a DPC",
    [RD_HOLD_WORK_CONTEXT] = "the context of a work item",
    [RD_HOLD_THREAD_CONTEXT] = "the start context of a system thread",
    [RD_HOLD_APC_CONTEXT] = "the context of an APC",
    [RD_HOLD_TIMER] = "a KTIMER that is still set",
    [RD_HOLD_DPC] = "a KDPC that is still queued",
    [RD_HOLD_APC] = "a KAPC that is still queued",
    [RD_HOLD_WORK_ITEM] = "a WORK_QUEUE_ITEM that is still queued",
    [RD_HOLD_QUEUE_ENTRY] = "an entry of a KQUEUE",
};

static const char *verb(const struct trouble *t)
{
    switch ((enum rd_frame_use)t->arg[1]) {
    case RD_FRAME_READ:
        return "reads";
    case RD_FRAME_WRITE:
        return "writes";
    case RD_FRAME_SIGNAL:
        return "signals";
    case RD_FRAME_LINK:
        return "follows a list into";
    case RD_FRAME_PASS:
    case RD_FRAME_PASSED:
        break;
    }
    RD_ASSERT(!"no use of a frame");
    return "";
}

/* Neither the frame nor the call that handed the pointer over is on any stack now. */
static void tell(const struct machine *m, const struct machine_hold *h, struct violation *out)
{
    struct rd_thread t;
    const char *name = machine_thread(m, h->thread, &t) ? t.name : "?";
    violation_note(out, NOTE_STACK | NOTE_BLAME, NOTE_NOBODY, &h->function, 1,
                   "Stack frame that has ended (return address at %08x`%08x, taken in step %llu):", (unsigned)(h->slot >> 32),
                   (unsigned)h->slot, (unsigned long long)h->ended_step);
    violation_note(out, NOTE_STACK, NOTE_NOBODY, h->stack, h->stack_count,
                   "Call that handed %08x`%08x over (thread %.*s, step %llu):", (unsigned)(h->pointer >> 32),
                   (unsigned)h->pointer, RD_ABI_NAME, name, (unsigned long long)h->step);
}

static bool judge(const struct machine *m, const struct trouble *t, struct violation *out)
{
    struct machine_hold h;
    if (t->kind != TROUBLE_DEAD_FRAME)
        return false;
    RD_ASSERT(machine_hold(m, (unsigned)t->arg[0], &h));
    RD_ASSERT(h.kind < sizeof names / sizeof names[0] && names[h.kind] != NULL);
    const struct machine_image *image = machine_image_at(m, h.function);
    bugcheck_fill(out, 0xDC, t->address, t->regs.gpr[REG_RSP], t->regs.rip, 0);
    violation_sentence(out, "dead-stack-frame", "%s %s %s in the stack frame of a function that has returned (%s+0x%llx)",
                       trouble_module(m, t->regs.rip), verb(t), names[h.kind], trouble_module(m, h.function),
                       (unsigned long long)(image != NULL ? h.function - image->base : h.function));
    tell(m, &h, out);
    return true;
}

const struct monitor monitor_dead_frame = {
    "dead-frame", "a pointer into a stack frame was used after its function had returned (dead-stack-frame)",
    "The Trouble with IoBuildDeviceIoControlRequest", judge};
