/* The same facts as the text report, as one JSON object. Addresses are strings of hexadecimal
 * digits. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "report/coverage.h"
#include "report/internal.h"

#define ROW_LIMIT 20000

/* Text from images and scenarios: what is not UTF-8 becomes '?'. */
static json_t *text_value(const char *text)
{
    json_t *value = json_string(text);
    if (value == NULL) {
        char *copy = str_dup(text);
        for (char *c = copy; *c != '\0'; c++)
            if ((unsigned char)*c >= 0x80)
                *c = '?';
        value = json_string(copy);
        free(copy);
    }
    RD_ASSERT(value != NULL);
    return value;
}

static json_t *hex_value(uint64_t a)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIx64, a);
    return json_string(text);
}

static void set(json_t *o, const char *key, json_t *value)
{
    RD_ASSERT(value != NULL && json_object_set_new(o, key, value) == 0);
}

static json_t *frame_value(const struct report *r, const struct stack_frame *f, bool first)
{
    bool is_return = !first && !f->interrupt;
    struct symbol y;
    json_t *o = json_object();
    symbols_find(r->symbols, is_return ? f->pc - 1 : f->pc, is_return, &y);
    set(o, "sp", hex_value(f->sp));
    set(o, "pc", hex_value(f->pc));
    set(o, "return", hex_value(f->return_address));
    set(o, "module", text_value(y.module));
    set(o, "function", text_value(y.function));
    set(o, "offset", json_integer((json_int_t)y.offset));
    set(o, "unloaded", json_boolean(f->unloaded));
    if (y.file[0] != '\0') {
        set(o, "file", text_value(y.file));
        set(o, "line", json_integer(y.line));
    }
    return o;
}

static json_t *thread_value(const struct report *r, unsigned index, const struct rd_thread *t)
{
    char name[RD_ABI_NAME], wait[240];
    struct stack_frame frames[STACK_MAX];
    json_t *o = json_object(), *stack = json_array();
    fact_wait(r, t, wait, sizeof wait);
    set(o, "name", text_value(fact_thread_name(r, index, name)));
    set(o, "processor", json_integer(t->cpu));
    set(o, "state", text_value(fact_state(t)));
    set(o, "waits_for", text_value(wait));
    unsigned n = t->state == RD_THREAD_TERMINATED || t->state == RD_THREAD_INITIALIZED
                     ? 0
                     : fact_stack(r, index, frames);
    for (unsigned i = 0; i < n; i++)
        json_array_append_new(stack, frame_value(r, &frames[i], i == 0));
    set(o, "stack", stack);
    return o;
}

static json_t *interleaving_value(const struct report *r)
{
    json_t *list = json_array();
    struct rows rows = rows_make(r, ROW_LIMIT, true);
    char name[RD_ABI_NAME];
    for (size_t i = 0; i < rows.count; i++) {
        const struct row *row = &rows.data[i];
        if (!row->kept)
            continue;
        json_t *o = json_object();
        set(o, "row", json_integer((json_int_t)row->number));
        set(o, "step", json_integer((json_int_t)row->step));
        set(o, "thread", text_value(fact_thread_name(r, row->thread, name)));
        set(o, "depth", json_integer(row->depth));
        set(o, "text", text_value(row->text));
        json_array_append_new(list, o);
    }
    vec_free(&rows);
    return list;
}

static json_t *stalls_value(const struct report *r)
{
    json_t *list = json_array();
    char name[RD_ABI_NAME];
    for (size_t i = 0; i < r->recording->stalls.count; i++) {
        const struct stall *s = &r->recording->stalls.data[i];
        json_t *o = json_object();
        set(o, "thread", text_value(fact_thread_name(r, s->thread, name)));
        set(o, "seconds", json_real((double)(s->to - s->from) / 1e7));
        json_array_append_new(list, o);
    }
    return list;
}

/* The frame that has ended and the call that handed the pointer over, innermost first. */
static json_t *hold_value(const struct report *r, const struct machine_hold *h)
{
    json_t *o = json_object(), *calls = json_array();
    char text[400];
    fact_name(r->symbols, h->function, true, text, sizeof text);
    set(o, "frame_of", text_value(text));
    set(o, "pointer", hex_value(h->pointer));
    set(o, "meaning", text_value(check_hold_name(h->kind)));
    set(o, "step", json_integer((json_int_t)h->step));
    set(o, "ended_step", json_integer((json_int_t)h->ended_step));
    for (unsigned i = 0; i < h->stack_count; i++) {
        fact_name(r->symbols, h->stack[i], i > 0, text, sizeof text);
        json_array_append_new(calls, text_value(text));
    }
    set(o, "handed_over", calls);
    return o;
}

static void set_violation(json_t *o, const struct report *r)
{
    const struct violation *v = r->violation;
    struct culprit c = fact_culprit(r);
    json_t *arguments = json_array(), *threads = json_array();
    set(o, "rule", text_value(v->rule));
    set(o, "culprit", text_value(c.symbol.function));
    set(o, "symbol", text_value(c.text));
    set(o, "image", text_value(c.image));
    set(o, "sentence", text_value(v->sentence));
    set(o, "bugcheck", text_value(v->name));
    char code[16];
    snprintf(code, sizeof code, "0x%x", v->code);
    set(o, "code", json_string(code));
    for (int i = 0; i < 4; i++) {
        json_t *a = json_object();
        set(a, "value", hex_value(v->arg[i]));
        set(a, "meaning", text_value(v->arg_text[i]));
        json_array_append_new(arguments, a);
    }
    set(o, "arguments", arguments);
    char name[RD_ABI_NAME];
    set(o, "thread", text_value(fact_thread_name(r, fact_thread(r), name)));
    for (unsigned i = 0; i < machine_thread_count(r->machine); i++) {
        struct rd_thread t;
        if (machine_thread(r->machine, i, &t))
            json_array_append_new(threads, thread_value(r, i, &t));
    }
    set(o, "threads", threads);
    struct machine_hold hold;
    if (fact_hold(r, &hold))
        set(o, "dead_frame", hold_value(r, &hold));
    if (r->recording != NULL) {
        set(o, "interleaving", interleaving_value(r));
        set(o, "stalls", stalls_value(r));
    }
}

void report_json(const struct report *r, FILE *out)
{
    const struct report_facts *f = &r->facts;
    json_t *o = json_object();
    RD_ASSERT(o != NULL);
    set(o, "verdict", json_string(r->violation != NULL ? "violation" : "no violation"));
    set(o, "subject", text_value(f->subject));
    if (f->strategy != NULL) {
        set(o, "strategy", text_value(f->strategy));
        set(o, "executions", json_integer((json_int_t)f->executions));
        set(o, "redundant", json_integer((json_int_t)f->blocked));
        set(o, "steps", json_integer((json_int_t)f->steps));
        set(o, "shared_locations", json_integer((json_int_t)f->shared));
        set(o, "claim", text_value(f->claim ? f->claim : ""));
        set(o, "covered", text_value(f->covers ? f->covers : ""));
    }
    if (f->failure != NULL)
        set(o, "failure_file", text_value(f->failure));
    if (r->violation != NULL) {
        set_violation(o, r);
    } else {
        struct str missing = {0};
        report_never_entered(r->machine, r->symbols, &missing);
        set(o, "never_entered", text_value(missing.data ? missing.data : ""));
        str_free(&missing);
    }
    char *text = json_dumps(o, JSON_INDENT(1));
    RD_ASSERT(text != NULL);
    json_decref(o);
    fprintf(out, "%s\n", text);
    free(text);
}
