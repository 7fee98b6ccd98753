/* ~, ~Ns, .thread: whose stack and registers. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "debug/debugger.h"
#include "debug/timeline.h"

static void processors(struct debugger *d)
{
    for (unsigned cpu = 0; cpu < machine_cpu_count(d->m); cpu++) {
        struct rd_thread t = {.name = ""};
        char symbol[DEBUG_SYMBOL];
        unsigned thread = machine_thread_on(d->m, cpu);
        const struct vcpu *c = machine_cpu(d->m, cpu);
        static const char *const states[] = {"off", "running", "halted", "waiting for memory"};
        machine_thread(d->m, thread, &t);
        debug_print(d, "%c %2u  %016" PRIx64 " %-20.20s %s at %s\n", cpu == d->cpu ? '.' : ' ', cpu, t.kthread, t.name,
                    c->state < 4 ? states[c->state] : "?", debug_symbol(d, c->regs.rip, symbol));
    }
}

static void choose_cpu(struct debugger *d, const char *args)
{
    char *end;
    unsigned long n = strtoul(args, &end, 10);
    if (end == args || (strcmp(end, "s") != 0 && *end != '\0')) {
        debug_error(d, "~: expected a processor: ~, or ~1s");
        return;
    }
    if (n >= machine_cpu_count(d->m)) {
        debug_error(d, "%lu is not a valid processor number", n);
        return;
    }
    debug_context_cpu(d, (unsigned)n);
    debug_print_position(d);
}

static void choose_thread(struct debugger *d, const char *args)
{
    uint64_t kthread = 0;
    if (args[0] == '/') /* /p and /r change nothing here: there is one address space, and symbols are known */
        args += strcspn(args, " ") + strspn(args + strcspn(args, " "), " ");
    if (!debug_eval_optional(d, &args, &kthread))
        return;
    if (kthread == 0) {
        if (machine_violation(d->m) != NULL)
            debug_context_cpu(d, machine_violation(d->m)->trouble.cpu);
        else if (d->timeline != NULL)
            debug_context_cpu(d, timeline_cpu(d->timeline, timeline_now(d->timeline).step));
    } else {
        unsigned thread = debug_thread_index(d, kthread);
        if (thread == DEBUG_NO_THREAD) {
            debug_error(d, "%016" PRIx64 " is not a thread object", kthread);
            return;
        }
        if (!debug_context_thread(d, thread)) {
            debug_error(d, "The thread %016" PRIx64 " has no stack", kthread);
            return;
        }
    }
    debug_print(d, "Implicit thread is now %016" PRIx64 "\n", debug_thread_address(d));
}

static void run(struct debugger *d, const char *name, const char *args)
{
    if (strcmp(name, ".thread") == 0)
        choose_thread(d, args);
    else if (*args == '\0')
        processors(d);
    else
        choose_cpu(d, args);
}

const struct debug_command debug_command_context = {
    .names = "~ .thread",
    .syntax = "[Ns | KTHREAD]",
    .help = "processors; go to processor N (~Ns); go to a thread",
    .run = run,
};
