/* Messages between the jobs of one exploration, and their checkpoint: plain bytes of this machine, no pointers. */
#ifndef EXPLORE_WIRE_H
#define EXPLORE_WIRE_H

#include "explore/dpor.h"

struct wire {
    VEC(uint8_t) bytes;
    size_t at;   /* where the next get_ reads */
    bool broken; /* something ended too early or cannot be: what was read since is worthless */
};
void wire_free(struct wire *w);

void put_u64(struct wire *w, uint64_t value);
uint64_t get_u64(struct wire *w);
void put_bytes(struct wire *w, const void *data, size_t size);
bool get_bytes(struct wire *w, void *out, size_t size);
/* A count of things of at least one byte each, so that a broken one cannot ask for the world. */
size_t get_count(struct wire *w);

void put_answers(struct wire *w, const struct answers *a);
void get_answers(struct wire *w, struct answers *a);
void put_footprint(struct wire *w, const struct footprint *f);
struct footprint get_footprint(struct wire *w);
void put_transition(struct wire *w, const struct transition *t);
struct transition *get_transition(struct wire *w);
void put_assumptions(struct wire *w, const struct assumptions *list);
void get_assumptions(struct wire *w, struct assumptions *list); /* appends */
void put_wakes(struct wire *w, const struct wakes *list);
void get_wakes(struct wire *w, struct wakes *list); /* appends */

void put_schedule(struct wire *w, const struct schedule *s);
void get_schedule(struct wire *w, struct schedule *s); /* appends */

/* What an explorer has counted and met since it was last asked; the explorer starts again at nothing. */
void put_outcome(struct wire *w, struct explorer *x);
/* Adds it to this explorer's. */
void get_outcome(struct wire *w, struct explorer *x);

/* One message a call, its length in front. False: the other side is gone. */
bool wire_send(int fd, const struct wire *w);
bool wire_receive(int fd, struct wire *w);

#endif
