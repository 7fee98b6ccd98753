/* Between timeline.c, which walks, and search.c, which looks for places. */
#ifndef DEBUG_TIMELINE_INTERNAL_H
#define DEBUG_TIMELINE_INTERNAL_H

#include "base/vec.h"
#include "debug/timeline.h"

/* A page whose dirty byte a search reads and clears on its way; `kept` is what the byte must say again before the next snapshot
 * is taken or restored. */
struct watched_page {
    uint8_t *dirty;
    uint8_t kept;
};

struct step_record {
    uint8_t agent;
    size_t first_decision; /* behind the one that chose the agent */
    uint64_t start;        /* instructions before it */
    uint64_t retired;
    struct hash128 hash;
};

struct checkpoint {
    uint64_t step;
    unsigned depth;
};

struct timeline {
    struct machine *m;
    struct timeline_decision *decisions;
    size_t decision_count, next_decision;
    bool bad_decision;
    VEC(struct step_record) steps;
    VEC(struct checkpoint) checkpoints;
    uint64_t boot_steps, total;
    bool quiescent;  /* it ended because nobody could move */
    struct hash128 final;

    uint64_t step, n;
    bool inside;    /* paused in the step */
    bool over;
    uint64_t repairs;
    bool disturbed; /* walked in parts since the last restore */

    /* Pages whose writes a search looks for (search.c). */
    VEC(struct watched_page) watched;
    bool seen_written;
};

/* Back to the latest checkpoint at or before the step. */
void timeline_rewind(struct timeline *t, uint64_t step);
/* Walks to `target`, or until the search says that it has arrived: then true. first: it is asked about the present position,
 * too. */
bool timeline_walk(struct timeline *t, struct timeline_position target, const struct timeline_search *search, bool first);
/* Dirty bytes of the watched pages say again what snapshots need. */
void timeline_marks_back(struct timeline *t);

#endif
