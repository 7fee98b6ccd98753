/*
 * Counts the executions that a scenario needs: `count [--kernel FILE] [--tso] SCENARIO.lua`. An exploration that learns of
 * shared locations begins again, and what it had done before is void; so the scenario is explored once to learn and
 * once more to count. Where brute force is affordable, it is the oracle: without any reduction the same final states
 * must be reached. A final state is what is left in the drivers' images, as in litmus programs on paper.
 *
 * Prints one line: VERDICT EXECUTIONS REDUNDANT STATES BRUTE_EXECUTIONS BRUTE_STATES, where brute's are "-" when it
 * was cut off.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "machine/arena.h"

#define BRUTE_LIMIT 60000

/* Of the images from the first driver on; 0 and 1 are the kernel and the HAL. */
static struct hash128 final_state(void *machine)
{
    struct hash128 all[MACHINE_MAX_IMAGES];
    unsigned count = 0;
    for (unsigned i = 2; i < machine_image_count(machine); i++) {
        const struct machine_image *image = machine_image(machine, i);
        uint8_t *bytes = calloc(image->size, 1);
        RD_ASSERT(bytes != NULL);
        for (uint64_t at = 0; at < image->size; at += RD_PAGE)
            arena_read(image->base + at, bytes + at, RD_PAGE); /* holes stay zero */
        all[count++] = hash_bytes(bytes, image->size);
        free(bytes);
    }
    return hash_bytes(all, count * sizeof all[0]);
}

static bool explore(struct session *s, const char *strategy, uint64_t limit, struct explore_result *r, struct error *e)
{
    struct subject subject = explore_machine(s->machine);
    subject.context = s->machine;
    subject.state = final_state;
    struct explore_options options = {
        .strategy = strategy, .max_executions = limit, .max_steps = 100000, .want_states = true};
    machine_restore(s->machine, s->root);
    return explore_run(&subject, &options, r, e);
}

static int count(struct session *s, struct error *e)
{
    struct explore_result learn = {0}, r = {0}, brute = {0};
    if (!session_boot(s, NULL, e))
        return cli_fail(e);
    machine_set_sharing(s->machine, true);
    if (!explore(s, "dpor", 0, &learn, e))
        return cli_fail(e);
    if (learn.violation_count != 0) {
        printf("breaks - - - - -\n");
        explore_free(&learn);
        return 0;
    }
    if (learn.stop != STOP_END || !learn.complete)
        return session_stopped(s, learn.stop);
    if (!explore(s, "dpor", 0, &r, e) || !explore(s, "brute", BRUTE_LIMIT, &brute, e))
        return cli_fail(e);
    if (r.restarts != 0)
        printf("# the second exploration still found new shared locations\n");
    printf("holds %llu %llu %zu ", (unsigned long long)r.executions, (unsigned long long)r.blocked, r.state_count);
    if (brute.complete)
        printf("%llu %zu\n", (unsigned long long)brute.executions, brute.state_count);
    else
        printf("- -\n");
    bool same = !brute.complete || (brute.state_count == r.state_count &&
                                    memcmp(brute.states, r.states, r.state_count * sizeof r.states[0]) == 0);
    if (!same)
        printf("# dpor and brute force reach different final states\n");
    explore_free(&learn);
    explore_free(&r);
    explore_free(&brute);
    return same ? 0 : 1;
}

/* cli/main.c's part. */
int cli_fail(const struct error *e)
{
    fprintf(stderr, "count: %s\n", e->text);
    return 2;
}

int cli_help(const struct command *c, const char *allowed)
{
    (void)c;
    (void)allowed;
    return 0;
}

int main(int argc, char **argv)
{
    struct options o;
    struct error e = {0};
    struct session s;
    int first;
    if (!options_parse(argc, argv, "kTmi", &o, &first, &e))
        return cli_fail(&e);
    if (argc - first != 1) {
        fprintf(stderr, "usage: count [--kernel FILE] [--tso] SCENARIO.lua\n");
        return 2;
    }
    int status = session_open(&s, &o, argv + first, 1, &e) ? count(&s, &e) : cli_fail(&e);
    session_close(&s);
    return status;
}
