/* Shared by the files of gdb's remote protocol: gdb.c (packets), gdb_target.c (what there is), gdb_run.c (moving). */
#ifndef DEBUG_GDB_INTERNAL_H
#define DEBUG_GDB_INTERNAL_H

#include "base/str.h"
#include "debug/gdb.h"
#include "debug/packet.h"

#define THREADS_MAX 320u
#define GDB_POINTS_MAX 64u
/* Packets' numbers of breakpoints: Z0 and Z1 execution, Z2 write, Z3 read, Z4 either. */
enum gdb_point_kind { GDB_SOFTWARE, GDB_HARDWARE, GDB_WRITE, GDB_READ, GDB_ACCESS };
struct gdb_point {
    enum gdb_point_kind kind;
    gva_t address;
    uint64_t size; /* of data */
};

struct gdb {
    struct debugger *d;
    struct gdb_link link;
    struct packet_reader reader;
    bool no_acknowledgements, ended;
    char *sent; /* the latest packet, framed: sent again when gdb asks */
    size_t sent_size;
    uint64_t here;    /* id of the thread that the latest stop is about */
    uint64_t general; /* chosen by Hg */
    uint64_t stepping; /* chosen by Hc; 0: the one of the latest stop */
    struct gdb_point points[GDB_POINTS_MAX];
    unsigned point_count;
    unsigned asked; /* questions of a search, for looking after the interrupt byte */
};

/* gdb_target.c. Ids of threads: the client id; of what has none (idle threads, a processor that runs no thread yet) a number
 * that is no client id. */
uint64_t gdb_thread_on(const struct gdb *g, unsigned cpu);
/* Processor that runs the thread; ~0u: none. */
unsigned gdb_thread_cpu(const struct gdb *g, uint64_t id);
/* The threads that have registers here; returns how many. */
unsigned gdb_threads(const struct gdb *g, uint64_t *out, unsigned max);
/* The thread's index for machine_thread; DEBUG_NO_THREAD: none. */
unsigned gdb_thread_index(const struct gdb *g, uint64_t id);
bool gdb_thread_describe(const struct gdb *g, uint64_t id, struct str *out);
/* The thread's registers, and whether they are all known. A thread that is switched out is shown in the function that gave
 * its processor away. False: there is no such thread. */
bool gdb_thread_registers(const struct gdb *g, uint64_t id, struct vcpu_regs *out, gva_t *gs_base, bool *all);
/* The frame with that pc and stack pointer, in whichever thread's stack: its stack pointer before the call, where its function
 * begins, and the caller's registers that unwinding knows (rip 0: the thread began there). False: there is no such frame. */
bool gdb_caller(const struct gdb *g, gva_t pc, gva_t sp, gva_t *before_call, gva_t *function, struct vcpu_regs *out);
/* As in packet g, one register (packet p); false: no such register. */
void gdb_registers_text(const struct vcpu_regs *regs, gva_t gs_base, bool all, struct str *out);
bool gdb_register_text(const struct vcpu_regs *regs, gva_t gs_base, bool all, uint64_t number, struct str *out);
/* Documents of packet qXfer. */
void gdb_features(struct str *out);
void gdb_program(const struct gdb *g, struct str *out);
void gdb_libraries(const struct gdb *g, struct str *out);
void gdb_thread_list(const struct gdb *g, struct str *out);

/* gdb_run.c: moves, and the stop reply. `thread`: of a step. */
void gdb_continue(struct gdb *g, bool back, struct str *reply);
void gdb_step(struct gdb *g, uint64_t thread, bool back, struct str *reply);
/* The latest stop's thread, without a reason. */
void gdb_stop_reply(const struct gdb *g, struct str *reply);
/* The machine has moved by other means: the stop is where it is now. */
void gdb_arrive(struct gdb *g);

#endif
