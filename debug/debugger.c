/*
 * The session: which command a line means, and where its output goes. A command that fails says so in one line and the
 * next one runs, as in WinDbg.
 */
#include "debug/debugger.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define DEPTH_MAX 8 /* breakpoints whose commands go on to breakpoints */

void debugger_open(struct debugger *d, const struct machine *m, struct symbols *symbols, FILE *out)
{
    *d = (struct debugger){.m = m, .symbols = symbols, .out = out};
    const struct violation *v = machine_violation(m);
    debug_context_cpu(d, v != NULL ? v->trouble.cpu : 0);
}

void debugger_travel(struct debugger *d, struct timeline *timeline)
{
    d->timeline = timeline;
    d->breakpoints = calloc(1, sizeof *d->breakpoints);
    d->image_count = machine_image_count(d->m);
    d->images = calloc(d->image_count + 1, sizeof *d->images);
    RD_ASSERT(d->breakpoints != NULL && d->images != NULL);
    for (unsigned i = 0; i < d->image_count; i++)
        d->images[i] = *machine_image(d->m, i);
}

void debugger_close_log(struct debugger *d)
{
    if (d->log != NULL)
        fclose(d->log);
    d->log = NULL;
}

void debugger_close(struct debugger *d)
{
    debugger_close_log(d);
    for (unsigned i = 0; d->breakpoints != NULL && i < BREAKPOINTS_MAX; i++)
        debug_breakpoint_clear(&d->breakpoints->list[i]);
    free(d->breakpoints);
    free(d->images);
}

static void print(struct debugger *d, const char *format, va_list args)
{
    if (d->log != NULL) {
        va_list again;
        va_copy(again, args);
        vfprintf(d->log, format, again);
        va_end(again);
    }
    vfprintf(d->out, format, args);
}

void debug_print(struct debugger *d, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print(d, format, args);
    va_end(args);
}

void debug_error(struct debugger *d, const char *format, ...)
{
    va_list args;
    d->failed = true;
    va_start(args, format);
    print(d, format, args);
    va_end(args);
    debug_print(d, "\n");
}

void debugger_prompt(const struct debugger *d, char *out, size_t size)
{
    snprintf(out, size, "%u: kd> ", d->cpu);
}

const char *debug_command_end(const char *line)
{
    bool quoted = false;
    int braces = 0;
    for (; *line != '\0'; line++) {
        if (*line == '"')
            quoted = !quoted;
        else if (!quoted && *line == '{')
            braces++;
        else if (!quoted && *line == '}' && braces > 0)
            braces--;
        else if (*line == ';' && !quoted && braces == 0)
            break;
    }
    return line;
}

const struct debug_command *debug_command_find(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; debug_commands[i] != NULL; i++)
        for (const char *p = debug_commands[i]->names; *p != '\0';) {
            size_t n = strcspn(p, " ");
            if (n == length && strncmp(p, name, n) == 0)
                return debug_commands[i];
            p += n + strspn(p + n, " ");
        }
    return NULL;
}

/* How long the command's name is: up to a blank, but `?` and `~` need none behind them, and neither does the number of `~0s`,
 * `k5` or `bp1`. */
static size_t name_length(const char *text)
{
    if (*text == '?' || *text == '~')
        return 1;
    size_t n = strcspn(text, " \t");
    char name[64];
    if (n >= sizeof name)
        return n;
    memcpy(name, text, n);
    name[n] = '\0';
    if (debug_command_find(name) != NULL)
        return n;
    size_t letters = n;
    while (letters > 0 && isdigit((unsigned char)name[letters - 1]))
        letters--;
    name[letters] = '\0';
    return letters < n && letters > 0 && debug_command_find(name) != NULL ? letters : n;
}

static void run_one(struct debugger *d, const char *text, size_t size)
{
    while (size > 0 && isspace((unsigned char)*text))
        text++, size--;
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    if (size == 0 || *text == '*')
        return;
    char *line = str_format("%.*s", (int)size, text);
    size_t n = name_length(line);
    char *name = str_format("%.*s", (int)n, line);
    const char *args = line + n + strspn(line + n, " \t");
    const struct debug_command *c = debug_command_find(name);
    d->failed = false;
    if (c == NULL)
        debug_error(d, "Unknown command '%s'; .help lists them", name);
    else
        c->run(d, name, args);
    free(name);
    free(line);
}

void debugger_line(struct debugger *d, const char *line)
{
    if (d->depth == DEPTH_MAX) {
        debug_error(d, "Commands of breakpoints are nested too deeply");
        return;
    }
    d->depth++;
    while (!d->quit) {
        const char *end = debug_command_end(line);
        run_one(d, line, (size_t)(end - line));
        if (*end == '\0' || d->go_again != 0)
            break;
        line = end + 1;
    }
    d->depth--;
}
