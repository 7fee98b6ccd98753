/*
 * The command line: one file a subcommand, each with a `struct command`. A subcommand returns the
 * exit status that DESIGN's table gives: 0 no violation, 1 violation, 2 bad usage or input, 3 not
 * implemented, 4 internal error.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/error.h"
#include "base/file.h"
#include "explore/explore.h"
#include "machine/machine.h"
#include "report/failure.h"
#include "report/report.h"
#include "scenario/scenario.h"

#define RUNDOWN_VERSION "1.0"

enum exit_status {
    EXIT_CLEAN = 0,
    EXIT_VIOLATION = 1,
    EXIT_USAGE = 2,
    EXIT_UNIMPLEMENTED = 3,
    EXIT_INTERNAL = 4
};

struct command {
    const char *name;
    const char *synopsis; /* behind the name */
    const char *help;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name */
};
extern const struct command command_check, command_run, command_replay, command_debug, command_list, command_merge;

/* Options that check, run and replay share; each says which of them it takes. */
struct options {
    const char *strategy;
    uint64_t executions, seed;
    double seconds;
    int preemptions; /* -1: not given */
    uint32_t cpus;   /* 0: as the scenario says */
    uint32_t os;     /* 0: as the scenario says */
    unsigned jobs;   /* 0: one a processor */
    bool tso;
    unsigned shard, shards; /* part 1, 2, ... of so many; 0: the whole */
    const char *checkpoint, *resume; /* NULL */
    int64_t faults;  /* -1: as the scenario says */
    struct machine_bounds bounds;
    bool all, json, help;
    const char *output;
    gva_t base;
    const char *verifier; /* NULL: as the scenario says */
    const char *commands; /* debug: NULL: from the terminal or standard input */
    int gdb;              /* debug: port for gdb; -1: not given */
    const char *kernel; /* NULL: found beside the program */
};
/* Parses options in `allowed` (a string of short letters, see options.c) and leaves operands from
 * *first on. */
bool options_parse(int argc, char **argv, const char *allowed, struct options *o, int *first,
                   struct error *e);
void options_print(const char *allowed, FILE *out);

struct debugger;
/* One session with gdb on a port of 127.0.0.1, 0 for a free one. False: *e. */
bool cli_serve_gdb(struct debugger *d, unsigned port, struct error *e);

/* "rundown: TEXT" on stderr; returns the exit status of its kind. */
int cli_fail(const struct error *e);
/* Help of one command, on stdout. */
int cli_help(const struct command *c, const char *allowed);

#define SESSION_SYSTEM 2 /* drivers of ours beside the kernel; session.c names them */

/* One machine with everything it was made from; a process has at most one. */
struct session {
    struct machine *machine;
    struct scenario scenario;
    bool has_scenario;
    struct scenario_blob loader;
    gva_t driver_base;
    struct machine_bounds bounds; /* of exploration; a failure replays without */
    struct file_data kernel, hal;
    char *kernel_path, *hal_path;
    struct machine_file system[SESSION_SYSTEM];
    struct file_data system_data[SESSION_SYSTEM];
    char *system_paths[SESSION_SYSTEM];
    struct machine_file files[SCENARIO_MAX_DRIVERS];
    struct file_data file_data[SCENARIO_MAX_DRIVERS];
    char *file_names[SCENARIO_MAX_DRIVERS], *file_paths[SCENARIO_MAX_DRIVERS];
    unsigned file_count;
    char *subject; /* for reports: what was given on the command line */
    unsigned root; /* snapshot after boot */
    struct symbols *symbols;
    bool booted;
};

typedef void (*print_fn)(void *context, const char *text, size_t bytes);

/* Reads a scenario, or drivers, and makes a machine of them. */
bool session_open(struct session *s, const struct options *o, char **operands, int count,
                  struct error *e);
/* Reads the images that a failure names and makes the machine it happened in. */
bool session_open_failure(struct session *s, const struct options *o, const char *path,
                          const struct failure *f, struct error *e);
/* Boots and marks the root. False: *e, or a violation during boot (e->kind is ERROR_NONE). */
bool session_boot(struct session *s, print_fn print, struct error *e);
void session_close(struct session *s);
/* The guest kernel's file; *path is malloc'ed, or NULL. */
bool session_read_kernel(const struct options *o, char **path, struct file_data *file,
                         struct error *e);
/* Hash of the kernel, the HAL and the drivers of ours. */
struct hash128 session_guest_hash(const struct session *s);
/* Hash of all that is explored: the guest, the drivers, the lowered scenario, where drivers are loaded, and the bounds. */
struct hash128 session_hash(const struct session *s);
/* Verb name of an opcode, for reports. */
const char *session_verb_name(uint32_t op);

/* Plays `schedule` strictly from the root and records what happens. The machine stays in the end
 * state. The caller closes *recording. */
enum machine_stop session_replay(struct session *s, const struct schedule *schedule,
                                 struct recording **recording, struct error *e);
/* Makes `schedule` replayable under the shared locations known now, if following it as far as it
 * fits still ends in a violation with `key`. */
bool session_repair(struct session *s, struct schedule *schedule, const char *key);

/* Boots and plays a failure to its violation. EXIT_VIOLATION: it was reproduced, exactly; else the exit status of the error that
 * has been printed. The caller closes *recording (NULL: none). */
int session_replay_failure(struct session *s, const char *path, const struct failure *f, struct recording **recording);
/* "internal error: PATH: the replay WHAT: DETAIL"; its exit status. */
int session_diverged(const char *path, const char *what, const char *detail);
/* Whether the violation that the machine stands at is the failure's, with trace, memory and notes; status as above. */
int session_compare_failure(struct session *s, const char *path, const struct failure *f);

/* Error of a stop that is neither an end nor a violation. */
int session_stopped(struct session *s, enum machine_stop stop);

#endif
