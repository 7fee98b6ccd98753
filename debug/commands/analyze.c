/* !analyze and .bugcheck: what stopped the system, who is named, and the stack; the report's own words. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "check/bugchecks.h"
#include "debug/facts.h"
#include "debug/layout.h"
#include "debug/race.h"

static void banner(struct debugger *d)
{
    static const char edge[] = "*******************************************************************************\n";
    static const char blank[] = "*                                                                             *\n";
    static const char title[] = "*                        Bugcheck Analysis                                    *\n";
    debug_print(d, "%s%s%s%s%s\n", edge, blank, title, blank, edge);
}

/* What the shared printers write to a file goes to the terminal and the log. */
static FILE *capture(char **text, size_t *size)
{
    FILE *f = open_memstream(text, size);
    RD_ASSERT(f != NULL);
    return f;
}

static void release(struct debugger *d, FILE *f, char **text)
{
    fclose(f);
    debug_print(d, "%s", *text);
    free(*text);
}

static void process_name(struct debugger *d, const struct scene *s)
{
    struct rd_thread t;
    char image[32];
    unsigned own = fact_thread(s);
    if (own == NO_THREAD || !machine_thread(d->m, own, &t))
        return;
    struct object e = object_open(d, "ETHREAD", t.kthread);
    struct object p = object_open(d, "EPROCESS", object_get(&e, "ThreadsProcess"));
    debug_print(d, "PROCESS_NAME:  %s\n\n", object_text(&p, "ImageFileName", image, sizeof image));
}

static void verbose(struct debugger *d, const struct scene *s)
{
    const struct violation *v = s->violation;
    struct culprit c = fact_culprit(s);
    char *text;
    size_t size;
    banner(d);
    FILE *f = capture(&text, &size);
    bugcheck_print(s, false, f);
    release(d, f, &text);
    debug_print(d, "\nDebugging Details:\n------------------\n\n");
    if (v->code != 0) {
        debug_print(d, "BUGCHECK_CODE:  %x\n\n", v->code);
        for (int i = 0; i < 4; i++)
            debug_print(d, "BUGCHECK_P%d: %" PRIx64 "\n\n", i + 1, v->arg[i]);
    }
    process_name(d, s);
    debug_print(d, "CURRENT_IRQL:  %x\n", v->trouble.irql);
    f = capture(&text, &size);
    unsigned log = fact_log_start(v);
    notes_print(s, 0, log, f);
    records_print(s, f);
    const struct race *race = NULL;
    if (d->find_race != NULL)
        race = d->find_race(d->race_context);
    if (race != NULL && race->kind != RACE_NONE) {
        fprintf(f, "\nRACE:  \n");
        race_print(s, race, f);
    }
    fprintf(f, "\nSTACK_TEXT:  \n");
    thread_stack_print(s, fact_thread(s), f);
    culprit_print(s, &c, f);
    release(d, f, &text);
    debug_print(d, "\nFollowup:     MachineOwner\n---------\n");
}

static void brief(struct debugger *d, const struct scene *s)
{
    const struct violation *v = s->violation;
    struct culprit c = fact_culprit(s);
    banner(d);
    if (v->code != 0)
        debug_print(d, "BugCheck %X, {%" PRIx64 ", %" PRIx64 ", %" PRIx64 ", %" PRIx64 "}\n\n", v->code, v->arg[0], v->arg[1],
                    v->arg[2], v->arg[3]);
    else
        debug_print(d, "%s\n%s\n\n", v->name, v->sentence);
    debug_print(d, "Probably caused by : %s ( %s )\n\nFollowup:     MachineOwner\n---------\n", c.known ? c.image : "unknown image",
                c.known ? c.text : "nobody");
}

/* !analyze -show CODE [P1 [P2 [P3 [P4]]]]: what a bugcheck means. */
static void show(struct debugger *d, const char *args)
{
    uint64_t code = 0, arg[4] = {0};
    if (*args == '\0') {
        debug_error(d, "!analyze -show: which code?");
        return;
    }
    if (!debug_eval(d, &args, &code))
        return;
    for (int i = 0; i < 4 && *args != '\0'; i++)
        if (!debug_eval(d, &args, &arg[i]))
            return;
    const struct bugcheck_info *info = bugcheck_find((uint32_t)code);
    debug_print(d, "%s (%x)\n%s\nArguments:\n", info->name, (uint32_t)code, info->text != NULL ? info->text : info->meaning);
    for (unsigned i = 0; i < 4; i++) {
        const char *meaning = bugcheck_argument(info, arg, i);
        debug_print(d, "Arg%u: %016" PRIx64 "%s%s\n", i + 1, arg[i], meaning[0] != '\0' ? ", " : "", meaning);
    }
}

static void run(struct debugger *d, const char *name, const char *args)
{
    struct scene s = debug_scene(d);
    if (strncmp(args, "-show", 5) == 0) {
        show(d, args + 5 + strspn(args + 5, " "));
        return;
    }
    if (s.violation == NULL) {
        debug_error(d, "The system has not stopped yet: the violation is at the end of the execution");
        return;
    }
    if (strcmp(name, ".bugcheck") == 0) {
        const struct violation *v = s.violation;
        char a[4][DEBUG_ADDRESS];
        for (int i = 0; i < 4; i++)
            debug_address(v->arg[i], a[i]);
        if (v->code == 0)
            debug_print(d, "No bugcheck: %s\n", v->name);
        else
            debug_print(d, "Bugcheck code %08X\nArguments %s %s %s %s\n", v->code, a[0], a[1], a[2], a[3]);
    } else if (strncmp(args, "-v", 2) == 0) {
        verbose(d, &s);
    } else {
        brief(d, &s);
    }
}

const struct debug_command debug_command_analyze = {
    .names = "!analyze .bugcheck",
    .syntax = "[-v | -show CODE]",
    .help = "why the system stopped; -v in full; -show: what a bugcheck means",
    .run = run,
};
