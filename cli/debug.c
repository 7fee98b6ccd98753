/*
 * `rundown debug`: a WinDbg-style prompt over a failure. On a terminal with line editing, history and completion; from a
 * pipe or with -c as a script, which prints the prompt and each command in front of what it says, so that the output
 * reads like a debugger's log.
 */
#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/cli.h"
#include "debug/debugger.h"
#include "debug/timeline.h"

#define ALLOWED "Cgykh"

static void run_line(struct debugger *d, const char *line)
{
    char prompt[32];
    while (!d->quit) {
        const char *end = debug_command_end(line);
        const char *from = line + strspn(line, " \t");
        if (from < end) {
            char *one = str_format("%.*s", (int)(end - from), from);
            debugger_prompt(d, prompt, sizeof prompt);
            debug_print(d, "%s%s\n", prompt, one);
            debugger_line(d, one);
            free(one);
        }
        if (*end == '\0')
            break;
        line = end + 1;
    }
}

static void run_script(struct debugger *d)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t n;
    while (!d->quit && (n = getline(&line, &capacity, stdin)) > 0) {
        line[strcspn(line, "\r\n")] = '\0';
        run_line(d, line);
    }
    free(line);
}

/* The library calls back without a context: there is one debugger a process. */
static struct debugger *at_prompt;

static char *prompt(EditLine *el)
{
    static char text[32];
    (void)el;
    debugger_prompt(at_prompt, text, sizeof text);
    return text;
}

struct completion {
    const char *word;
    size_t length;
    char found[256];
    unsigned count;
};

static void consider(struct completion *c, const char *text)
{
    if (strncmp(text, c->word, c->length) != 0)
        return;
    if (c->count++ == 0) {
        snprintf(c->found, sizeof c->found, "%s", text);
        return;
    }
    size_t n = 0;
    while (c->found[n] != '\0' && c->found[n] == text[n])
        n++;
    c->found[n] = '\0';
}

static void consider_name(void *context, const struct machine_image *image, const char *name, gva_t address)
{
    char module[RD_ABI_NAME], text[256];
    (void)address;
    symbols_module_name(image, module);
    snprintf(text, sizeof text, "%s!%s", module, name);
    consider(context, text);
}

/* The first word is a command; later ones are modules, and behind a '!' what is in them. */
static unsigned char complete(EditLine *el, int key)
{
    const LineInfo *info = el_line(el);
    const char *word = info->cursor;
    (void)key;
    while (word > info->buffer && strchr(" \t;(", word[-1]) == NULL)
        word--;
    char text[256];
    snprintf(text, sizeof text, "%.*s", (int)(info->cursor - word), word);
    struct completion c = {.word = text, .length = strlen(text)};
    bool command = false;
    const char *before = word;
    while (before > info->buffer && (before[-1] == ' ' || before[-1] == '\t'))
        before--;
    if (before == info->buffer || before[-1] == ';') {
        command = true;
        for (size_t i = 0; debug_commands[i] != NULL; i++)
            for (const char *p = debug_commands[i]->names; *p != '\0';) {
                char name[64];
                size_t n = strcspn(p, " ");
                snprintf(name, sizeof name, "%.*s", (int)n, p);
                consider(&c, name);
                p += n + strspn(p + n, " ");
            }
    } else {
        for (unsigned i = 0; i < machine_image_count(at_prompt->m); i++) {
            char module[RD_ABI_NAME + 1];
            const struct machine_image *image = machine_image(at_prompt->m, i);
            symbols_module_name(image, module);
            strcat(module, "!");
            if (strchr(text, '!') == NULL)
                consider(&c, module);
            else if (strncmp(text, module, strlen(module)) == 0)
                symbols_each(at_prompt->symbols, image, consider_name, &c);
        }
    }
    if (command && c.count == 1 && strlen(c.found) + 1 < sizeof c.found)
        strcat(c.found, " ");
    if (c.count == 0 || strlen(c.found) <= c.length)
        return c.count == 1 ? CC_REFRESH : CC_REFRESH_BEEP;
    return el_insertstr(el, c.found + c.length) == -1 ? CC_ERROR : CC_REFRESH;
}

static void run_prompt(struct debugger *d)
{
    at_prompt = d;
    EditLine *el = el_init("rundown", stdin, stdout, stderr);
    History *h = history_init();
    HistEvent event;
    RD_ASSERT(el != NULL && h != NULL);
    history(h, &event, H_SETSIZE, 1000);
    el_set(el, EL_PROMPT, prompt);
    el_set(el, EL_EDITOR, "emacs");
    el_set(el, EL_HIST, history, h);
    el_set(el, EL_SIGNAL, 1);
    el_set(el, EL_ADDFN, "rd-complete", "completes commands and symbols", complete);
    el_set(el, EL_BIND, "\t", "rd-complete", NULL);
    char last[1024] = "";
    while (!d->quit) {
        int count;
        const char *line = el_gets(el, &count);
        if (line == NULL || count <= 0)
            break;
        char text[1024];
        snprintf(text, sizeof text, "%.*s", (int)strcspn(line, "\r\n"), line);
        if (text[strspn(text, " \t")] != '\0') {
            history(h, &event, H_ENTER, line);
            memcpy(last, text, sizeof last);
        }
        if (d->log != NULL) {
            char shown[32];
            debugger_prompt(d, shown, sizeof shown);
            fprintf(d->log, "%s%s\n", shown, text);
        }
        debugger_line(d, text[0] != '\0' ? text : last); /* an empty line is the last command again */
    }
    if (!d->quit)
        printf("\n");
    history_end(h);
    el_end(el);
}

static void greet(struct debugger *d, const struct session *s, const struct failure *f)
{
    const struct violation *v = machine_violation(s->machine);
    debug_print(d, "%s: %s\n", s->subject, f->sentence);
    if (v->code != 0)
        debug_print(d, "BugCheck %X, {%llx, %llx, %llx, %llx}\n", v->code, (unsigned long long)v->arg[0],
                    (unsigned long long)v->arg[1], (unsigned long long)v->arg[2], (unsigned long long)v->arg[3]);
    else
        debug_print(d, "%s\n", v->name);
    debug_print_position(d);
}

/* The failure's execution, boot included, with the machine at its end: the violation, as session_compare_failure sees it. */
static int open_timeline(struct session *s, const char *path, const struct failure *f, struct timeline **out)
{
    struct error e = {0};
    enum machine_stop stop;
    struct timeline_decision *decisions = calloc(f->decision_count + 1, sizeof *decisions);
    RD_ASSERT(decisions != NULL);
    for (size_t i = 0; i < f->decision_count; i++)
        decisions[i] = (struct timeline_decision){f->decisions[i].is_choice, f->decisions[i].agent, f->decisions[i].value};
    session_open_symbols(s);
    bool ok = timeline_open(out, s->machine, decisions, f->decision_count, f->shared, f->shared_count, &stop, &e);
    free(decisions);
    if (!ok)
        return session_diverged(path, e.kind == ERROR_INPUT ? "did not reach the violation" : "did not boot", e.text);
    if (stop == STOP_UNIMPLEMENTED || stop == STOP_INTERNAL || stop == STOP_LIMIT)
        return session_stopped(s, stop);
    if (stop != STOP_VIOLATION)
        return session_diverged(path, "did not reach the violation", "");
    return session_compare_failure(s, path, f);
}

static int play(struct session *s, const struct options *o, const char *path, const struct failure *f)
{
    struct timeline *timeline;
    int status = open_timeline(s, path, f, &timeline);
    if (status != EXIT_VIOLATION) {
        timeline_close(timeline);
        return status;
    }
    struct debugger d;
    debugger_open(&d, s->machine, s->symbols, stdout);
    debugger_travel(&d, timeline);
    greet(&d, s, f);
    status = EXIT_CLEAN;
    struct error e = {0};
    if (o->gdb >= 0)
        status = cli_serve_gdb(&d, (unsigned)o->gdb, &e) ? EXIT_CLEAN : cli_fail(&e);
    else if (o->commands != NULL)
        run_line(&d, o->commands);
    else if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        run_prompt(&d);
    else
        run_script(&d);
    debugger_close(&d);
    timeline_close(timeline);
    return status;
}

static int debug(int argc, char **argv)
{
    struct options o;
    struct error e = {0};
    int first;
    if (!options_parse(argc, argv, ALLOWED, &o, &first, &e))
        return cli_fail(&e);
    if (o.help)
        return cli_help(&command_debug, ALLOWED);
    if (argc - first != 1) {
        error_set(&e, ERROR_INPUT, "debug: expected one failure file (.rdn), got %d", argc - first);
        return cli_fail(&e);
    }
    struct failure f;
    if (!failure_read(argv[first], &f, &e))
        return cli_fail(&e);
    struct session s;
    int status = session_open_failure(&s, &o, argv[first], &f, &e) ? play(&s, &o, argv[first], &f) : cli_fail(&e);
    session_close(&s);
    failure_free(&f);
    return status;
}

const struct command command_debug = {
    .name = "debug",
    .synopsis = "FAILURE.rdn [-c 'COMMAND; COMMAND' | --gdb PORT]",
    .help = "A debugger's prompt over a failure, at the moment of the violation: WinDbg's commands, forwards and backwards "
            "through the execution.\nCommands come from -c, from the terminal, or from a script on standard input. .help lists them.",
    .run = debug,
};
