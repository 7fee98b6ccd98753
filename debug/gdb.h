/*
 * gdb's remote protocol over an execution. The target cannot be changed, only looked at and walked through, in both
 * directions: what gdb would write is refused. The bytes' way to gdb and back is the caller's.
 */
#ifndef DEBUG_GDB_H
#define DEBUG_GDB_H

#include "debug/debugger.h"

struct gdb;

struct gdb_link {
    void *context;
    void (*send)(void *context, const char *bytes, size_t n);
    /* Asked now and then while the machine runs: has gdb sent the interrupt byte, or gone away? It takes that byte. */
    bool (*interrupted)(void *context);
};

/* The debugger must have a timeline. */
struct gdb *gdb_open(struct debugger *d, const struct gdb_link *link);
/* Bytes from gdb. False: gdb has ended the session. */
bool gdb_receive(struct gdb *g, const char *bytes, size_t n);
void gdb_close(struct gdb *g);

#endif
