/* A scenario said which status a step must have, and it had another. */
#include <stdio.h>

#include "check/internal.h"

static bool judge(const struct machine *m, const struct trouble *t, struct violation *out)
{
    (void)m;
    if (t->kind != TROUBLE_EXPECT)
        return false;
    snprintf(out->name, sizeof out->name, "EXPECTATION");
    for (int i = 0; i < 3; i++)
        out->arg[i] = t->arg[i];
    snprintf(out->arg_text[0], sizeof out->arg_text[0], "Status expected");
    snprintf(out->arg_text[1], sizeof out->arg_text[1], "Status returned");
    snprintf(out->arg_text[2], sizeof out->arg_text[2], "Step of the scenario's thread, from 0");
    violation_sentence(out, "expectation-failed", "a step returned status %#010x, the scenario expects %#010x",
                       (unsigned)t->arg[1], (unsigned)t->arg[0]);
    return true;
}

const struct monitor monitor_expectation = {"expectation", "a status that a scenario states was another (expectation-failed)",
                                            "Scenario", judge};
