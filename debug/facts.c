/* Facts about a stopped machine that both reports print: names of addresses, who is to blame, who
 * waits for what. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check/bugchecks.h"
#include "machine/arena.h"
#include "debug/facts.h"

void fact_name(struct symbols *s, gva_t address, bool is_return, char *out, size_t size)
{
    struct symbol y;
    symbols_find(s, is_return ? address - 1 : address, is_return, &y);
    if (y.module[0] == '\0')
        snprintf(out, size, "0x%" PRIx64, address);
    else if (y.function[0] == '\0')
        snprintf(out, size, "%s+0x%" PRIx64, y.module, y.offset);
    else if (y.offset == 0)
        snprintf(out, size, "%s!%s", y.module, y.function);
    else
        snprintf(out, size, "%s!%s+0x%" PRIx64, y.module, y.function, y.offset);
}

static void tag_text(uint32_t tag, char out[5])
{
    for (int i = 0; i < 4; i++) {
        char c = (char)(tag >> (8 * i));
        out[i] = c >= 0x20 && c < 0x7F ? c : '.';
    }
    out[4] = '\0';
}

void fact_data(const struct scene *s, gva_t address, char *out, size_t size)
{
    struct machine_pool_block block;
    if (machine_pool_block(s->machine, address, &block)) {
        char tag[5];
        tag_text(block.tag, tag);
        snprintf(out, size, "pool block %" PRIx64 " '%s'%s0x%" PRIx64, block.address, tag,
                 address < block.address ? "-" : "+",
                 address < block.address ? block.address - address : address - block.address);
        return;
    }
    if (address - RD_STACK_BASE < RD_MAX_STACKS * RD_STACK_STRIDE) {
        for (unsigned i = 0; i < machine_thread_count(s->machine); i++) {
            struct rd_thread t;
            if (machine_thread(s->machine, i, &t) && address >= t.stack_limit &&
                address < t.stack_base) {
                snprintf(out, size, "stack of %.*s-0x%" PRIx64, RD_ABI_NAME, t.name,
                         t.stack_base - address);
                return;
            }
        }
    }
    fact_name(s->symbols, address, false, out, size);
}

unsigned fact_thread(const struct scene *s)
{
    const struct violation *v = s->violation;
    if (v->trouble.kind == TROUBLE_HANG)
        return v->trouble.arg[0] < machine_thread_count(s->machine) ? (unsigned)v->trouble.arg[0]
                                                                    : NO_THREAD;
    return machine_thread_on(s->machine, v->trouble.cpu);
}

unsigned fact_stack(const struct scene *s, unsigned thread, struct stack_frame out[STACK_MAX])
{
    const struct violation *v = s->violation;
    if (thread == fact_thread(s) && v->trouble.kind == TROUBLE_UNHANDLED) /* the context's has a place of its own */
        return stack_walk(s->machine, &v->trouble.bugcheck_regs, out, STACK_MAX);
    if (thread == fact_thread(s) && v->trouble.kind != TROUBLE_HANG)
        return stack_walk(s->machine, &v->trouble.regs, out, STACK_MAX);
    return thread == NO_THREAD ? 0 : stack_walk_thread(s->machine, thread, out, STACK_MAX);
}

unsigned fact_log_start(const struct violation *v)
{
    unsigned at = 0;
    while (at < v->note_count && v->notes[at].kind != NOTE_LOG)
        at++;
    if (at < v->note_count)
        while (at > 0 && v->notes[at - 1].kind == NOTE_LINE)
            at--;
    return at;
}

static bool in_driver(const struct scene *s, gva_t address)
{
    const struct machine_image *i = machine_image_at(s->machine, address);
    return i != NULL && !stack_is_ours(i);
}

/* The first driver frame of the note that says who it was. */
static bool blamed(const struct scene *s, gva_t *address, bool *is_return)
{
    const struct violation *v = s->violation;
    for (unsigned i = 0; i < v->note_count; i++)
        for (unsigned k = 0; k < v->notes[i].count && (v->notes[i].flags & NOTE_BLAME); k++) {
            *address = v->note_frames[v->notes[i].first + k];
            *is_return = k > 0 || !(v->notes[i].flags & NOTE_EXACT);
            if (in_driver(s, *address - *is_return))
                return true;
        }
    return false;
}

static bool first_driver(const struct scene *s, const struct stack_frame *frames, unsigned count, gva_t *address,
                         bool *is_return)
{
    int at = stack_culprit(s->machine, frames, count);
    if (at < 0)
        return false;
    *address = frames[at].pc;
    *is_return = at > 0 && !frames[at].interrupt;
    return true;
}

/*
 * Who is to blame. A note that says so comes first: its monitor knows more than any stack. Else the first frame that is not of
 * an image of ours: of the exception's context, of the instruction that broke the rule, of the stack; else the driver
 * that left by a tail jump.
 */
struct culprit fact_culprit(const struct scene *s)
{
    const struct trouble *t = &s->violation->trouble;
    struct culprit c = {0};
    struct stack_frame frames[STACK_MAX];
    bool is_return = false;
    struct fact_records records = fact_records(s);
    if (blamed(s, &c.address, &is_return)) {
        c.known = true;
    } else if (records.context != 0 &&
               first_driver(s, frames, stack_walk(s->machine, &records.regs, frames, STACK_MAX), &c.address,
                            &is_return)) {
        c.known = true;
    } else if (t->kind == TROUBLE_EXECUTE && t->shadow == RD_SHADOW_UNLOADED) {
        c.address = t->address;
        c.known = true;
    } else if (t->kind == TROUBLE_EXECUTE && in_driver(s, t->from)) {
        c.address = t->from; /* who jumped there, not where it landed */
        c.known = true;
    } else if (t->kind != TROUBLE_HANG && t->kind != TROUBLE_EXECUTE && in_driver(s, t->regs.rip)) {
        c.address = t->regs.rip;
        c.known = true;
    } else {
        if (first_driver(s, frames, fact_stack(s, fact_thread(s), frames), &c.address, &is_return))
            c.known = true;
        else if (t->kind != TROUBLE_HANG && s->last_caller != NULL &&
                 (c.address = s->last_caller(s->context, fact_thread(s))) != 0)
            c.known = true;
    }
    if (!c.known)
        return c;
    symbols_find(s->symbols, is_return ? c.address - 1 : c.address, is_return, &c.symbol);
    fact_name(s->symbols, c.address, is_return, c.text, sizeof c.text);
    const struct machine_image *image = machine_image_at(s->machine, c.address);
    snprintf(c.image, sizeof c.image, "%s", image ? image->name : "");
    return c;
}

void fact_bucket(const struct scene *s, const struct culprit *c, char *out, size_t size)
{
    const struct violation *v = s->violation;
    const struct bugcheck_info *info = bugcheck_find(v->code);
    char code[80], who[160] = "unknown_image";
    if (v->code == 0)
        snprintf(code, sizeof code, "%s", v->name);
    else if (bugcheck_case(info, v->arg) != NULL)
        snprintf(code, sizeof code, "0x%X_%" PRIX64, v->code, v->arg[info->key]);
    else
        snprintf(code, sizeof code, "0x%X", v->code);
    if (c->known)
        snprintf(who, sizeof who, "%s!%s", c->symbol.module,
                 c->symbol.function[0] ? c->symbol.function : "unknown_function");
    snprintf(out, size, "%s_%s", code, who);
}

const char *fact_state(const struct rd_thread *t)
{
    switch ((enum rd_thread_state)t->state) {
    case RD_THREAD_INITIALIZED:
        return "not started";
    case RD_THREAD_READY:
        return "ready";
    case RD_THREAD_RUNNING:
        return "running";
    case RD_THREAD_WAITING:
        return "waiting";
    case RD_THREAD_SUSPENDED:
        return "suspended";
    case RD_THREAD_TERMINATED:
        return "terminated";
    }
    return "in an unknown state";
}

const char *fact_wait_name(uint32_t type)
{
    switch ((enum rd_wait_type)type) {
    case RD_WAIT_NONE:
        break;
    case RD_WAIT_EVENT:
        return "an event";
    case RD_WAIT_SEMAPHORE:
        return "a semaphore";
    case RD_WAIT_MUTEX:
        return "a mutex";
    case RD_WAIT_TIMER:
        return "a timer";
    case RD_WAIT_THREAD:
        return "the end of a thread";
    case RD_WAIT_QUEUE:
        return "a work queue";
    case RD_WAIT_DELAY:
        return "a delay to pass";
    case RD_WAIT_FAST_MUTEX:
        return "a fast mutex";
    case RD_WAIT_RUNDOWN:
        return "a rundown reference";
    case RD_WAIT_REMOVE_LOCK:
        return "a remove lock";
    case RD_WAIT_SUSPEND:
        return "its resumption";
    case RD_WAIT_OTHER:
        return "a kernel object";
    }
    return "something unknown";
}

static bool thread_by_address(const struct scene *s, gva_t kthread, struct rd_thread *out)
{
    for (unsigned i = 0; i < machine_thread_count(s->machine); i++)
        if (machine_thread(s->machine, i, out) && out->kthread == kthread)
            return true;
    return false;
}

void fact_wait(const struct scene *s, const struct rd_thread *t, char *out, size_t size)
{
    out[0] = '\0';
    if (t->state == RD_THREAD_WAITING || t->state == RD_THREAD_SUSPENDED) {
        char object[120] = "", owner[80] = "";
        struct rd_thread holder;
        if (t->wait_object != 0 && t->wait_type != RD_WAIT_DELAY) {
            char name[100];
            if (thread_by_address(s, t->wait_object, &holder))
                snprintf(object, sizeof object, " (%.*s)", RD_ABI_NAME, holder.name);
            else {
                fact_data(s, t->wait_object, name, sizeof name);
                snprintf(object, sizeof object, " at %s", name);
            }
        }
        if (t->wait_owner != 0 && thread_by_address(s, t->wait_owner, &holder))
            snprintf(owner, sizeof owner, ", held by %.*s", RD_ABI_NAME, holder.name);
        snprintf(out, size, "%s%s%s", fact_wait_name(t->wait_type), object, owner);
        return;
    }
    const struct vcpu *c = t->cpu < RD_MAX_CPUS ? machine_cpu(s->machine, t->cpu) : NULL;
    if (t->state == RD_THREAD_RUNNING && c != NULL && c->state == VCPU_AWAIT) {
        char name[100];
        if (c->await_spin) {
            fact_data(s, c->await_address, name, sizeof name);
            snprintf(out, size, "a spin lock at %s", name);
        } else {
            snprintf(out, size, "a change of what its loop reads");
        }
    }
}

const char *fact_thread_name(const struct scene *s, unsigned thread, char out[RD_ABI_NAME])
{
    struct rd_thread t;
    if (thread == NO_THREAD || !machine_thread(s->machine, thread, &t))
        snprintf(out, RD_ABI_NAME, "kernel");
    else if (t.name[0] == '\0')
        snprintf(out, RD_ABI_NAME, "thread-%u", thread);
    else
        snprintf(out, RD_ABI_NAME, "%.*s", RD_ABI_NAME - 1, t.name);
    return out;
}
