/*
 * Hangs: no processor can move and no timer is pending, yet a thread of the scenario has not finished. Not a
 * bugcheck: Windows would just stand still. The report lists who waits for what, held by whom.
 */
#include <stdio.h>
#include <string.h>

#include "check/internal.h"

static const char *const wait_names[] = {
    [RD_WAIT_NONE] = "nothing that the kernel knows", [RD_WAIT_EVENT] = "an event", [RD_WAIT_SEMAPHORE] = "a semaphore",
    [RD_WAIT_MUTEX] = "a mutex", [RD_WAIT_TIMER] = "a timer", [RD_WAIT_THREAD] = "a thread to end",
    [RD_WAIT_QUEUE] = "a queue", [RD_WAIT_DELAY] = "a delay", [RD_WAIT_FAST_MUTEX] = "a fast mutex",
    [RD_WAIT_RUNDOWN] = "rundown protection to be released", [RD_WAIT_REMOVE_LOCK] = "a remove lock to be released",
    [RD_WAIT_SUSPEND] = "being resumed", [RD_WAIT_OTHER] = "an object",
};

static bool judge(const struct machine *m, const struct trouble *t, struct violation *out)
{
    if (t->kind != TROUBLE_HANG)
        return false;
    struct rd_thread thread;
    memset(&thread, 0, sizeof thread);
    bool known = machine_thread(m, (unsigned)t->arg[0], &thread);
    thread.name[sizeof thread.name - 1] = '\0';
    const struct vcpu *c = machine_cpu(m, t->cpu);
    snprintf(out->name, sizeof out->name, "HANG");
    out->arg[0] = known ? thread.kthread : 0;
    out->arg[1] = t->address;
    snprintf(out->arg_text[0], sizeof out->arg_text[0], "The thread that can never run again");
    snprintf(out->arg_text[1], sizeof out->arg_text[1], "What it waits for");
    if (c != NULL && c->state == VCPU_AWAIT)
        violation_sentence(out, "hang", "thread '%s' %s for ever: nobody is left to change what it looks at",
                           known ? thread.name : "?", c->await_spin ? "spins on a lock" : "polls");
    else if (known && thread.state == RD_THREAD_SUSPENDED)
        violation_sentence(out, "hang", "thread '%s' is suspended for ever: nobody is left to resume it", thread.name);
    else
        violation_sentence(out, "hang", "thread '%s' waits for ever for %s: nobody is left to signal it",
                           known ? thread.name : "?",
                           thread.wait_type < sizeof wait_names / sizeof wait_names[0] ? wait_names[thread.wait_type] : "an object");
    return true;
}

const struct monitor monitor_hang = {"hang", "every thread is blocked, no timer is pending, and a thread has not finished",
                                     "Deadlock freedom", judge};
