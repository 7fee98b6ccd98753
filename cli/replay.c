/* `rundown replay`: runs a failure again, exactly. The images must be the ones that failed, and the
 * run must reach the same trace and the same memory; anything less is an error of ours, never a
 * report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/cli.h"

#define ALLOWED "Jykh"

int session_diverged(const char *path, const char *what, const char *detail)
{
    struct error e = {0};
    error_set(&e, ERROR_INTERNAL, "%s: the replay %s%s%s", path, what, detail[0] ? ": " : "",
              detail);
    return cli_fail(&e);
}

static bool same_notes(const struct failure *f, const struct violation *v)
{
    struct str notes = {0};
    report_notes_text(v, &notes);
    bool same = f->notes == NULL || strcmp(f->notes, notes.data ? notes.data : "") == 0;
    str_free(&notes);
    return same;
}

int session_replay_failure(struct session *s, const char *path, const struct failure *f, struct recording **recording)
{
    struct error e = {0};
    *recording = NULL;
    if (!session_boot(s, NULL, &e))
        return e.kind != ERROR_NONE ? cli_fail(&e) : session_diverged(path, "ended while booting", "");
    machine_share_add(s->machine, f->shared, f->shared_count);
    machine_set_sharing(s->machine, true);
    machine_begin_execution(s->machine);
    struct schedule schedule = {calloc(f->decision_count + 1, sizeof(struct decision)),
                                f->decision_count, f->decision_count + 1};
    RD_ASSERT(schedule.data != NULL);
    for (size_t i = 0; i < f->decision_count; i++)
        schedule.data[i] = (struct decision){f->decisions[i].is_choice, f->decisions[i].agent,
                                             f->decisions[i].value};
    enum machine_stop stop = session_replay(s, &schedule, recording, &e);
    free(schedule.data);
    if (stop == STOP_UNIMPLEMENTED || stop == STOP_INTERNAL || stop == STOP_LIMIT)
        return session_stopped(s, stop);
    if (stop != STOP_VIOLATION)
        return session_diverged(path, "did not reach the violation", e.kind != ERROR_NONE ? e.text : "");
    return session_compare_failure(s, path, f);
}

int session_compare_failure(struct session *s, const char *path, const struct failure *f)
{
    const struct violation *v = machine_violation(s->machine);
    if (strcmp(v->rule, f->rule) != 0)
        return session_diverged(path, "met another violation", v->rule);
    if (!hash_equal(machine_trace_hash(s->machine), f->trace))
        return session_diverged(path, "took other steps than the failure", "");
    if (!hash_equal(machine_state_hash(s->machine), f->memory))
        return session_diverged(path, "reached other memory than the failure", "");
    if (!same_notes(f, v))
        return session_diverged(path, "met the same violation with other notes", "");
    return EXIT_VIOLATION;
}

static int play(struct session *s, const struct options *o, const char *path,
                const struct failure *f)
{
    struct recording *recording;
    int status = session_replay_failure(s, path, f, &recording);
    if (status == EXIT_VIOLATION) {
        struct report r = {.scene = report_scene(s->machine, machine_violation(s->machine), s->symbols, recording),
                           .recording = recording,
                           .facts = {.subject = s->subject, .failure = path, .reproduced = true},
                           .colour = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL};
        if (o->json)
            report_json(&r, stdout);
        else
            report_text(&r, stdout);
    }
    recording_close(recording);
    return status;
}

static int replay(int argc, char **argv)
{
    struct options o;
    struct error e = {0};
    int first;
    if (!options_parse(argc, argv, ALLOWED, &o, &first, &e))
        return cli_fail(&e);
    if (o.help)
        return cli_help(&command_replay, ALLOWED);
    if (argc - first != 1) {
        error_set(&e, ERROR_INPUT, "replay: expected one failure file (.rdn), got %d",
                  argc - first);
        return cli_fail(&e);
    }
    struct failure f;
    if (!failure_read(argv[first], &f, &e))
        return cli_fail(&e);
    struct session s;
    int status = session_open_failure(&s, &o, argv[first], &f, &e) ? play(&s, &o, argv[first], &f)
                                                                   : cli_fail(&e);
    session_close(&s);
    failure_free(&f);
    return status;
}

const struct command command_replay = {
    .name = "replay",
    .synopsis = "FAILURE.rdn",
    .help = "Runs a failure again, exactly, and prints its report. Exit status 1: the violation "
            "was reproduced.",
    .run = replay,
};
