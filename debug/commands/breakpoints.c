/* bp bu ba, bl bc bd be: breakpoints. A symbol of an image that is loaded at any time of the execution can be given at any
 * other: the debugger has seen the end. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "debug/debugger.h"

#define DATA_MAX 4096u

void debug_breakpoint_clear(struct breakpoint *b)
{
    free(b->text);
    free(b->condition);
    free(b->commands);
    *b = (struct breakpoint){.set = false};
}

/* "..." at *text: malloc'ed, without the quotes; \" is a quote. NULL: none there, or it does not end. */
static char *quoted(const char **text)
{
    const char *p = *text + strspn(*text, " \t");
    struct str s = {0};
    if (*p != '"')
        return NULL;
    for (p++; *p != '"'; p++) {
        if (*p == '\\' && p[1] == '"')
            p++;
        if (*p == '\0') {
            str_free(&s);
            return NULL;
        }
        str_addn(&s, p, 1);
    }
    *text = p + 1 + strspn(p + 1, " \t");
    return s.data != NULL ? s.data : str_dup("");
}

static struct breakpoint *slot(struct debugger *d, const char *digits)
{
    struct breakpoint *list = d->breakpoints->list;
    if (*digits != '\0') {
        unsigned long n = strtoul(digits, NULL, 10);
        return n < BREAKPOINTS_MAX ? &list[n] : NULL;
    }
    for (unsigned i = 0; i < BREAKPOINTS_MAX; i++)
        if (!list[i].set)
            return &list[i];
    return NULL;
}

/* Places of a name in all images, else an expression. */
static bool places(struct debugger *d, const char **args, struct breakpoint *b)
{
    char name[200];
    size_t n = strcspn(*args, " \t\"");
    if (n > 0 && n < sizeof name) {
        memcpy(name, *args, n);
        name[n] = '\0';
        b->place_count = isdigit((unsigned char)name[0]) ? 0 : debug_addresses(d, name, b->places, BREAK_PLACES);
        if (b->place_count > 0) {
            *args += n + strspn(*args + n, " \t");
            return true;
        }
    }
    b->place_count = 1;
    return debug_eval(d, args, &b->places[0]);
}

static bool access_of(struct debugger *d, const char **args, struct breakpoint *b)
{
    char kind = (char)tolower((unsigned char)**args);
    if (kind != 'e' && kind != 'w' && kind != 'r') {
        debug_error(d, "ba: expected e, r or w and a size: ba w8 ADDRESS");
        return false;
    }
    char *end;
    unsigned long size = strtoul(*args + 1, &end, 10);
    if (end == *args + 1 || size < 1 || size > DATA_MAX || (*end != ' ' && *end != '\t')) {
        debug_error(d, "ba: a size from 1 to %u follows the kind of access", DATA_MAX);
        return false;
    }
    b->kind = kind;
    b->size = size;
    *args = end + strspn(end, " \t");
    return true;
}

static void set(struct debugger *d, const char *name, const char *args)
{
    struct breakpoint b = {.set = true, .enabled = true, .kind = 'e', .passes = 1, .left = 1};
    size_t digits = 0;
    while (isdigit((unsigned char)args[digits])) /* bp3 ADDRESS */
        digits++;
    char number[8] = "";
    if (digits > 0 && digits < sizeof number && (args[digits] == ' ') && args[digits + 1] != '"') {
        memcpy(number, args, digits);
        args += digits + strspn(args + digits, " ");
    }
    struct breakpoint *to = slot(d, number);
    if (to == NULL) {
        debug_error(d, "No more than %u breakpoints", BREAKPOINTS_MAX);
        return;
    }
    if (strcmp(name, "ba") == 0 && !access_of(d, &args, &b))
        return;
    if (strncmp(args, "/w", 2) == 0) {
        args += 2;
        b.condition = quoted(&args);
        if (b.condition == NULL) {
            debug_error(d, "%s: /w needs a condition in quotes", name);
            return;
        }
    }
    const char *from = args;
    if (*args == '\0')
        debug_error(d, "%s: where?", name);
    bool good = *args != '\0' && places(d, &args, &b);
    b.text = str_format("%.*s", (int)(args - from), from);
    for (size_t n = strlen(b.text); n > 0 && b.text[n - 1] == ' '; n--)
        b.text[n - 1] = '\0';
    if (good && *args != '\0' && *args != '"') {
        good = debug_eval(d, &args, &b.passes);
        b.passes = b.passes > 0 ? b.passes : 1;
        b.left = b.passes;
    }
    if (good && *args == '"') {
        b.commands = quoted(&args);
        good = b.commands != NULL;
        if (!good)
            debug_error(d, "%s: the commands' closing quote is missing", name);
    }
    if (good && *args != '\0') {
        debug_error(d, "%s: what is '%s'?", name, args);
        good = false;
    }
    if (!good) {
        debug_breakpoint_clear(&b);
        return;
    }
    debug_breakpoint_clear(to);
    *to = b;
}

static void list(struct debugger *d)
{
    for (unsigned i = 0; i < BREAKPOINTS_MAX; i++) {
        const struct breakpoint *b = &d->breakpoints->list[i];
        char address[DEBUG_ADDRESS], symbol[DEBUG_SYMBOL], kind[32] = "";
        if (!b->set)
            continue;
        if (b->kind != 'e')
            snprintf(kind, sizeof kind, "%c %" PRIu64 " ", b->kind, b->size);
        for (unsigned k = 0; k < b->place_count; k++)
            debug_print(d, "%2u %c %s %s%04" PRIx64 " (%04" PRIx64 ")  %s%s%s%s%s%s\n", i, b->enabled ? 'e' : 'd',
                        debug_address(b->places[k], address), kind, b->left, b->passes,
                        machine_image_at(d->m, b->places[k]) != NULL ? debug_symbol(d, b->places[k], symbol) : b->text,
                        b->condition != NULL ? " /w \"" : "", b->condition != NULL ? b->condition : "",
                        b->condition != NULL ? "\"" : "", b->commands != NULL ? " " : "",
                        b->commands != NULL ? b->commands : "");
    }
}

static void change(struct debugger *d, const char *name, const char *args)
{
    bool all = strcmp(args, "*") == 0;
    if (*args == '\0') {
        debug_error(d, "%s: which one? (* for all)", name);
        return;
    }
    for (unsigned i = 0; all && i < BREAKPOINTS_MAX; i++) {
        struct breakpoint *b = &d->breakpoints->list[i];
        if (name[1] == 'c')
            debug_breakpoint_clear(b);
        else
            b->enabled = name[1] == 'e';
    }
    while (!all && *args != '\0') {
        char *end;
        unsigned long n = strtoul(args, &end, 10);
        if (end == args || n >= BREAKPOINTS_MAX || !d->breakpoints->list[n].set) {
            debug_error(d, "%s: there is no breakpoint '%s'", name, args);
            return;
        }
        if (name[1] == 'c')
            debug_breakpoint_clear(&d->breakpoints->list[n]);
        else
            d->breakpoints->list[n].enabled = name[1] == 'e';
        args = end + strspn(end, " ,\t");
    }
}

static void run(struct debugger *d, const char *name, const char *args)
{
    if (d->breakpoints == NULL)
        debug_error(d, "There is no execution to move through");
    else if (strcmp(name, "bl") == 0)
        list(d);
    else if (strcmp(name, "bp") == 0 || strcmp(name, "bu") == 0 || strcmp(name, "ba") == 0)
        set(d, name, args);
    else
        change(d, name, args);
}

const struct debug_command debug_command_breakpoints = {
    .names = "bp bu ba bl bc bd be",
    .syntax = "[r8|w8|e1] [/w \"CONDITION\"] ADDRESS [PASSES] [\"COMMANDS\"] | NUMBER | *",
    .help = "set, on data (ba), list, clear, disable, enable breakpoints",
    .run = run,
};
