/* g p t gu pa ta, and backwards g- p- t- gu-. */
#include <string.h>

#include "debug/debugger.h"

static void run(struct debugger *d, const char *name, const char *args)
{
    static const struct {
        const char *name;
        enum debug_move move;
    } moves[] = {{"g", MOVE_GO}, {"t", MOVE_STEP}, {"p", MOVE_OVER}, {"gu", MOVE_UP}, {"ta", MOVE_TRACE_TO},
                 {"pa", MOVE_STEP_TO}};
    size_t n = strlen(name);
    bool back = name[n - 1] == '-';
    uint64_t value = 0;
    for (unsigned i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        if (strlen(moves[i].name) != n - back || strncmp(moves[i].name, name, n - back) != 0)
            continue;
        bool counts = moves[i].move == MOVE_STEP || moves[i].move == MOVE_OVER || moves[i].move == MOVE_UP;
        value = counts ? 1 : 0;
        if (!debug_eval_optional(d, &args, &value))
            return;
        if (*args != '\0' || (value == 0 && (counts || moves[i].move == MOVE_TRACE_TO || moves[i].move == MOVE_STEP_TO)))
            debug_error(d, "%s: expected %s", name, counts ? "a count" : "an address");
        else
            debug_move(d, moves[i].move, back, counts ? 0 : value, counts ? value : 1);
    }
}

const struct debug_command debug_command_control = {
    .names = "g g- t t- p p- gu gu- ta pa",
    .syntax = "[ADDRESS | COUNT]",
    .help = "go, step into, step over, go up, step to an address; with - backwards in time",
    .run = run,
};
