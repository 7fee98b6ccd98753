/* Options of the subcommands: one table, from which parsing, the check of what a subcommand takes,
 * and the help all come. Numbers are parsed whole, or refused. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/cli.h"

/* The letter is the option's name in a subcommand's `allowed` string; only some are options of
 * their own. */
static const struct option_row {
    char letter;
    bool has_short;
    const char *name;
    const char *argument; /* NULL: none */
    const char *help;
} rows[] = {
    {'S', false, "strategy", "NAME", "how to explore (rundown list strategies); default dpor"},
    {'P', false, "preemptions", "N", "strategy bounded: at most N preemptions an execution; 2"},
    {'n', false, "executions", "N", "stop after N executions"},
    {'t', false, "time", "SECONDS", "stop after so long"},
    {'s', false, "seed", "N", "seed of a sampling strategy"},
    {'j', false, "jobs", "N", "processes that share a long exploration; default: one a processor"},
    {'T', false, "tso", NULL, "explore x86 store buffers too: at most 4 stores a processor wait"},
    {'K', false, "checkpoint", "FILE", "keep the state of the exploration in FILE, to resume from"},
    {'R', false, "resume", "FILE", "go on where FILE says, and keep it up to date"},
    {'H', false, "shard", "I/N", "explore part I of N; `rundown merge` adds the results (--json) up"},
    {'c', false, "cpus", "N", "N processors instead of one a thread"},
    {'O', false, "os", "VERSION", "win7, win8 or win10, whatever the scenario says"},
    {'f', false, "faults", "N", "at most N pool allocations fail, anywhere; 0 unless the scenario says"},
    {'m', false, "timers", "N", "at most N clock interrupts while anything else can run; default: any"},
    {'i', false, "interrupts", "N", "at most N APC or DPC interrupts of a processor that runs; default: any"},
    {'v', false, "verifier", "FLAGS", "Driver Verifier: number, names (io,misc), standard, all, none"},
    {'a', false, "all", NULL, "go on after a violation and collect distinct ones"},
    {'o', true, "output", "FILE", "where to write the failure file; default NAME.rdn here"},
    {'J', false, "json", NULL, "print the report as JSON"},
    {'b', false, "base", "ADDRESS", "load drivers from this address on"},
    {'C', true, "commands", "'CMD; CMD'", "debugger commands to run instead of a prompt"},
    {'g', false, "gdb", "PORT", "wait for gdb on this port of 127.0.0.1 instead of prompting; 0: a free one"},
    {'k', false, "kernel", "FILE", "guest kernel image; hal.dll lies beside it"},
    {'h', true, "help", NULL, "this text"},
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

void options_print(const char *allowed, FILE *out)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strchr(allowed, rows[i].letter) == NULL)
            continue;
        char left[48];
        snprintf(left, sizeof left, "%s--%s%s%s",
                 rows[i].letter == 'o'   ? "-o, "
                 : rows[i].letter == 'C' ? "-c, "
                 : rows[i].letter == 'h' ? "-h, "
                                         : "    ",
                 rows[i].name, rows[i].argument ? " " : "",
                 rows[i].argument ? rows[i].argument : "");
        fprintf(out, "  %-26s %s\n", left, rows[i].help);
    }
}

static bool number(const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *out,
                   struct error *e)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 0);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < low || value > high)
        return error_set(e, ERROR_INPUT, "--%s: expected a number from %llu to %llu, got \"%s\"",
                         option, (unsigned long long)low, (unsigned long long)high, text);
    *out = value;
    return true;
}

static bool is_strategy(const char *name)
{
    for (size_t i = 0; explore_strategies[i] != NULL; i++)
        if (strcmp(explore_strategies[i]->name, name) == 0)
            return true;
    return false;
}

/* "dpor, random": for errors that say what there is instead. */
static char *strategy_names(void)
{
    struct str s = {0};
    for (size_t i = 0; explore_strategies[i] != NULL; i++)
        str_addf(&s, "%s%s", i ? ", " : "", explore_strategies[i]->name);
    return s.data ? s.data : str_dup("none");
}

static bool no_such_strategy(const char *name, struct error *e)
{
    char *names = strategy_names();
    error_set(e, ERROR_INPUT, "--strategy: there is no strategy \"%s\"; available: %s", name,
              names);
    free(names);
    return false;
}

static bool parse_seconds(const char *text, double *out, struct error *e)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (text[0] == '\0' || *end != '\0' || errno != 0 || !(value > 0 && value <= 1e9))
        return error_set(e, ERROR_INPUT, "--time: expected seconds above 0, got \"%s\"", text);
    *out = value;
    return true;
}

static bool parse_shard(const char *text, struct options *o, struct error *e)
{
    unsigned part, parts;
    int end = 0;
    if (sscanf(text, "%5u/%5u%n", &part, &parts, &end) != 2 || text[end] != '\0' || text[0] < '0' || text[0] > '9' ||
        part < 1 || part > parts)
        return error_set(e, ERROR_INPUT, "--shard: expected I/N, from 1/N to N/N, got \"%s\"", text);
    o->shard = part;
    o->shards = parts;
    return true;
}

static bool parse_os(const char *text, uint32_t *out, struct error *e)
{
    static const char *const names[] = {"win7", "win8", "win10"};
    for (uint32_t i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = RD_OS_WIN7 + i;
            return true;
        }
    return error_set(e, ERROR_INPUT, "--os: expected win7, win8 or win10, got \"%s\"", text);
}

static bool take(char letter, const char *value, struct options *o, struct error *e)
{
    uint64_t n = 0;
    switch (letter) {
    case 'S':
        o->strategy = value;
        return is_strategy(value) || no_such_strategy(value, e);
    case 'P':
        if (!number("preemptions", value, 0, 1000, &n, e))
            return false;
        o->preemptions = (int)n;
        return true;
    case 'n':
        return number("executions", value, 1, UINT64_MAX, &o->executions, e);
    case 't':
        return parse_seconds(value, &o->seconds, e);
    case 's':
        return number("seed", value, 0, UINT64_MAX, &o->seed, e);
    case 'j':
        if (!number("jobs", value, 1, 256, &n, e))
            return false;
        o->jobs = (unsigned)n;
        return true;
    case 'K':
        o->checkpoint = value;
        return true;
    case 'R':
        o->resume = value;
        return true;
    case 'H':
        return parse_shard(value, o, e);
    case 'c':
        if (!number("cpus", value, 1, RD_MAX_CPUS - 1, &n, e))
            return false;
        o->cpus = (uint32_t)n;
        return true;
    case 'O':
        return parse_os(value, &o->os, e);
    case 'f':
        if (!number("faults", value, 0, 1000, &n, e))
            return false;
        o->faults = (int64_t)n;
        return true;
    case 'm':
        if (!number("timers", value, 0, 1000, &n, e))
            return false;
        o->bounds.timers = (struct machine_bound){true, (unsigned)n};
        return true;
    case 'i':
        if (!number("interrupts", value, 0, 1000, &n, e))
            return false;
        o->bounds.interrupts = (struct machine_bound){true, (unsigned)n};
        return true;
    case 'v': {
        uint32_t flags, left_out;
        struct error why = {0};
        o->verifier = value;
        return verifier_parse(value, RD_OS_WIN7, &flags, &left_out, &why) ||
               error_set(e, ERROR_INPUT, "--verifier: %s", why.text);
    }
    case 'T':
        o->tso = true;
        return true;
    case 'a':
        o->all = true;
        return true;
    case 'o':
        o->output = value;
        return true;
    case 'J':
        o->json = true;
        return true;
    case 'b':
        return number("base", value, 1, UINT64_MAX, &o->base, e);
    case 'C':
        o->commands = value;
        return true;
    case 'g':
        if (!number("gdb", value, 0, 65535, &n, e))
            return false;
        o->gdb = (int)n;
        return true;
    case 'k':
        o->kernel = value;
        return true;
    case 'h':
        o->help = true;
        return true;
    default:
        RD_ASSERT(!"letter of the option table");
    }
}

bool options_parse(int argc, char **argv, const char *allowed, struct options *o, int *first,
                   struct error *e)
{
    struct option longs[ROW_COUNT + 1];
    char shorts[2 * ROW_COUNT + 3] = ":";
    memset(longs, 0, sizeof longs);
    unsigned count = 0;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strchr(allowed, rows[i].letter) == NULL)
            continue;
        longs[count++] = (struct option){
            rows[i].name, rows[i].argument ? required_argument : no_argument, NULL, rows[i].letter};
        if (rows[i].has_short) {
            char one[3] = {rows[i].letter == 'C' ? 'c' : rows[i].letter, rows[i].argument ? ':' : '\0', '\0'};
            strcat(shorts, one);
        }
    }
    *o = (struct options){.faults = -1, .preemptions = -1, .gdb = -1};
    opterr = 0;
    optind = 1;
    for (;;) {
        int at = optind;
        int c = getopt_long(argc, argv, shorts, longs, NULL);
        if (c == -1)
            break;
        if (c == '?' || c == ':') {
            const char *word = at < argc ? argv[at] : "?";
            if (c == ':')
                return error_set(e, ERROR_INPUT, "%s: option %s needs a value", argv[0], word);
            return error_set(e, ERROR_INPUT, "%s: unknown option %s; try: rundown %s --help",
                             argv[0], word, argv[0]);
        }
        bool commands = c == 'c' && strchr(allowed, 'C') != NULL; /* -c; --cpus has no short form */
        if (!take(commands ? 'C' : (char)c, optarg, o, e))
            return false;
    }
    *first = optind;
    if (o->preemptions >= 0 && o->strategy != NULL && strcmp(o->strategy, "bounded") != 0)
        return error_set(e, ERROR_INPUT, "--preemptions belongs to strategy bounded, not to %s",
                         o->strategy);
    if (o->preemptions >= 0)
        o->strategy = "bounded";
    const char *whole = o->resume != NULL       ? "resume"
                        : o->checkpoint != NULL ? "checkpoint"
                        : o->shards != 0        ? "shard"
                                                : NULL;
    if (whole != NULL && o->strategy != NULL && strcmp(o->strategy, "dpor") != 0)
        return error_set(e, ERROR_INPUT, "--%s belongs to strategy dpor, not to %s", whole, o->strategy);
    if (o->checkpoint == NULL)
        o->checkpoint = o->resume;
    return true;
}
