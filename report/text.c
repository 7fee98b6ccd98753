/* The text report, laid out as !analyze -v lays out a crash dump: what broke, who, the stacks; then
 * what no dump has, the interleaving that led there. The line that begins with "rule:" is for grep.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "debug/race.h"
#include "report/coverage.h"
#include "report/internal.h"

#define ROW_LIMIT 60
#define TABLE_WIDTH 118
/* Shorter ones are what any busy system does. 100 ns. */
#define STALL_LEAST 500000u
#define COLUMN_LIMIT 4
#define SCENARIO_THREADS 1000u /* more than a scenario has */

struct printer {
    const struct report *report;
    FILE *out;
};

static void heading(const struct printer *p, const char *text)
{
    fprintf(p->out, p->report->colour ? "\n\033[1m%s\033[0m\n" : "\n%s\n", text);
}

/* WinDbg's way of writing 64 bits. */
static void address_text(uint64_t a, char out[24])
{
    snprintf(out, 24, "%08x`%08x", (unsigned)(a >> 32), (unsigned)a);
}

static void print_threads(const struct printer *p)
{
    const struct report *r = p->report;
    unsigned own = fact_thread(&r->scene);
    char name[RD_ABI_NAME], line[120], wait[240];
    struct rd_thread t;
    snprintf(line, sizeof line, "STACK_TEXT of thread %s:", fact_thread_name(&r->scene, own, name));
    heading(p, line);
    thread_stack_print(&r->scene, own, p->out);
    for (unsigned i = 0; i < machine_thread_count(r->scene.machine); i++) {
        if (i == own || !machine_thread(r->scene.machine, i, &t) || !fact_thread_matters(&r->scene, i, &t))
            continue;
        fprintf(p->out, "\n");
        thread_head_print(&r->scene, i, &t, p->out);
        if (t.state != RD_THREAD_TERMINATED && t.state != RD_THREAD_INITIALIZED)
            thread_stack_print(&r->scene, i, p->out);
    }
    if (r->scene.violation->trouble.kind == TROUBLE_HANG && own != NO_THREAD &&
        machine_thread(r->scene.machine, own, &t)) {
        fact_wait(&r->scene, &t, wait, sizeof wait);
        if (wait[0] != '\0')
            fprintf(p->out, "\nThread %s waits for %s, and nobody is left to end that.\n",
                    fact_thread_name(&r->scene, own, name), wait);
    }
}

static void print_images(const struct printer *p)
{
    bool any = false;
    for (unsigned i = 0; i < machine_image_count(p->report->scene.machine); i++) {
        const struct machine_image *m = machine_image(p->report->scene.machine, i);
        if (m == NULL || m->loaded)
            continue;
        char start[24], end[24];
        if (!any)
            heading(p, "Unloaded modules:");
        any = true;
        address_text(m->base, start);
        address_text(m->base + m->size, end);
        fprintf(p->out, "%s %s   %s\n", start, end, m->name);
    }
}

/* Columns of the interleaving: the threads that have rows, the scenario's first. */
struct columns {
    unsigned threads[COLUMN_LIMIT];
    unsigned count, width;
    bool table; /* else one column with the thread's name in front */
};

static unsigned column_order(const struct report *r, unsigned thread)
{
    struct rd_thread t;
    if (thread == NO_THREAD || !machine_thread(r->scene.machine, thread, &t))
        return NO_THREAD;
    return t.scenario_index != NO_THREAD ? t.scenario_index : SCENARIO_THREADS + thread;
}

static struct columns find_columns(const struct report *r, const struct rows *rows)
{
    struct columns c = {.table = true};
    for (size_t i = 0; i < rows->count && c.table; i++) {
        unsigned at = 0;
        if (!rows->data[i].kept || rows->data[i].clock)
            continue;
        while (at < c.count && c.threads[at] != rows->data[i].thread)
            at++;
        if (at < c.count)
            continue;
        if (c.count == COLUMN_LIMIT)
            c.table = false;
        else
            c.threads[c.count++] = rows->data[i].thread;
    }
    for (unsigned i = 1; i < c.count; i++) /* insertion sort: at most four */
        for (unsigned j = i;
             j > 0 && column_order(r, c.threads[j]) < column_order(r, c.threads[j - 1]); j--) {
            unsigned t = c.threads[j];
            c.threads[j] = c.threads[j - 1];
            c.threads[j - 1] = t;
        }
    c.width = c.count > 0 ? (TABLE_WIDTH - 6) / c.count : TABLE_WIDTH;
    if (c.width > 56)
        c.width = 56;
    return c;
}

/* How many bytes of text go on a line of `width`: up to the last blank, else behind the last '!',
 * else all that fit. */
static size_t line_length(const char *text, size_t width)
{
    size_t n = strlen(text);
    if (n <= width)
        return n;
    for (n = width; n > width / 2; n--)
        if (text[n] == ' ')
            return n;
    for (n = width; n > 8; n--)
        if (text[n - 1] == '!')
            return n;
    return width;
}

static void print_row(const struct printer *p, const struct columns *c, const struct row *row)
{
    char name[RD_ABI_NAME];
    unsigned column = 0;
    if (row->clock) {
        fprintf(p->out, "%4" PRIu64 "  --- %s ---\n", row->number, row->text);
        return;
    }
    while (c->table && c->threads[column] != row->thread)
        column++;
    int indent = row->depth < 6 ? row->depth : 6;
    size_t width = c->table ? c->width - 2 - (size_t)indent : 90;
    bool violation = row->weight == 5;
    const char *text = row->text;
    for (bool first = true; *text != '\0'; first = false) {
        size_t n = line_length(text, first ? width : width - 2);
        if (first)
            fprintf(p->out, "%4" PRIu64 "  ", row->number);
        else
            fprintf(p->out, "      ");
        if (c->table)
            fprintf(p->out, "%*s", (int)(column * c->width), "");
        else
            fprintf(p->out, "%-16s", first ? fact_thread_name(&p->report->scene, row->thread, name) : "");
        if (violation && p->report->colour)
            fprintf(p->out, "\033[1;31m");
        fprintf(p->out, "%*s%.*s", indent + (first ? 0 : 2), "", (int)n, text);
        fprintf(p->out, violation && p->report->colour ? "\033[0m\n" : "\n");
        text += n;
        text += strspn(text, " ");
    }
}

static void print_interleaving(const struct printer *p)
{
    if (p->report->recording == NULL)
        return;
    struct rows rows = rows_make(p->report, ROW_LIMIT, false);
    struct columns c = find_columns(p->report, &rows);
    char name[RD_ABI_NAME];
    heading(p, "INTERLEAVING:");
    if (c.table) {
        fprintf(p->out, "   #  ");
        for (unsigned i = 0; i < c.count; i++)
            fprintf(p->out, "%-*s", i + 1 < c.count ? (int)c.width : 0,
                    fact_thread_name(&p->report->scene, c.threads[i], name));
        fprintf(p->out, "\n");
    }
    bool gap = false;
    for (size_t i = 0; i < rows.count; i++) {
        if (!rows.data[i].kept) {
            gap = gap || rows.data[i].weight > 0;
            continue;
        }
        if (gap)
            fprintf(p->out, "   :\n");
        gap = false;
        print_row(p, &c, &rows.data[i]);
    }
    if (rows.left_out > 0)
        fprintf(p->out, "(%zu rows left out)\n", rows.left_out);
    for (size_t i = 0; i < p->report->recording->stalls.count; i++) {
        const struct stall *s = &p->report->recording->stalls.data[i];
        if (s->to - s->from < STALL_LEAST)
            continue;
        fprintf(p->out, "This schedule assumes a stall: %s runs no instruction for %.7g s.\n",
                fact_thread_name(&p->report->scene, s->thread, name), (double)(s->to - s->from) / 1e7);
    }
    const struct recording *k = p->report->recording;
    fprintf(p->out, "This schedule has %" PRIu64 " steps and %" PRIu64 " switches of processors, %" PRIu64
            " of them preemptions.\n", k->steps, k->switches, k->preemptions);
    vec_free(&rows);
}

static void print_explored(const struct printer *p)
{
    const struct report_facts *f = &p->report->facts;
    fprintf(p->out, "\n");
    if (f->reproduced) {
        fprintf(p->out, "reproduced: the same steps and the same memory as when it was found\n");
        return;
    }
    if (f->failure != NULL)
        fprintf(p->out, "failure file: %s  (rundown replay %s)\n", f->failure, f->failure);
    if (f->strategy != NULL) {
        fprintf(p->out,
                "explored: %s, strategy %s: %" PRIu64 " executions, %" PRIu64 " steps, %" PRIu64
                " shared locations",
                f->subject, f->strategy, f->executions, f->steps, f->shared);
        if (f->to_first != 0)
            fprintf(p->out, "; first violation in execution %" PRIu64, f->to_first);
        fprintf(p->out, "\n");
    } else {
        fprintf(p->out, "one execution of %s\n", f->subject);
    }
}

void report_line(const struct report *r, char *out, size_t size)
{
    struct culprit c = fact_culprit(&r->scene);
    snprintf(out, size, "rule: %s  culprit: %s", r->scene.violation->rule, c.known ? c.text : "none");
}

void report_text(const struct report *r, FILE *out)
{
    struct printer p = {r, out};
    const struct report_facts *f = &r->facts;
    if (r->scene.violation == NULL) {
        struct str missing = {0};
        report_never_entered(r->scene.machine, r->scene.symbols, &missing);
        if (missing.count > 0)
            fputs(missing.data, out);
        str_free(&missing);
        if (f->covers != NULL)
            fprintf(out, "covered: %s\n", f->covers);
        fprintf(out,
                "%s: strategy %s, %" PRIu64 " executions and %" PRIu64
                " abandoned as redundant, %" PRIu64 " steps, %" PRIu64 " shared locations\n",
                f->subject, f->strategy, f->executions, f->blocked, f->steps, f->shared);
        fprintf(out, "no violation in %" PRIu64 " executions: %s\n", f->executions, f->claim);
        return;
    }
    struct culprit c = fact_culprit(&r->scene);
    bugcheck_print(&r->scene, r->colour, out);
    culprit_print(&r->scene, &c, out);
    unsigned log = fact_log_start(r->scene.violation);
    notes_print(&r->scene, 0, log, out);
    records_print(&r->scene, out);
    print_threads(&p);
    notes_print(&r->scene, log, r->scene.violation->note_count, out);
    print_images(&p);
    if (r->scene.race != NULL && r->scene.race->kind != RACE_NONE) {
        heading(&p, "RACE:");
        race_print(&r->scene, r->scene.race, out);
    }
    print_interleaving(&p);
    print_explored(&p);
}
