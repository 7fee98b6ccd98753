/* Processes that end in the middle of a search. The system's signal header names registers as the machine does, so the constant
 * is written out. */
#include "tests/unit/explore_sim/deaths.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

int kill(pid_t pid, int signal);
pid_t waitpid(pid_t pid, int *status, int options);
#define SIGNAL_KILL 9

static struct board {
    atomic_uint steps, deaths;
} *board;

static struct step_result (*inner)(void *context, unsigned agent, const struct decider *decider);
static unsigned deadly;
static bool parents;
static pid_t spared;

static struct step_result step(void *context, unsigned agent, const struct decider *decider)
{
    if (deadly != 0 && getpid() != spared && atomic_fetch_add(&board->steps, 1) % deadly == deadly - 1) {
        pid_t parent = getppid();
        if (!parents || parent != spared) {
            atomic_fetch_add(&board->deaths, 1);
            kill(parents ? parent : getpid(), SIGNAL_KILL);
        }
    }
    return inner(context, agent, decider);
}

void deaths_begin(struct subject *s, unsigned every, bool of_parent)
{
    if (board == NULL)
        board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    RD_ASSERT(board != MAP_FAILED);
    atomic_store(&board->steps, 0);
    atomic_store(&board->deaths, 0);
    deadly = every;
    parents = of_parent;
    spared = getpid();
    if (s->step != step) {
        inner = s->step;
        s->step = step;
    }
}

unsigned deaths_so_far(void)
{
    return atomic_load(&board->deaths);
}

bool deaths_survived(void (*run)(void *context), void *context)
{
    int status = 0;
    pid_t pid = fork();
    RD_ASSERT(pid >= 0);
    if (pid == 0) {
        run(context);
        _exit(0);
    }
    RD_ASSERT(waitpid(pid, &status, 0) == pid);
    return status == 0;
}
