/*
 * Threads and stacks: which threads of the stopped machine a report shows, and what it says in front of their stacks, in the
 * manner of WinDbg's !thread.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "machine/arena.h"
#include "debug/facts.h"


/* KWAIT_REASON. */
static const char *const reasons[] = {
    "Executive", "FreePage", "PageIn", "PoolAllocation", "DelayExecution", "Suspended", "UserRequest",
    "WrExecutive", "WrFreePage", "WrPageIn", "WrPoolAllocation", "WrDelayExecution", "WrSuspended", "WrUserRequest",
    "WrEventPair", "WrQueue", "WrLpcReceive", "WrLpcReply", "WrVirtualMemory", "WrPageOut", "WrRendezvous",
    "Spare2", "Spare3", "Spare4", "Spare5", "WrCalloutStack", "WrKernel", "WrResource", "WrPushLock", "WrMutex",
    "WrQuantumEnd", "WrDispatchInt", "WrPreempted", "WrYieldExecution", "WrFastMutex", "WrGuardedMutex", "WrRundown"};

/* DISPATCHER_HEADER.Type. */
static const char *object_type(gva_t object)
{
    static const char *const types[] = {"NotificationEvent", "SynchronizationEvent", "Mutant", "Process", "QueueObject",
                                        "Semaphore", "Thread", NULL, "NotificationTimer", "SynchronizationTimer"};
    uint8_t type;
    return arena_read(object, &type, 1) && type < sizeof types / sizeof types[0] ? types[type] : NULL;
}

const char *fact_wait_object(const struct rd_thread *t)
{
    switch ((enum rd_wait_type)t->wait_type) {
    case RD_WAIT_EVENT:
    case RD_WAIT_SEMAPHORE:
    case RD_WAIT_MUTEX:
    case RD_WAIT_TIMER:
    case RD_WAIT_THREAD:
    case RD_WAIT_QUEUE: {
        const char *type = object_type(t->wait_object);
        return type != NULL ? type : "Object";
    }
    case RD_WAIT_FAST_MUTEX:
        return "FastMutex";
    case RD_WAIT_RUNDOWN:
        return "RundownReference";
    case RD_WAIT_REMOVE_LOCK:
        return "RemoveLock";
    case RD_WAIT_DELAY:
        return "Timer";
    case RD_WAIT_SUSPEND:
        return "Semaphore";
    case RD_WAIT_NONE:
    case RD_WAIT_OTHER:
        break;
    }
    return "Object";
}

const char *fact_wait_reason(const struct rd_thread *t)
{
    return t->wait_reason < sizeof reasons / sizeof reasons[0] ? reasons[t->wait_reason] : "Unknown";
}

/* A worker thread that waits for work has nothing but its own loop on its stack. */
static bool at_work(const struct scene *s, const struct stack_frame *frames, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct symbol y;
        bool is_return = i > 0 && !frames[i].interrupt;
        symbols_find(s->symbols, frames[i].pc - is_return, is_return, &y);
        if (strcmp(y.module, "nt") != 0)
            return true; /* a driver's routine, or the filter manager's on its behalf */
    }
    return false;
}

bool fact_thread_matters(const struct scene *s, unsigned thread, const struct rd_thread *t)
{
    struct stack_frame frames[STACK_MAX];
    if (t->state == RD_THREAD_TERMINATED)
        return t->scenario_index != NO_THREAD;
    if (t->scenario_index != NO_THREAD || !(t->flags & RD_THREAD_SYSTEM))
        return true;
    const struct machine_image *start = machine_image_at(s->machine, t->start_routine);
    if (start != NULL && !stack_is_ours(start))
        return true;
    return at_work(s, frames, fact_stack(s, thread, frames));
}

/* A frame's own function, in words; false when nobody knows the address. */
static bool frame_symbol(const struct scene *s, const struct stack_frame *f, bool first, struct symbol *y)
{
    bool is_return = !first && !f->interrupt;
    symbols_find(s->symbols, f->pc - is_return, is_return, y);
    return y->module[0] != '\0';
}

void stack_print(const struct scene *s, const struct stack_frame *frames, unsigned count, FILE *out)
{
    fprintf(out, "Child-SP          RetAddr           Call Site\n");
    for (unsigned i = 0; i < count; i++) {
        const struct stack_frame *f = &frames[i];
        struct symbol y, inlined[INLINE_MAX];
        char text[400];
        bool is_return = i > 0 && !f->interrupt;
        unsigned n = symbols_inlined(s->symbols, f->pc - is_return, inlined);
        for (unsigned k = 0; k < n; k++) {
            symbol_text(&inlined[k], text, sizeof text);
            fprintf(out, "(Inline Function) --------`-------- %s\n", text);
        }
        if (frame_symbol(s, f, i == 0, &y))
            symbol_text(&y, text, sizeof text);
        else
            snprintf(text, sizeof text, "0x%" PRIx64, f->pc);
        fprintf(out, "%08x`%08x %08x`%08x %s%s\n", (unsigned)(f->sp >> 32), (unsigned)f->sp,
                (unsigned)(f->return_address >> 32), (unsigned)f->return_address, text,
                f->interrupt ? " (TrapFrame)" : "");
    }
}

void thread_head_print(const struct scene *s, unsigned thread, const struct rd_thread *t, FILE *out)
{
    char name[RD_ABI_NAME], wait[240], start[160];
    fact_wait(s, t, wait, sizeof wait);
    fprintf(out, "THREAD %016" PRIx64 "  Cid %04x.%04x  %s  ", t->kthread, (unsigned)(t->id >> 32), (unsigned)t->id,
            fact_thread_name(s, thread, name));
    bool waits = t->state == RD_THREAD_WAITING || t->state == RD_THREAD_SUSPENDED;
    if (waits)
        fprintf(out, "WAIT: (%s)", fact_wait_reason(t));
    else if (t->state == RD_THREAD_RUNNING)
        fprintf(out, "RUNNING on processor %u", t->cpu);
    else
        for (const char *c = fact_state(t); *c != '\0'; c++)
            fputc(*c >= 'a' && *c <= 'z' ? *c - 32 : *c, out);
    fprintf(out, "\n");
    if (waits && t->wait_object != 0)
        fprintf(out, "    %016" PRIx64 "  %s\n", t->wait_object, fact_wait_object(t));
    fact_name(s->symbols, t->start_routine, false, start, sizeof start);
    fprintf(out, "    Start Address %s\n", start);
    if (wait[0] != '\0')
        fprintf(out, "    %s for %s\n", t->state == RD_THREAD_RUNNING ? "running, waits" : fact_state(t), wait);
}
