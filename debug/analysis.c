/*
 * What is said of a violation, in the layout of !analyze -v: the bugcheck with its arguments, who is named, and the
 * notes. The text report and the debugger's !analyze print these same parts.
 */
#include <inttypes.h>
#include <string.h>

#include "check/bugchecks.h"
#include "debug/facts.h"

/* Lines of a text, each with the same blanks in front. */
static void print_lines(FILE *out, const char *text, int indent)
{
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");
        fprintf(out, "%*s%.*s\n", indent, "", (int)n, text);
        text += n + (text[n] == '\n');
    }
}

void bugcheck_print(const struct scene *s, bool colour, FILE *out)
{
    const struct violation *v = s->violation;
    const char *red = colour ? "\033[1;31m" : "",
               *off = colour ? "\033[0m" : "";
    if (v->code == 0) {
        fprintf(out, "%s%s%s\n%s\n", red, v->name, off, v->sentence);
        return;
    }
    const struct bugcheck_info *info = bugcheck_find(v->code);
    const struct bugcheck_case *which = bugcheck_case(info, v->arg);
    fprintf(out, "%s%s (%x)%s\n", red, v->name, v->code, off);
    print_lines(out, info->text != NULL ? info->text : v->sentence, 0);
    fprintf(out, "Arguments:\n");
    for (int i = 0; i < 4; i++)
        fprintf(out, "Arg%d: %016" PRIx64 "%s%s\n", i + 1, v->arg[i],
                v->arg_text[i][0] ? ", " : "", v->arg_text[i]);
    if (which != NULL && which->note != NULL)
        print_lines(out, which->note, 6);
    if (info->text != NULL && strcmp(v->sentence, v->arg_text[info->key]) != 0)
        fprintf(out, "\n%s\n", v->sentence);
}

void culprit_print(const struct scene *s, const struct culprit *c, FILE *out)
{
    const struct violation *v = s->violation;
    fprintf(out, "\nrule: %s  culprit: %s\n\n", v->rule, c->known ? c->text : "none");
    struct rd_thread t;
    unsigned own = fact_thread(s);
    char name[RD_ABI_NAME], bucket[256];
    fprintf(out, "THREAD_NAME:  %s (processor %u, IRQL %u)\n", fact_thread_name(s, own, name),
            v->trouble.cpu, v->trouble.irql);
    if (own != NO_THREAD && machine_thread(s->machine, own, &t))
        thread_head_print(s, own, &t, out);
    if (c->known) {
        fprintf(out, "SYMBOL_NAME:  %s\nMODULE_NAME:  %s\nIMAGE_NAME:  %s\n", c->text,
                c->symbol.module, c->image);
        if (c->symbol.file[0] != '\0')
            fprintf(out, "FAULTING_SOURCE:  %s @ %u\n", c->symbol.file, c->symbol.line);
    }
    fact_bucket(s, c, bucket, sizeof bucket);
    fprintf(out, "FAILURE_BUCKET_ID:  %s\n", bucket);
}

void thread_stack_print(const struct scene *s, unsigned thread, FILE *out)
{
    struct stack_frame frames[STACK_MAX];
    unsigned n = fact_stack(s, thread, frames);
    if (n == 0)
        fprintf(out, "    (no stack)\n");
    else
        stack_print(s, frames, n, out);
}

static void print_note_frames(const struct scene *s, const struct violation_note *n, FILE *out)
{
    const uint64_t *frames = &s->violation->note_frames[n->first];
    for (unsigned i = 0; i < n->count; i++) {
        bool is_return = i > 0 || !(n->flags & NOTE_EXACT);
        struct symbol y;
        char text[400];
        symbols_find(s->symbols, frames[i] - is_return, is_return, &y);
        symbol_text(&y, text, sizeof text);
        fprintf(out, "%s%016" PRIx64 " %s\n", n->kind == NOTE_LOG ? "" : "    ", frames[i], text);
    }
}

static void print_note(const struct scene *s, const struct violation_note *n, FILE *out)
{
    switch ((enum note_kind)n->kind) {
    case NOTE_LINE:
    case NOTE_STACK:
    case NOTE_THREAD:
        fprintf(out, "%s\n", n->text);
        break;
    case NOTE_LOG:
        fprintf(out, "======================================================================\n");
        if (n->kthread != NOTE_NOBODY)
            fprintf(out, "Thread %016" PRIx64 "\n", n->kthread);
        if (n->text[0] != '\0')
            fprintf(out, "%s\n", n->text);
        break;
    }
    print_note_frames(s, n, out);
    if (n->kind == NOTE_THREAD)
        for (unsigned i = 0; i < machine_thread_count(s->machine); i++) {
            struct rd_thread t;
            if (machine_thread(s->machine, i, &t) && t.kthread == n->kthread)
                thread_stack_print(s, i, out);
        }
}

void notes_print(const struct scene *s, unsigned from, unsigned to, FILE *out)
{
    const struct violation *v = s->violation;
    if (from < to)
        fprintf(out, "\n");
    for (unsigned i = from; i < to; i++)
        print_note(s, &v->notes[i], out);
    if (to == v->note_count && v->notes_dropped > 0)
        fprintf(out, "(%u more did not fit)\n", v->notes_dropped);
}
