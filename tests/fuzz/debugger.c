/*
 * What a stranger may send to a debugger's session: bytes to the gdb port, packets of gdb's protocol with right sums, commands at
 * the prompt. Over a real execution, the failure file that RUNDOWN_FUZZ_FAILURE names (`make fuzz F=debugger` makes one). Whatever comes, the session stays: the state
 * at the end is the failure's.
 *
 * The input is lines: '<' raw bytes for the port, '$' a packet's data, anything else a command.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "debug/debugger.h"
#include "debug/gdb.h"
#include "debug/packet.h"
#include "debug/timeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES_MAX 24 /* each may walk through the execution */

static struct session session;
static struct failure failure;
static struct timeline *timeline;
static struct debugger d;
static struct hash128 end_state;
static FILE *out;

/* Of cli/main.c, for cli/session.c. */
int cli_fail(const struct error *e)
{
    fprintf(stderr, "%s\n", e->text);
    exit(2);
}

static void deliver(void *context, const char *bytes, size_t n)
{
    (void)context;
    RD_ASSERT(n == 0 || bytes != NULL);
}

static bool never(void *context)
{
    (void)context;
    return false;
}

static void open_once(void)
{
    const char *path = getenv("RUNDOWN_FUZZ_FAILURE");
    struct options o = {.gdb = -1, .kernel = getenv("RUNDOWN_FUZZ_KERNEL")};
    struct error e = {0};
    enum machine_stop stop;
    if (path == NULL) {
        fprintf(stderr, "RUNDOWN_FUZZ_FAILURE must name a failure file, RUNDOWN_FUZZ_KERNEL its ntoskrnl.exe\n");
        exit(2);
    }
    if (!failure_read(path, &failure, &e) || !session_open_failure(&session, &o, path, &failure, &e))
        cli_fail(&e);
    struct timeline_decision *decisions = calloc(failure.decision_count + 1, sizeof *decisions);
    RD_ASSERT(decisions != NULL);
    for (size_t i = 0; i < failure.decision_count; i++)
        decisions[i] = (struct timeline_decision){failure.decisions[i].is_choice, failure.decisions[i].agent,
                                                  failure.decisions[i].value};
    session.symbols = symbols_open(session.machine);
    RD_ASSERT(timeline_open(&timeline, session.machine, decisions, failure.decision_count, failure.shared,
                            failure.shared_count, &stop, &e));
    free(decisions);
    out = fopen("/dev/null", "w");
    RD_ASSERT(out != NULL && stop == STOP_VIOLATION);
    end_state = machine_state_hash(session.machine);
}

/* Files are not for a fuzzer to write. */
static bool writes_files(const char *line)
{
    return strstr(line, ".log") != NULL || ((strstr(line, "Rcmd") != NULL) && (strstr(line, "2e6") != NULL || strstr(line, "2E6") != NULL));
}

static void one(struct gdb *g, char *line, size_t n)
{
    if (n == 0 || writes_files(line))
        return;
    if (*line == '<') {
        gdb_receive(g, line + 1, n - 1);
    } else if (*line == '$') {
        char *framed = malloc(2 * n + 4);
        RD_ASSERT(framed != NULL);
        gdb_receive(g, framed, packet_frame(line + 1, n - 1, framed));
        free(framed);
    } else {
        debugger_line(&d, line);
        d.quit = false;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (timeline == NULL)
        open_once();
    timeline_goto(timeline, timeline_end(timeline));
    debugger_open(&d, session.machine, session.symbols, out);
    debugger_travel(&d, timeline);
    struct gdb *g = gdb_open(&d, &(struct gdb_link){NULL, deliver, never});
    char *text = malloc(size + 1);
    RD_ASSERT(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    size_t at = 0;
    for (unsigned lines = 0; at < size && lines < LINES_MAX; lines++) {
        size_t n = 0;
        while (at + n < size && text[at + n] != '\n')
            n++;
        text[at + n] = '\0';
        one(g, text + at, n);
        at += n + 1;
    }
    free(text);
    gdb_close(g);
    debugger_close_log(&d);
    debugger_close(&d);
    timeline_goto(timeline, timeline_end(timeline));
    RD_ASSERT(hash_equal(machine_state_hash(session.machine), end_state));
    return 0;
}
