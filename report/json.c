/* The same facts as the text report, as one JSON object. Addresses are strings of hexadecimal
 * digits. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "check/bugchecks.h"
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
    symbols_find(r->scene.symbols, is_return ? f->pc - 1 : f->pc, is_return, &y);
    set(o, "sp", hex_value(f->sp));
    set(o, "pc", hex_value(f->pc));
    set(o, "return", hex_value(f->return_address));
    set(o, "module", text_value(y.module));
    set(o, "function", text_value(y.function));
    set(o, "offset", json_integer((json_int_t)y.offset));
    set(o, "unloaded", json_boolean(f->unloaded));
    struct symbol inlined[INLINE_MAX];
    unsigned n = symbols_inlined(r->scene.symbols, f->pc - is_return, inlined);
    if (n > 0) {
        json_t *list = json_array();
        for (unsigned i = 0; i < n; i++) {
            json_t *x = json_object();
            set(x, "function", text_value(inlined[i].function));
            set(x, "file", text_value(inlined[i].file));
            set(x, "line", json_integer(inlined[i].line));
            json_array_append_new(list, x);
        }
        set(o, "inlined", list);
    }
    if (y.file[0] != '\0') {
        set(o, "file", text_value(y.file));
        set(o, "line", json_integer(y.line));
    }
    return o;
}

static json_t *stack_value(const struct report *r, const struct stack_frame *frames, unsigned count)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(list, frame_value(r, &frames[i], i == 0));
    return list;
}

static json_t *thread_value(const struct report *r, unsigned index, const struct rd_thread *t)
{
    char name[RD_ABI_NAME], wait[240];
    struct stack_frame frames[STACK_MAX];
    json_t *o = json_object();
    fact_wait(&r->scene, t, wait, sizeof wait);
    char id[24], start[160];
    snprintf(id, sizeof id, "%04x.%04x", (unsigned)(t->id >> 32), (unsigned)t->id);
    fact_name(r->scene.symbols, t->start_routine, false, start, sizeof start);
    bool waiting = t->state == RD_THREAD_WAITING || t->state == RD_THREAD_SUSPENDED;
    set(o, "address", hex_value(t->kthread));
    set(o, "cid", json_string(id));
    set(o, "start", text_value(start));
    set(o, "shown", json_boolean(index == fact_thread(&r->scene) || fact_thread_matters(&r->scene, index, t)));
    if (waiting) {
        set(o, "wait_reason", json_string(fact_wait_reason(t)));
        set(o, "wait_object", hex_value(t->wait_object));
        set(o, "wait_type", json_string(fact_wait_object(t)));
    }
    set(o, "name", text_value(fact_thread_name(&r->scene, index, name)));
    set(o, "processor", json_integer(t->cpu));
    set(o, "state", text_value(fact_state(t)));
    set(o, "waits_for", text_value(wait));
    unsigned n = t->state == RD_THREAD_TERMINATED || t->state == RD_THREAD_INITIALIZED
                     ? 0
                     : fact_stack(&r->scene, index, frames);
    set(o, "stack", stack_value(r, frames, n));
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
        set(o, "thread", text_value(fact_thread_name(&r->scene, row->thread, name)));
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
        set(o, "thread", text_value(fact_thread_name(&r->scene, s->thread, name)));
        set(o, "seconds", json_real((double)(s->to - s->from) / 1e7));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *notes_value(const struct report *r)
{
    static const char *const kinds[] = {
        [NOTE_LINE] = "line", [NOTE_STACK] = "stack", [NOTE_LOG] = "log", [NOTE_THREAD] = "thread"};
    const struct violation *v = r->scene.violation;
    json_t *list = json_array();
    for (unsigned i = 0; i < v->note_count; i++) {
        const struct violation_note *n = &v->notes[i];
        json_t *o = json_object(), *stack = json_array();
        set(o, "kind", json_string(kinds[n->kind]));
        set(o, "text", text_value(n->text));
        if (n->kthread != NOTE_NOBODY)
            set(o, "thread", hex_value(n->kthread));
        for (unsigned k = 0; k < n->count; k++) {
            bool is_return = k > 0 || !(n->flags & NOTE_EXACT);
            struct stack_frame f = {.pc = v->note_frames[n->first + k], .interrupt = !is_return};
            json_array_append_new(stack, frame_value(r, &f, false));
        }
        set(o, "stack", stack);
        json_array_append_new(list, o);
    }
    return list;
}

static void set_records(json_t *o, const struct report *r)
{
    static const char *const registers[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                            "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
    struct fact_records f = fact_records(&r->scene);
    if (f.record != 0) {
        json_t *x = json_object(), *parameters = json_array();
        set(x, "at", hex_value(f.record));
        set(x, "code", hex_value(f.code));
        set(x, "meaning", json_string(exception_name(f.code)));
        set(x, "flags", hex_value(f.flags));
        set(x, "address", hex_value(f.address));
        for (uint32_t i = 0; i < f.parameter_count; i++)
            json_array_append_new(parameters, hex_value(f.parameter[i]));
        set(x, "parameters", parameters);
        set(o, "exception_record", x);
    }
    if (f.context != 0) {
        struct stack_frame frames[STACK_MAX];
        json_t *x = json_object();
        set(x, "at", hex_value(f.context));
        for (int i = 0; i < 16; i++)
            set(x, registers[i], hex_value(f.regs.gpr[i]));
        set(x, "rip", hex_value(f.regs.rip));
        set(x, "efl", hex_value(f.rflags));
        set(x, "stack", stack_value(r, frames, stack_walk(r->scene.machine, &f.regs, frames, STACK_MAX)));
        set(o, "context", x);
    }
}

static void set_violation(json_t *o, const struct report *r)
{
    const struct violation *v = r->scene.violation;
    struct culprit c = fact_culprit(&r->scene);
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
    set(o, "thread", text_value(fact_thread_name(&r->scene, fact_thread(&r->scene), name)));
    for (unsigned i = 0; i < machine_thread_count(r->scene.machine); i++) {
        struct rd_thread t;
        if (machine_thread(r->scene.machine, i, &t))
            json_array_append_new(threads, thread_value(r, i, &t));
    }
    set(o, "threads", threads);
    set(o, "notes", notes_value(r));
    set_records(o, r);
    char bucket[256];
    fact_bucket(&r->scene, &c, bucket, sizeof bucket);
    set(o, "bucket", text_value(bucket));
    if (v->code != 0) {
        const struct bugcheck_info *info = bugcheck_find(v->code);
        if (info->text != NULL)
            set(o, "explanation", text_value(info->text));
    }
    if (r->recording != NULL) {
        set(o, "interleaving", interleaving_value(r));
        set(o, "stalls", stalls_value(r));
        set(o, "schedule_steps", json_integer((json_int_t)r->recording->steps));
        set(o, "switches", json_integer((json_int_t)r->recording->switches));
        set(o, "preemptions", json_integer((json_int_t)r->recording->preemptions));
    }
}

/* What `rundown merge` needs. */
static void set_check(json_t *o, const struct report_facts *f)
{
    char sharing[24];
    if (f->check == NULL)
        return;
    snprintf(sharing, sizeof sharing, "%016" PRIx64, f->sharing);
    set(o, "check", json_string(f->check));
    set(o, "shard", json_integer(f->shards != 0 ? f->shard : 1));
    set(o, "shards", json_integer(f->shards != 0 ? f->shards : 1));
    set(o, "finished", json_boolean(f->finished));
    set(o, "sharing", json_string(sharing));
    if (f->key != NULL) {
        set(o, "key", text_value(f->key));
        set(o, "count", json_integer((json_int_t)f->count));
    }
}

void report_json(const struct report *r, FILE *out)
{
    const struct report_facts *f = &r->facts;
    json_t *o = json_object();
    RD_ASSERT(o != NULL);
    set(o, "verdict", json_string(r->scene.violation != NULL ? "violation" : "no violation"));
    set(o, "subject", text_value(f->subject));
    if (f->strategy != NULL) {
        set(o, "strategy", text_value(f->strategy));
        set(o, "executions", json_integer((json_int_t)f->executions));
        set(o, "redundant", json_integer((json_int_t)f->blocked));
        set(o, "steps", json_integer((json_int_t)f->steps));
        set(o, "shared_locations", json_integer((json_int_t)f->shared));
        set(o, "claim", text_value(f->claim ? f->claim : ""));
        set(o, "covered", text_value(f->covers ? f->covers : ""));
        set(o, "bounds", text_value(f->bounds ? f->bounds : ""));
        set_check(o, f);
    }
    if (f->failure != NULL)
        set(o, "failure_file", text_value(f->failure));
    if (r->scene.violation != NULL) {
        set_violation(o, r);
    } else {
        struct str missing = {0};
        report_never_entered(r->scene.machine, r->scene.symbols, &missing);
        set(o, "never_entered", text_value(missing.data ? missing.data : ""));
        str_free(&missing);
    }
    char *text = json_dumps(o, JSON_INDENT(1));
    RD_ASSERT(text != NULL);
    json_decref(o);
    fprintf(out, "%s\n", text);
    free(text);
}
