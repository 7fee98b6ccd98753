/*
 * The interleaving as rows: events in words, and which of them decided the run. A row's weight says
 * what is left out first when there are too many: 4  touches what the violation touched; images
 * coming and going; driver entry and unload; APCs; timers 3  the first and the last row of a
 * stretch that one thread runs; a driver's routine entered; a verb of the scenario 2  a driver's
 * call into the kernel 1  shared accesses 0  returns, signals, wake-ups: left out of a text, unless
 * they touch what the violation touched Among equals the later ones stay: the violation is at the
 * end.
 */
#include <Zydis/Zydis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/arena.h"
#include "report/internal.h"

#define RANGES 8

struct maker {
    const struct report *report;
    struct rows rows;
    struct {
        gva_t start, end;
    } touched[RANGES]; /* what the violation is about */
    unsigned touched_count;
    struct per_thread {
        int depth;
        size_t call;      /* 1 + row of the call that has not returned */
        gva_t announced;  /* routine that a row has already named */
        char request[48]; /* what the next callback is given: "IRP_MJ_PNP.2" */
    } threads[RD_MAX_STACKS + 1];
};

static void touch(struct maker *k, gva_t address)
{
    struct machine_pool_block block;
    if (k->touched_count == RANGES || (address >> 47) == 0)
        return;
    gva_t start = address & ~7ull, end = start + 8;
    if (machine_pool_block(k->report->scene.machine, address, &block)) {
        start = block.address;
        end = block.address + block.bytes;
    } else if (machine_image_at(k->report->scene.machine, address) != NULL) {
        return; /* code: the image's coming and going is what matters */
    }
    k->touched[k->touched_count].start = start;
    k->touched[k->touched_count++].end = end;
}

static void find_touched(struct maker *k)
{
    const struct violation *v = k->report->scene.violation;
    switch (v->trouble.kind) {
    case TROUBLE_ACCESS:
    case TROUBLE_FAULT:
    case TROUBLE_EXECUTE:
    case TROUBLE_HANG:
    case TROUBLE_UNHANDLED:
    case TROUBLE_DEAD_FRAME:
        touch(k, v->trouble.address);
        break;
    case TROUBLE_EXCEPTION:
    case TROUBLE_EXPECT:
        break;
    case TROUBLE_BUGCHECK:
        for (int i = 0; i < 4; i++)
            touch(k, v->trouble.arg[i]);
        break;
    }
}

static bool touches(const struct maker *k, gva_t address, uint64_t bytes)
{
    for (unsigned i = 0; i < k->touched_count; i++)
        if (address < k->touched[i].end && address + bytes > k->touched[i].start)
            return true;
    return false;
}

static struct per_thread *state_of(struct maker *k, const struct record *r)
{
    return &k->threads[r->thread < RD_MAX_STACKS ? r->thread : RD_MAX_STACKS];
}

__attribute__((format(printf, 4, 5))) static struct row *
add(struct maker *k, const struct record *r, int weight, const char *format, ...)
{
    struct row row = {.number = k->rows.count + 1,
                      .step = r->event.step,
                      .thread = r->thread,
                      .depth = state_of(k, r)->depth,
                      .weight = weight};
    va_list args;
    va_start(args, format);
    vsnprintf(row.text, sizeof row.text, format, args);
    va_end(args);
    vec_push(&k->rows, row);
    return &k->rows.data[k->rows.count - 1];
}

static const char *kernel_name(const char *name)
{
    return strncmp(name, "nt!", 3) == 0 ? name + 3 : name;
}

/* "lock dec [upper!Counter]" from the instruction's bytes and the address that it touched. */
static void access_text(const struct maker *k, const struct record *r, char *out, size_t size)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    char data[100];
    fact_data(&k->report->scene, r->event.a, data, sizeof data);
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, r->code, sizeof r->code, &insn, operands))) {
        snprintf(out, size, "%s [%s]", r->event.c ? "writes" : "reads", data);
        return;
    }
    const char *lock = insn.attributes & ZYDIS_ATTRIB_HAS_LOCK ? "lock " : "";
    const char *direction =
        insn.mnemonic == ZYDIS_MNEMONIC_MOV ? (r->event.c ? " (write)" : " (read)") : "";
    snprintf(out, size, "%s%s [%s]%s", lock, ZydisMnemonicGetString(insn.mnemonic), data,
             direction);
}

static void routine_row(struct maker *k, const struct record *r, const char *what, gva_t routine)
{
    char name[100];
    fact_name(k->report->scene.symbols, routine, false, name, sizeof name);
    add(k, r, 4, "%s -> %s", what, name);
    state_of(k, r)->announced = routine;
}

static void remember_request(struct maker *k, const struct record *r)
{
    static const char *const majors[] = {"CREATE",
                                         "CREATE_NAMED_PIPE",
                                         "CLOSE",
                                         "READ",
                                         "WRITE",
                                         "QUERY_INFORMATION",
                                         "SET_INFORMATION",
                                         "QUERY_EA",
                                         "SET_EA",
                                         "FLUSH_BUFFERS",
                                         "QUERY_VOLUME_INFORMATION",
                                         "SET_VOLUME_INFORMATION",
                                         "DIRECTORY_CONTROL",
                                         "FILE_SYSTEM_CONTROL",
                                         "DEVICE_CONTROL",
                                         "INTERNAL_DEVICE_CONTROL",
                                         "SHUTDOWN",
                                         "LOCK_CONTROL",
                                         "CLEANUP",
                                         "CREATE_MAILSLOT",
                                         "QUERY_SECURITY",
                                         "SET_SECURITY",
                                         "POWER",
                                         "SYSTEM_CONTROL",
                                         "DEVICE_CHANGE",
                                         "QUERY_QUOTA",
                                         "SET_QUOTA",
                                         "PNP"};
    static const char *const pnp[] = {
        "START_DEVICE", "QUERY_REMOVE_DEVICE", "REMOVE_DEVICE",     "CANCEL_REMOVE_DEVICE",
        "STOP_DEVICE",  "QUERY_STOP_DEVICE",   "CANCEL_STOP_DEVICE"};
    struct per_thread *t = state_of(k, r);
    unsigned major = r->event.c >> 8 & 0xFF, minor = r->event.c & 0xFF;
    if (major == 27 && minor < sizeof pnp / sizeof pnp[0])
        snprintf(t->request, sizeof t->request, " (IRP_MN_%s)", pnp[minor]);
    else if (major == 27 && minor == 23)
        snprintf(t->request, sizeof t->request, " (IRP_MN_SURPRISE_REMOVAL)");
    else if (major < sizeof majors / sizeof majors[0])
        snprintf(t->request, sizeof t->request, " (IRP_MJ_%s)", majors[major]);
    else
        t->request[0] = '\0';
}

/* What the scenario says of a step: a name, or a control code. Empty when there is nothing to add.
 */
static void step_text(const struct maker *k, const struct record *r, char *out, size_t size)
{
    struct rd_loader_block block;
    struct rd_scenario_thread thread;
    struct rd_thread running;
    struct rd_step step;
    uint16_t unit;
    size_t n = 0;
    out[0] = '\0';
    if (r->thread == NO_THREAD || !machine_thread(k->report->scene.machine, r->thread, &running) ||
        !arena_read(RD_LOADER_BLOCK, &block, sizeof block) ||
        running.scenario_index >= block.thread_count ||
        !arena_read(block.threads + running.scenario_index * sizeof thread, &thread,
                    sizeof thread) ||
        r->event.a >= thread.step_count ||
        !arena_read(thread.steps + r->event.a * sizeof step, &step, sizeof step))
        return;
    if (step.op == RD_OP_IOCTL) {
        snprintf(out, size, " %x", step.code);
        return;
    }
    if (step.text == 0 || size < 3)
        return;
    out[n++] = ' ';
    for (gva_t a = step.text; n + 1 < size && arena_read(a, &unit, sizeof unit) && unit != 0;
         a += sizeof unit)
        out[n++] = unit >= 0x20 && unit < 0x7F ? (char)unit : '?';
    out[n] = '\0';
}

static void verb_row(struct maker *k, const struct record *r)
{
    const char *name = k->report->recording->verb_name((uint32_t)r->event.b);
    char text[60];
    step_text(k, r, text, sizeof text);
    add(k, r, 3, "t:%s%s (step %" PRIu64 ")", name ? name : "?", text, r->event.a + 1);
}

static const char *status_text(const struct maker *k, uint64_t status, char out[12])
{
    const char *name = k->report->recording->status_name((int32_t)status);
    snprintf(out, 12, "%08x", (unsigned)status);
    return name ? name : out;
}

/* Idle and worker threads wait, signal and wake all the time. */
static bool is_system(const struct maker *k, const struct record *r)
{
    struct rd_thread t;
    return r->thread == NO_THREAD || !machine_thread(k->report->scene.machine, r->thread, &t) ||
           (t.flags & RD_THREAD_SYSTEM) || t.scenario_index == NO_THREAD;
}

static void thread_name(const struct maker *k, gva_t kthread, char out[RD_ABI_NAME])
{
    for (unsigned i = 0; i < machine_thread_count(k->report->scene.machine); i++) {
        struct rd_thread t;
        if (machine_thread(k->report->scene.machine, i, &t) && t.kthread == kthread) {
            fact_thread_name(&k->report->scene, i, out);
            return;
        }
    }
    snprintf(out, RD_ABI_NAME, "a thread");
}

static void guest_row(struct maker *k, const struct record *r)
{
    static const char *const apcs[] = {"APC", "APC kernel routine", "APC normal routine",
                                       "APC rundown routine"};
    const struct machine_event *e = &r->event;
    int touched = touches(k, e->a, 8) || touches(k, e->b, 8);
    char name[100], number[12];
    switch ((enum rd_event)e->code) {
    case RD_EVENT_STEP_BEGIN:
        verb_row(k, r);
        break;
    case RD_EVENT_STEP_END:
        add(k, r, e->b ? 2 : 0, "step %" PRIu64 " ends: %s", e->a + 1,
            status_text(k, e->b, number));
        break;
    case RD_EVENT_APC_QUEUE:
        thread_name(k, e->b, name);
        add(k, r, 4, "APC queued to %s", name);
        break;
    case RD_EVENT_APC_DELIVER:
        routine_row(k, r, apcs[e->c < 4 ? e->c : 0], e->b);
        break;
    case RD_EVENT_DISPATCH:
        remember_request(k, r);
        break;
    case RD_EVENT_COMPLETE:
        add(k, r, touched ? 4 : 2, "request completed: %s", status_text(k, e->b, number));
        break;
    case RD_EVENT_IMAGE_LOAD:
    case RD_EVENT_IMAGE_UNLOAD: {
        const struct machine_image *i = machine_image_at(k->report->scene.machine, e->a);
        add(k, r, 4, "image %s %s", i ? i->name : "?",
            e->code == RD_EVENT_IMAGE_LOAD ? "loaded" : "unloaded: its memory is gone");
        break;
    }
    case RD_EVENT_UNLOAD_ROUTINE:
        routine_row(k, r, "DriverUnload", e->b);
        break;
    case RD_EVENT_DRIVER_ENTRY:
        routine_row(k, r, "DriverEntry", e->b);
        break;
    case RD_EVENT_WAIT:
        fact_data(&k->report->scene, e->a, name, sizeof name);
        add(k, r,
            touched           ? 4
            : is_system(k, r) ? 0
                              : 2,
            "waits for %s%s%s", fact_wait_name((uint32_t)e->c), e->a ? " at " : "",
            e->a ? name : "");
        break;
    case RD_EVENT_WAKE:
        thread_name(k, e->a, name);
        add(k, r, 0, "%s is woken", name);
        break;
    case RD_EVENT_SIGNAL:
        fact_data(&k->report->scene, e->a, name, sizeof name);
        add(k, r, touched ? 4 : 0, "signals %s", name);
        break;
    case RD_EVENT_THREAD_EXIT:
        add(k, r, 3, "thread exits");
        break;
    case RD_EVENT_TIMER:
        add(k, r, 4, "timer expires at %.7g s", (double)e->b / 1e7)->clock = r->clock;
        break;
    case RD_EVENT_DPC:
        routine_row(k, r, "DPC", e->b);
        break;
    case RD_EVENT_WORK_ITEM:
        routine_row(k, r, "work item", e->b);
        break;
    case RD_EVENT_TOLD_APART: /* for the explorer alone */
        break;
    case RD_EVENT_EXCEPTION:
        fact_name(k->report->scene.symbols, e->b, false, name, sizeof name);
        add(k, r, 4, "exception %08x at %s", (unsigned)e->a, name);
        break;
    }
}

/* A driver's routine was entered: behind the call that led to it when nothing came between, else on
 * a row of its own. */
static void callback_row(struct maker *k, const struct record *r)
{
    struct per_thread *t = state_of(k, r);
    char name[100];
    if (t->announced == r->event.a) {
        t->announced = 0;
    } else {
        fact_name(k->report->scene.symbols, r->event.a, false, name, sizeof name);
        struct row *last = k->rows.count > 0 ? &k->rows.data[k->rows.count - 1] : NULL;
        if (last != NULL && t->call == k->rows.count && last->thread == r->thread &&
            strstr(last->text, " -> ") == NULL) {
            size_t n = strlen(last->text);
            snprintf(last->text + n, sizeof last->text - n, " -> %s%s", name, t->request);
            last->weight = last->weight > 3 ? last->weight : 3;
        } else {
            add(k, r, 3, "-> %s%s", name, t->request);
        }
    }
    t->request[0] = '\0';
    t->depth++;
    t->call = 0;
}

static void machine_row(struct maker *k, const struct record *r)
{
    const struct machine_event *e = &r->event;
    struct per_thread *t = state_of(k, r);
    char name[160];
    switch (e->kind) {
    case EVENT_GUEST:
        guest_row(k, r);
        break;
    case EVENT_CALL: {
        fact_name(k->report->scene.symbols, e->a, false, name, sizeof name);
        bool touched = touches(k, r->rcx, 8) || touches(k, r->rdx, 8);
        add(k, r, touched ? 4 : 2, "%s", kernel_name(name));
        t->call = k->rows.count;
        break;
    }
    case EVENT_RETURN:
        /* Worth a row only when another thread ran meanwhile. */
        if (t->call != 0 && t->call < k->rows.count &&
            k->rows.data[k->rows.count - 1].thread != r->thread)
            add(k, r, 0, "%s returns %" PRIx64, k->rows.data[t->call - 1].text, e->a);
        t->call = 0;
        break;
    case EVENT_CALLBACK:
        callback_row(k, r);
        break;
    case EVENT_CALLBACK_END:
        if (t->depth > 0)
            t->depth--;
        fact_name(k->report->scene.symbols, e->pc, false, name, sizeof name);
        name[strcspn(name, "+")] = '\0';
        add(k, r, 0, "%s returns %" PRIx64, name, e->a);
        break;
    case EVENT_SHARED:
        access_text(k, r, name, sizeof name);
        add(k, r, touches(k, e->a, e->b) ? 4 : 1, "%s", name);
        break;
    case EVENT_STORE:
        fact_data(&k->report->scene, e->a, name, sizeof name);
        add(k, r, 4, "its store to %s becomes visible", name);
        break;
    case EVENT_INTERRUPT:
        if (e->a <= 2 && !is_system(k, r))
            add(k, r, 2, "%s interrupt", e->a == 1 ? "APC" : "DPC");
        break;
    case EVENT_IMAGE: /* the guest tells of it with the thread that did it */
    case EVENT_STEP:
        break;
    }
}

static void violation_row(struct maker *k)
{
    const struct report *report = k->report;
    const struct trouble *t = &report->scene.violation->trouble;
    struct record r = {.event.step = machine_step_count(report->scene.machine),
                       .thread = fact_thread(&report->scene)};
    char name[100];
    switch (t->kind) {
    case TROUBLE_EXECUTE:
        fact_name(report->scene.symbols, t->address, false, name, sizeof name);
        add(k, &r, 5, "*** executes %s%s", name,
            t->shadow == RD_SHADOW_UNLOADED ? " in the unloaded image" : "");
        break;
    case TROUBLE_ACCESS:
    case TROUBLE_FAULT:
    case TROUBLE_DEAD_FRAME:
        fact_data(&report->scene, t->address, name, sizeof name);
        add(k, &r, 5, "*** %s %s", t->write ? "writes" : "reads", name);
        break;
    case TROUBLE_UNHANDLED:
        add(k, &r, 5, "*** nobody handles exception %08x", t->record.code);
        break;
    case TROUBLE_HANG:
        add(k, &r, 5, "*** nobody can go on");
        break;
    case TROUBLE_BUGCHECK:
    case TROUBLE_EXCEPTION:
    case TROUBLE_EXPECT:
        add(k, &r, 5, "*** %s", report->scene.violation->name);
        break;
    }
}

/* The rows on both sides of a change of threads show who overtook whom. */
static void weigh_switches(struct rows *rows)
{
    struct row *last = NULL;
    for (size_t i = 0; i < rows->count; i++) {
        struct row *row = &rows->data[i];
        if (row->weight == 0)
            continue;
        if (last != NULL && last->thread != row->thread) {
            last->weight = last->weight > 3 ? last->weight : 3;
            row->weight = row->weight > 3 ? row->weight : 3;
        }
        last = row;
    }
}

/* A third of the limit is too much to fill up with what decided nothing. */
static void keep(struct rows *rows, size_t limit, bool all)
{
    size_t left = limit;
    for (int weight = 5; weight >= (all ? 0 : 1); weight--)
        for (size_t i = rows->count; i-- > 0 && left > (all || weight > 1 ? 0 : limit / 3);)
            if (rows->data[i].weight == weight) {
                rows->data[i].kept = true;
                left--;
            }
    for (size_t i = 0; i < rows->count; i++)
        rows->left_out += !rows->data[i].kept;
}

struct rows rows_make(const struct report *r, size_t limit, bool all)
{
    struct maker *k = calloc(1, sizeof *k);
    RD_ASSERT(k != NULL && r->recording != NULL);
    k->report = r;
    find_touched(k);
    for (size_t i = 0; i < r->recording->records.count; i++)
        machine_row(k, &r->recording->records.data[i]);
    violation_row(k);
    weigh_switches(&k->rows);
    keep(&k->rows, limit, all);
    struct rows rows = k->rows;
    free(k);
    return rows;
}
