/* `rundown run`: one execution in a fixed order, as a first look at a driver: what does it print,
 * does it get through? No claim is made. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

#define RUN_STEPS 1000000u
#define ALLOWED "cObfvykJh"

static void print_text(void *context, const char *text, size_t bytes)
{
    (void)context;
    fwrite(text, 1, bytes, stdout);
}

/* The lowest agent above the last one, round and round; the clock, processor 0, only when nobody
 * else can move, so that time passes when everybody waits. */
static unsigned next_agent(uint64_t enabled, unsigned last)
{
    uint64_t others = enabled & ~1ull;
    if (others == 0)
        return 0;
    uint64_t above = last < 63 ? others & ~((2ull << last) - 1) : 0;
    return (unsigned)__builtin_ctzll(above != 0 ? above : others);
}

static enum machine_stop run_once(struct machine *m)
{
    unsigned last = 0;
    for (unsigned i = 0; i < RUN_STEPS; i++) {
        uint64_t enabled = machine_enabled(m);
        if (enabled == 0)
            return machine_quiescent(m);
        last = next_agent(enabled, last);
        enum machine_stop stop = machine_step(m, last).stop;
        if (stop != STOP_NONE)
            return stop;
    }
    return STOP_LIMIT;
}

static int show(struct session *s, const struct options *o)
{
    struct report r = {.scene = report_scene(s->machine, machine_violation(s->machine), s->symbols, NULL),
                       .facts = {.subject = s->subject}};
    if (o->json)
        report_json(&r, stdout);
    else
        report_text(&r, stdout);
    return EXIT_VIOLATION;
}

static int run_session(struct session *s, const struct options *o)
{
    struct error e = {0};
    if (!session_boot(s, print_text, &e))
        return e.kind != ERROR_NONE ? cli_fail(&e) : show(s, o);
    enum machine_stop stop = run_once(s->machine);
    if (stop == STOP_VIOLATION)
        return show(s, o);
    if (stop == STOP_LIMIT) {
        error_set(&e, ERROR_UNIMPLEMENTED, "%s: the run takes more than %u steps", s->subject,
                  RUN_STEPS);
        return cli_fail(&e);
    }
    return stop == STOP_END ? EXIT_CLEAN : session_stopped(s, stop);
}

static int run(int argc, char **argv)
{
    struct options o;
    struct error e = {0};
    int first;
    if (!options_parse(argc, argv, ALLOWED, &o, &first, &e))
        return cli_fail(&e);
    if (o.help)
        return cli_help(&command_run, ALLOWED);
    struct session s;
    int status =
        session_open(&s, &o, argv + first, argc - first, &e) ? run_session(&s, &o) : cli_fail(&e);
    session_close(&s);
    return status;
}

const struct command command_run = {
    .name = "run",
    .synopsis = "DRIVER.sys... | SCENARIO.lua",
    .help =
        "Runs the scenario once, in a fixed order, with the driver's output on standard output.",
    .run = run,
};
