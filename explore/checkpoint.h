/*
 * A search in a file: the shared nodes and units that are left, what has been counted and met, and the locations that are
 * treated as shared. Written beside its place and renamed, so that there is always a whole one. The file begins with
 * a line that says what it is, the hash of what is explored and how, and the hash of the rest.
 */
#ifndef EXPLORE_CHECKPOINT_H
#define EXPLORE_CHECKPOINT_H

#include "explore/units.h"

/* `busy`: units that are not in the queue. `x` has what was counted so far. */
bool checkpoint_write(const char *path, struct explorer *x, const struct units *queue, struct unit *const *busy,
                      size_t count, struct error *e);
/* Into an explorer that has found nothing yet. False: *e says what is wrong with the file. */
bool checkpoint_read(const char *path, struct explorer *x, struct units *queue, struct error *e);

/* The file's contents apart from its head, as a test of what a hostile one can do. */
bool checkpoint_parse(struct wire *w, struct explorer *x, struct units *queue);

#endif
