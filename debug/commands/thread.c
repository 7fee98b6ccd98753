/* !thread, !process, !stacks, !running, !irql: threads and processors as kdexts shows them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "debug/facts.h"
#include "debug/layout.h"

#define PROCESS_LIMIT 128u

static const char *state_text(struct debugger *d, const struct rd_thread *t, const struct object *thread, char *out, size_t size)
{
    struct object k = *thread;
    switch ((enum rd_thread_state)t->state) {
    case RD_THREAD_RUNNING:
        snprintf(out, size, "RUNNING on processor %x", t->cpu);
        break;
    case RD_THREAD_WAITING:
    case RD_THREAD_SUSPENDED:
        snprintf(out, size, "WAIT: (%s) %s %s", fact_wait_reason(t), object_get(&k, "WaitMode") ? "UserMode" : "KernelMode",
                 object_get(&k, "Alertable") ? "Alertable" : "Non-Alertable");
        break;
    case RD_THREAD_READY:
        snprintf(out, size, "READY on processor %x", t->cpu);
        break;
    case RD_THREAD_INITIALIZED:
        snprintf(out, size, "INITIALIZED");
        break;
    case RD_THREAD_TERMINATED:
        snprintf(out, size, "TERMINATED");
        break;
    }
    (void)d;
    return out;
}

static void print_waits(struct debugger *d, const struct rd_thread *t, struct object *k)
{
    if (t->state != RD_THREAD_WAITING && t->state != RD_THREAD_SUSPENDED)
        return;
    struct scene scene = debug_scene(d);
    char wait[240];
    if (t->wait_object != 0)
        debug_print(d, "    %016" PRIx64 "  %s\n", t->wait_object, fact_wait_object(t));
    uint64_t count = object_get(k, "WaitBlockCount");
    for (uint64_t i = 0; i < count && i < 3; i++) {
        char path[40];
        snprintf(path, sizeof path, "WaitBlock[%" PRIu64 "].Object", i);
        gva_t object = object_get(k, path);
        struct rd_thread other = {.wait_object = object, .wait_type = RD_WAIT_EVENT};
        if (object != 0 && object != t->wait_object && t->wait_type != RD_WAIT_FAST_MUTEX &&
            t->wait_type != RD_WAIT_RUNDOWN && t->wait_type != RD_WAIT_REMOVE_LOCK)
            debug_print(d, "    %016" PRIx64 "  %s\n", object, fact_wait_object(&other));
    }
    fact_wait(&scene, t, wait, sizeof wait);
    if (wait[0] != '\0')
        debug_print(d, "    for %s\n", wait);
}

static void print_irps(struct debugger *d, struct object *e)
{
    uint64_t offset = layout_offset(d, "IRP", "ThreadListEntry");
    struct list l = list_open(d, object_field(e, "IrpList"));
    gva_t irp;
    bool any = false;
    while (list_next(&l, offset, &irp)) {
        struct object i = object_open(d, "IRP", irp);
        if (!any)
            debug_print(d, "IRP List:\n");
        any = true;
        debug_print(d, "    %016" PRIx64 ": (%04" PRIx64 ",%04" PRIx64 ") Flags: %08" PRIx64 "  Mdl: %08" PRIx64 "\n", irp,
                    object_get(&i, "Type") & 0xFFFF, object_get(&i, "Size") & 0xFFFF, object_get(&i, "Flags") & 0xFFFFFFFF,
                    object_get(&i, "MdlAddress"));
    }
}

static void thread_line(struct debugger *d, const struct rd_thread *t, struct object *k, const char *indent)
{
    char state[80], name[RD_ABI_NAME + 1];
    snprintf(name, sizeof name, "%.*s", RD_ABI_NAME, t->name);
    debug_print(d, "%sTHREAD %016" PRIx64 "  Cid %04x.%04x  Teb: %016" PRIx64 " Win32Thread: %016" PRIx64 " %s\n", indent,
                t->kthread, (unsigned)(t->id >> 32), (unsigned)t->id, object_get(k, "Teb"), object_get(k, "Win32Thread"),
                state_text(d, t, k, state, sizeof state));
}

/* Lines of things that this kernel does not have (device maps, times, I/O priorities) are left out. */
static void print_thread(struct debugger *d, unsigned index, unsigned flags)
{
    struct rd_thread t;
    char symbol[DEBUG_SYMBOL], image[32];
    machine_thread(d->m, index, &t);
    struct object k = object_open(d, "KTHREAD", t.kthread), e = object_open(d, "ETHREAD", t.kthread);
    thread_line(d, &t, &k, "");
    if (!(flags & 2))
        return;
    print_waits(d, &t, &k);
    print_irps(d, &e);
    debug_print(d, "Not impersonating\n");
    gva_t home = object_get(&e, "ThreadsProcess"), attached = object_get(&k, "ApcState.Process");
    struct object p = object_open(d, "EPROCESS", home), a = object_open(d, "EPROCESS", attached);
    debug_print(d, "%-26s%016" PRIx64 "       %-15s%s\n", "Owning Process", home, "Image:",
                object_text(&p, "ImageFileName", image, sizeof image));
    if (object_get(&k, "ApcStateIndex") != 0)
        debug_print(d, "%-26s%016" PRIx64 "       %-15s%s\n", "Attached Process", attached, "Image:",
                    object_text(&a, "ImageFileName", image, sizeof image));
    else
        debug_print(d, "%-26s%-15s%-15s%s\n", "Attached Process", "N/A", "Image:", "N/A");
    struct object prcb = object_open(d, "KPRCB", object_get(&k, "Prcb"));
    debug_print(d, "%-26s%-15" PRIu64 "IdealProcessor: %" PRIu64 "\n", "Context Switch Count", object_get(&k, "ContextSwitches"),
                object_get(&prcb, "Number"));
    int64_t normal = (int64_t)object_get(&k, "KernelApcDisable"), special = (int64_t)object_get(&k, "SpecialApcDisable");
    if (normal != 0 || special != 0)
        debug_print(d, "%-26sKernelApcDisable %" PRId64 "  SpecialApcDisable %" PRId64 "\n", "APCs disabled", normal, special);
    gva_t start = object_get(&e, "StartAddress");
    if (start == 0)
        start = t.start_routine;
    debug_print(d, "Win32 Start Address %s(0x%016" PRIx64 ")\n", debug_symbol(d, start, symbol), start);
    gva_t current = t.saved_rsp;
    for (unsigned cpu = 0; cpu < machine_cpu_count(d->m); cpu++)
        if (machine_thread_on(d->m, cpu) == index)
            current = machine_cpu(d->m, cpu)->regs.gpr[REG_RSP];
    debug_print(d, "Stack Init %016" PRIx64 " Current %016" PRIx64 "\n", object_get(&k, "InitialStack"), current);
    debug_print(d, "Base %016" PRIx64 " Limit %016" PRIx64 " Call %016x\n", t.stack_base, t.stack_limit, 0);
    debug_print(d, "Priority %" PRId64 " BasePriority %" PRId64 " UnusualBoost 0 ForegroundBoost 0\n",
                (int64_t)object_get(&k, "Priority"), (int64_t)object_get(&k, "BasePriority"));
    if (k.bad)
        debug_print(d, "(parts of the KTHREAD are not readable)\n");
    if (flags & 4)
        debug_print_stack(d, index);
}

static void command_thread(struct debugger *d, const char *args)
{
    uint64_t address = ~0ull, flags = 6;
    if (!debug_eval_optional(d, &args, &address) || !debug_eval_optional(d, &args, &flags))
        return;
    unsigned index = address == ~0ull ? d->thread : debug_thread_index(d, address);
    struct rd_thread t;
    char text[DEBUG_ADDRESS];
    if (address == ~0ull && index == DEBUG_NO_THREAD)
        debug_error(d, "Processor %x runs no thread", d->cpu);
    else if (index == DEBUG_NO_THREAD || !machine_thread(d->m, index, &t))
        debug_error(d, "%s is not a thread object", debug_address(address, text));
    else
        print_thread(d, index, (unsigned)flags);
}

/* Idle threads belong to no process of the list, as in Windows. */
static bool in_process(struct debugger *d, unsigned index, gva_t process, struct rd_thread *t)
{
    if (!machine_thread(d->m, index, t) || (uint32_t)t->id == 0)
        return false;
    struct object e = object_open(d, "ETHREAD", t->kthread);
    return object_get(&e, "ThreadsProcess") == process;
}

static unsigned processes(struct debugger *d, gva_t out[PROCESS_LIMIT])
{
    unsigned count = 0;
    struct rd_thread t;
    for (unsigned i = 0; i < machine_thread_count(d->m); i++) {
        if (!machine_thread(d->m, i, &t))
            continue;
        struct object e = object_open(d, "ETHREAD", t.kthread);
        gva_t p = object_get(&e, "ThreadsProcess");
        unsigned k = 0;
        while (k < count && out[k] != p)
            k++;
        if (p != 0 && k == count && count < PROCESS_LIMIT)
            out[count++] = p;
    }
    return count;
}

static void print_process(struct debugger *d, gva_t process, unsigned flags)
{
    char image[32];
    struct rd_thread t;
    struct object p = object_open(d, "EPROCESS", process);
    uint64_t cid = object_get(&p, "UniqueProcessId");
    if (object_failed(&p, "_EPROCESS"))
        return;
    debug_print(d, "PROCESS %016" PRIx64 "\n    SessionId: none  Cid: %04" PRIx64 "    Peb: 00000000  ParentCid: 0000\n", process, cid);
    debug_print(d, "    ObjectTable: %016" PRIx64 "\n    Image: %s\n", object_get(&p, "ObjectTable"),
                object_text(&p, "ImageFileName", image, sizeof image));
    for (unsigned i = 0; (flags & 2) && i < machine_thread_count(d->m); i++) {
        if (!in_process(d, i, process, &t))
            continue;
        struct object k = object_open(d, "KTHREAD", t.kthread);
        debug_print(d, "\n");
        thread_line(d, &t, &k, "        ");
        print_waits(d, &t, &k);
        if (flags & 4)
            debug_print_stack(d, i);
    }
    debug_print(d, "\n");
}

static void command_process(struct debugger *d, const char *args)
{
    uint64_t address = ~0ull, flags = 3;
    gva_t all[PROCESS_LIMIT];
    unsigned count = processes(d, all);
    bool given = *args != '\0';
    if (!debug_eval_optional(d, &args, &address) || !debug_eval_optional(d, &args, &flags))
        return;
    if (given && address == 0) {
        debug_print(d, "**** NT ACTIVE PROCESS DUMP ****\n");
        for (unsigned i = 0; i < count; i++)
            print_process(d, all[i], (unsigned)flags);
        return;
    }
    struct object e = object_open(d, "ETHREAD", debug_thread_address(d));
    if (address == ~0ull)
        address = object_get(&e, "ThreadsProcess");
    for (unsigned i = 0; i < count; i++)
        if (all[i] == address) {
            print_process(d, address, (unsigned)flags);
            return;
        }
    char text[DEBUG_ADDRESS];
    debug_error(d, "%s is not a process with threads", debug_address(address, text));
}

/* Where it is: the first frame behind those that only wait or switch. */
static void blocker(struct debugger *d, unsigned index, char out[DEBUG_SYMBOL])
{
    static const char *const uninteresting[] = {"nt!KiSwap", "nt!KeWait", "nt!KiWait", "nt!KeDelay", "nt!KiIdle", "nt!KeRemoveQueue"};
    struct stack_frame frames[STACK_MAX];
    unsigned n = stack_walk_thread(d->m, index, frames, STACK_MAX);
    snprintf(out, DEBUG_SYMBOL, "no stack");
    for (unsigned i = 0; i < n; i++) {
        bool wait = false;
        if (i > 0 && !frames[i].interrupt)
            debug_symbol_return(d, frames[i].pc, out);
        else
            debug_symbol(d, frames[i].pc, out);
        for (size_t k = 0; k < sizeof uninteresting / sizeof uninteresting[0]; k++)
            wait |= strncmp(out, uninteresting[k], strlen(uninteresting[k])) == 0;
        if (!wait)
            return;
    }
}

static void command_stacks(struct debugger *d, const char *args)
{
    static const char *const states[] = {"INITED", "READY", "RUNNING", "Blocked", "Suspended", "Terminated"};
    gva_t all[PROCESS_LIMIT];
    unsigned count = processes(d, all), shown = 0;
    debug_print(d, "Proc.Thread  .Thread           ThreadState Blocker\n");
    for (unsigned p = 0; p < count; p++) {
        char image[32], symbol[DEBUG_SYMBOL];
        struct object o = object_open(d, "EPROCESS", all[p]);
        debug_print(d, "                            [%016" PRIx64 " %s]\n", all[p], object_text(&o, "ImageFileName", image, sizeof image));
        for (unsigned i = 0; i < machine_thread_count(d->m); i++) {
            struct rd_thread t;
            if (!in_process(d, i, all[p], &t))
                continue;
            shown++;
            blocker(d, i, symbol);
            if (*args != '\0' && strchr("0123456789", *args) == NULL && strstr(symbol, args) == NULL)
                continue;
            debug_print(d, "%4x.%06x  %016" PRIx64 " %-11s %s\n", (unsigned)(t.id >> 32), (unsigned)t.id, t.kthread,
                        t.state < 6 ? states[t.state] : "?", symbol);
        }
    }
    debug_print(d, "\nThreads Processed: %u\n", shown);
}

static void command_running(struct debugger *d)
{
    unsigned count = machine_cpu_count(d->m);
    debug_print(d, "System Processors:  (%x)\n\n       Prcbs             Current         (pri) Next            (pri) Idle\n", count);
    for (unsigned cpu = 0; cpu < count; cpu++) {
        gva_t prcb;
        if (!debug_read64(d, machine_cpu(d->m, cpu)->pcr + RD_PCR_PRCB, &prcb))
            continue;
        struct object p = object_open(d, "KPRCB", prcb);
        gva_t current = object_get(&p, "CurrentThread"), next = object_get(&p, "NextThread"), idle = object_get(&p, "IdleThread");
        if (current == idle && cpu != d->cpu)
            continue; /* as WinDbg without -i */
        struct object k = object_open(d, "KTHREAD", current), n = object_open(d, "KTHREAD", next);
        debug_print(d, " %3x   %016" PRIx64 "  %016" PRIx64 " (%2" PRId64 ") ", cpu, prcb, current, (int64_t)object_get(&k, "Priority"));
        if (next != 0)
            debug_print(d, "%016" PRIx64 " (%2" PRId64 ") ", next, (int64_t)object_get(&n, "Priority"));
        else
            debug_print(d, "%21s ", "");
        debug_print(d, "%016" PRIx64 "\n", idle);
    }
}

static void command_irql(struct debugger *d, const char *args)
{
    static const char *const names[16] = {"LOW_LEVEL", "APC_LEVEL", "DISPATCH_LEVEL", [13] = "CLOCK_LEVEL", [14] = "IPI_LEVEL", [15] = "HIGH_LEVEL"};
    uint64_t cpu = d->cpu;
    if (!debug_eval_optional(d, &args, &cpu))
        return;
    if (cpu >= machine_cpu_count(d->m)) {
        debug_error(d, "There is no processor %" PRIx64, cpu);
        return;
    }
    unsigned irql = machine_cpu(d->m, (unsigned)cpu)->irql & 15;
    debug_print(d, "Debugger saved IRQL for processor 0x%" PRIx64 " -- %u (%s)\n", cpu, irql, names[irql] ? names[irql] : "device");
}

static void run(struct debugger *d, const char *name, const char *args)
{
    if (strcmp(name, "!thread") == 0)
        command_thread(d, args);
    else if (strcmp(name, "!process") == 0)
        command_process(d, args);
    else if (strcmp(name, "!stacks") == 0)
        command_stacks(d, args);
    else if (strcmp(name, "!running") == 0)
        command_running(d);
    else
        command_irql(d, args);
}

const struct debug_command debug_command_thread = {
    .names = "!thread !process !stacks !running !irql",
    .syntax = "[ADDRESS | -1 [FLAGS]]",
    .help = "a thread (-1: the present one); processes (0: all); where threads are; processors; IRQL",
    .run = run,
};
