/* The search for a failure's race, in a process of its own: it runs the machine in many other ways and leaves it anyhow. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "explore/process.h"

static bool send_all(int fd, const void *data, size_t size)
{
    const char *p = data;
    while (size > 0) {
        ssize_t n = write(fd, p, size);
        if (n <= 0)
            return false;
        p += n;
        size -= (size_t)n;
    }
    return true;
}

static bool receive_all(int fd, void *data, size_t size)
{
    char *p = data;
    while (size > 0) {
        ssize_t n = read(fd, p, size);
        if (n <= 0)
            return false;
        p += n;
        size -= (size_t)n;
    }
    return true;
}

struct race session_failure_race(struct session *s, struct timeline *timeline, const struct failure *f)
{
    struct race_decision *decisions = calloc(f->decision_count + 1, sizeof *decisions);
    RD_ASSERT(decisions != NULL);
    for (size_t i = 0; i < f->decision_count; i++)
        decisions[i] = (struct race_decision){f->decisions[i].is_choice, f->decisions[i].agent, f->decisions[i].value};
    struct race race = session_race(s, timeline, decisions, f->decision_count);
    free(decisions);
    return race;
}

struct race session_race(struct session *s, struct timeline *timeline, const struct race_decision *decisions, size_t count)
{
    struct race race = {.kind = RACE_NONE};
    int fd, pid = process_fork(&fd);
    if (pid == 0) {
        if (timeline != NULL) {
            timeline_goto(timeline, (struct timeline_position){timeline_boot_steps(timeline), 0});
            s->root = machine_push(s->machine);
        }
        race_find(s->machine, s->root, decisions, count, &race);
        send_all(fd, &race, sizeof race);
        _exit(0);
    }
    if (pid < 0)
        return race;
    if (!receive_all(fd, &race, sizeof race))
        race = (struct race){.kind = RACE_NONE};
    close(fd);
    process_end(pid);
    return race;
}
