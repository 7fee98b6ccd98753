/*
 * Moving through the execution: where `g`, `p`, `t`, `gu` and their reverses stop. Steps are those of the context's
 * processor; what the others do in between happens as it was decided, and may meet a breakpoint.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "debug/debugger.h"
#include "debug/timeline.h"

#define CALL_MAX 8u /* bytes of a call instruction that is looked for in front of a return address */

/* Why a search stops. */
struct aim {
    struct debugger *d;
    unsigned cpu;      /* of the steps */
    bool any;          /* stop at the processor's next instruction */
    gva_t stop;        /* stop there on that processor; 0: none */
    gva_t stack;       /* ... when rsp is at least so high */
    gva_t call_behind; /* stop at the call in front of that return address, with rsp == stack; 0: no */
    gva_t global;      /* g ADDRESS: on any processor */
    bool back;
    int hit;           /* number of the breakpoint; -1: none */
    unsigned hit_cpu;
    int pending;       /* a data breakpoint whose access is under way, at pending_at */
    unsigned pending_cpu;
    struct timeline_position pending_at;
    bool watching;
    bool looking;      /* every instruction is asked about */
};

static bool overlaps(const struct debug_access *a, const struct breakpoint *b)
{
    return a->address < b->places[0] + b->size && b->places[0] < a->address + a->size;
}

/* Evaluated on the processor that has come to the breakpoint. */
static bool condition_holds(struct debugger *d, const struct breakpoint *b, unsigned cpu)
{
    uint64_t value;
    const char *text = b->condition;
    if (text == NULL)
        return true;
    unsigned old_cpu = d->cpu;
    struct vcpu_regs old = d->frame_regs;
    d->cpu = cpu;
    d->frame_regs = machine_cpu(d->m, cpu)->regs;
    bool good = debug_eval(d, &text, &value); /* an expression that fails says so, and stops */
    d->cpu = old_cpu;
    d->frame_regs = old;
    return !good || value != 0;
}

static bool counts(struct aim *x, int number, unsigned cpu)
{
    struct breakpoint *b = &x->d->breakpoints->list[number];
    if (!condition_holds(x->d, b, cpu))
        return false;
    if (!x->back && b->left > 1) {
        b->left--;
        return false;
    }
    x->hit = number;
    x->hit_cpu = cpu;
    return true;
}

static bool at_breakpoint(struct aim *x, unsigned cpu, const struct vcpu *c)
{
    for (unsigned i = 0; i < BREAKPOINTS_MAX; i++) {
        const struct breakpoint *b = &x->d->breakpoints->list[i];
        if (!b->set || !b->enabled || b->kind != 'e')
            continue;
        for (unsigned k = 0; k < b->place_count; k++)
            if (b->places[k] == c->regs.rip && counts(x, (int)i, cpu))
                return true;
    }
    return false;
}

static void begin_looking(void *context)
{
    struct aim *x = context;
    x->pending = -1;
    x->looking = true;
}

/* Forwards: has the access under way happened? An instruction that faulted is asked about again where it stands. */
static bool has_accessed(struct aim *x, struct timeline_position at)
{
    int number = x->pending;
    x->pending = -1;
    return number >= 0 && timeline_compare(at, x->pending_at) > 0 && counts(x, number, x->pending_cpu);
}

static bool end_looking(void *context, struct timeline_position at)
{
    struct aim *x = context;
    x->looking = false;
    x->hit = -1;
    return has_accessed(x, at);
}

static bool at_data(struct aim *x, unsigned cpu, const struct vcpu *c, struct timeline_position at)
{
    struct debug_access accesses[DEBUG_ACCESSES];
    if (has_accessed(x, at))
        return true;
    unsigned count = debug_accesses(x->d, c, accesses);
    for (unsigned i = 0; i < BREAKPOINTS_MAX; i++) {
        const struct breakpoint *b = &x->d->breakpoints->list[i];
        if (!b->set || !b->enabled || b->kind == 'e')
            continue;
        for (unsigned k = 0; k < count; k++) {
            if (!overlaps(&accesses[k], b) || !(accesses[k].write || b->kind == 'r'))
                continue;
            if (x->back)
                return counts(x, (int)i, cpu);
            x->pending = (int)i;
            x->pending_cpu = cpu;
            x->pending_at = at;
        }
    }
    return false;
}

static bool arrived(void *context, unsigned cpu, struct timeline_position at)
{
    struct aim *x = context;
    const struct vcpu *c = machine_cpu(x->d->m, cpu);
    x->hit = -1;
    x->hit_cpu = cpu;
    if (x->watching && x->looking && at_data(x, cpu, c, at))
        return true;
    if (at_breakpoint(x, cpu, c))
        return true;
    if (x->global != 0 && c->regs.rip == x->global)
        return true;
    if (cpu != x->cpu)
        return false;
    if (x->any)
        return true;
    if (x->stop != 0 && c->regs.rip == x->stop && c->regs.gpr[REG_RSP] >= x->stack)
        return true;
    unsigned length;
    return x->call_behind != 0 && c->regs.gpr[REG_RSP] == x->stack && x->call_behind - c->regs.rip - 1 < CALL_MAX &&
           debug_is_call(x->d, c->regs.rip, &length) && c->regs.rip + length == x->call_behind;
}

/* One way through the timeline; false: its end, or its beginning. */
static bool search(struct debugger *d, struct aim *x)
{
    gva_t stops[MACHINE_STOPS];
    struct timeline_range written[BREAKPOINTS_MAX];
    unsigned count = 0, written_count = 0;
    bool each = x->any;
    for (unsigned i = 0; i < BREAKPOINTS_MAX; i++) {
        const struct breakpoint *b = &d->breakpoints->list[i];
        if (!b->set || !b->enabled)
            continue;
        x->watching |= b->kind != 'e';
        each |= b->kind == 'r'; /* only writes leave marks */
        if (b->kind == 'w')
            written[written_count++] = (struct timeline_range){b->places[0], b->size};
        for (unsigned k = 0; k < b->place_count && b->kind == 'e'; k++) {
            if (count < MACHINE_STOPS - CALL_MAX - 2)
                stops[count++] = b->places[k];
            else
                each = true;
        }
    }
    if (x->stop != 0)
        stops[count++] = x->stop;
    if (x->global != 0)
        stops[count++] = x->global;
    for (unsigned i = 2; x->call_behind != 0 && i <= CALL_MAX; i++)
        stops[count++] = x->call_behind - i;
    struct timeline_search s = {.hit = arrived, .context = x, .each = each || x->watching, .stops = stops, .stop_count = count,
                                .written = written, .written_count = each ? 0 : written_count,
                                .begin = begin_looking, .end = end_looking};
    x->pending = -1;
    x->hit = -1;
    if (!x->back)
        return timeline_forward(d->timeline, &s);
    if (!timeline_backward(d->timeline, &s))
        return false;
    /* The search has gone on behind the place: ask there once more, for what it is. */
    struct timeline_position now = timeline_now(d->timeline);
    begin_looking(x);
    arrived(x, timeline_cpu(d->timeline, now.step), now);
    return true;
}

static struct aim aim_of(struct debugger *d, bool back)
{
    return (struct aim){.d = d, .cpu = d->cpu, .back = back, .hit = -1, .pending = -1};
}

static bool may_move(struct debugger *d, bool back)
{
    if (d->timeline == NULL) {
        debug_error(d, "There is no execution to move through");
        return false;
    }
    struct timeline_position now = timeline_now(d->timeline);
    if (!back && timeline_at_end(d->timeline)) {
        debug_error(d, "This is the end of the execution: %s", machine_violation(d->m) ? machine_violation(d->m)->sentence : "");
        return false;
    }
    if (back && now.step == 0 && now.n == 0) {
        debug_error(d, "This is the beginning of the execution");
        return false;
    }
    return true;
}

void debug_arrived(struct debugger *d)
{
    struct timeline_position now = timeline_now(d->timeline);
    const struct violation *v = machine_violation(d->m);
    debug_context_cpu(d, timeline_at_end(d->timeline) && v != NULL ? v->trouble.cpu : timeline_cpu(d->timeline, now.step));
    debug_print(d, "Time Travel Position: %" PRIX64 ":%" PRIX64 "%s\n", now.step, now.n,
                timeline_at_end(d->timeline) ? " (end: the violation)" : "");
    debug_print_position(d);
}

/* Where a move has come to; runs the commands of a breakpoint that was met. */
static void stopped(struct debugger *d, const struct aim *x, bool found)
{
    const struct violation *v = machine_violation(d->m);
    struct timeline_position now = timeline_now(d->timeline);
    unsigned cpu = found && x->hit_cpu < machine_cpu_count(d->m) ? x->hit_cpu : timeline_cpu(d->timeline, now.step);
    if (timeline_at_end(d->timeline) && v != NULL)
        cpu = v->trouble.cpu;
    debug_context_cpu(d, cpu);
    if (!found && !x->back)
        debug_print(d, "The end of the execution: %s\n", v != NULL ? v->sentence : "");
    else if (!found)
        debug_print(d, "The beginning of the execution\n");
    if (found && x->hit >= 0) {
        struct breakpoint *b = &d->breakpoints->list[x->hit];
        b->left = b->passes;
        debug_print(d, "Breakpoint %d hit\n", x->hit);
        if (b->commands != NULL) {
            debug_print_position(d);
            d->stopping = true;
            debugger_line(d, b->commands);
            d->stopping = false;
            return;
        }
    }
    debug_print_position(d);
}

static void go(struct debugger *d, bool back, gva_t address)
{
    for (;;) {
        struct aim x = aim_of(d, back);
        x.global = address;
        d->go_again = 0;
        stopped(d, &x, search(d, &x));
        if (d->go_again == 0 || d->quit)
            return;
        back = d->go_again < 0;
        address = 0;
        bool can = back ? timeline_instructions(d->timeline, timeline_now(d->timeline)) > 0 : !timeline_at_end(d->timeline);
        d->go_again = 0;
        if (!can)
            return;
    }
}

/* Plans one step of the processor. False: what it is about cannot be said. */
static bool plan(struct debugger *d, enum debug_move move, struct aim *x)
{
    const struct vcpu *c = machine_cpu(d->m, x->cpu);
    unsigned length;
    if (move == MOVE_UP) {
        if (!d->running || d->frame_count < 2) {
            debug_error(d, "This frame has no caller");
            return false;
        }
        x->stack = d->frames[1].sp;
        if (x->back)
            x->call_behind = d->frames[1].pc;
        else
            x->stop = d->frames[1].pc;
        return true;
    }
    if (move == MOVE_OVER && !x->back && debug_is_call(d, c->regs.rip, &length)) {
        x->stop = c->regs.rip + length;
        x->stack = c->regs.gpr[REG_RSP];
        return true;
    }
    x->any = true;
    return true;
}

/* p-: over the call that has just returned here. */
static bool back_over(struct debugger *d, struct aim *x)
{
    const struct vcpu *c = machine_cpu(d->m, x->cpu);
    gva_t here = c->regs.rip, stack = c->regs.gpr[REG_RSP];
    struct timeline_position now = timeline_now(d->timeline), before = timeline_previous(d->timeline, x->cpu, now);
    if (timeline_compare(now, before) == 0)
        return false;
    timeline_goto(d->timeline, before);
    x->hit_cpu = x->cpu;
    if (!debug_is_return(d, machine_cpu(d->m, x->cpu)->regs.rip))
        return true;
    timeline_goto(d->timeline, now);
    struct aim call = aim_of(d, true);
    call.cpu = x->cpu;
    call.call_behind = here;
    call.stack = stack;
    bool found = search(d, &call);
    if (!found) { /* nobody called: an interrupt or exception returned here */
        timeline_goto(d->timeline, before);
        found = true;
    }
    *x = call;
    x->hit_cpu = call.hit >= 0 ? call.hit_cpu : x->cpu;
    return found;
}

static bool one(struct debugger *d, enum debug_move move, bool back, struct aim *x)
{
    unsigned cpu = d->cpu;
    *x = aim_of(d, back);
    if (back && (move == MOVE_STEP || move == MOVE_OVER)) {
        if (move == MOVE_OVER)
            return back_over(d, x);
        struct timeline_position now = timeline_now(d->timeline), before = timeline_previous(d->timeline, cpu, now);
        if (timeline_compare(now, before) == 0)
            return false;
        timeline_goto(d->timeline, before);
        x->hit_cpu = cpu;
        return true;
    }
    return plan(d, move, x) && search(d, x);
}

void debug_move(struct debugger *d, enum debug_move move, bool back, gva_t address, uint64_t count)
{
    struct aim x = aim_of(d, back);
    if (!may_move(d, back))
        return;
    if (move == MOVE_GO) {
        if (d->stopping)
            d->go_again = back ? -1 : 1;
        else
            go(d, back, address);
        return;
    }
    if (!d->running) {
        debug_error(d, "The context's thread is not on a processor: switch to one that is (~), or use g");
        return;
    }
    bool found = false, to = move == MOVE_TRACE_TO || move == MOVE_STEP_TO;
    enum debug_move step = move == MOVE_TRACE_TO ? MOVE_STEP : move == MOVE_STEP_TO ? MOVE_OVER : move;
    for (uint64_t i = 0; i < count || to; i++) {
        found = one(d, step, back, &x);
        if (d->failed)
            return;
        if (!found || x.hit >= 0)
            break;
        debug_context_cpu(d, x.cpu);
        if (to && d->regs.rip == address)
            break;
        if (i + 1 < count && !to)
            debug_print_position(d);
    }
    stopped(d, &x, found);
}
