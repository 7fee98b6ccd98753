/* What the files of the Lua front end share: the scenario being built and how an error finds its
 * line. */
#ifndef SCENARIO_INTERNAL_H
#define SCENARIO_INTERNAL_H

#include <lua5.4/lauxlib.h>
#include <lua5.4/lua.h>
#include <lua5.4/lualib.h>

#include "base/str.h"
#include "scenario/scenario.h"

#define THREAD_TYPE "rundown thread"
#define HANDLE_TYPE "rundown handle"
#define REQUEST_TYPE "rundown request"
#define NO_SLOT 0xFFFFFFFFu
/* Far more than a scenario needs, and little enough that a runaway one ends at once. */
#define LUA_INSTRUCTION_LIMIT 20000000
#define LUA_MEMORY_LIMIT ((size_t)32 << 20)
#define SCENARIO_MAX_STEPS 512
#define SCENARIO_MAX_INPUT 16384

struct slot_state {
    int closed_line;  /* 0: open */
    bool kernel;      /* a kernel client's: every step on it carries RD_STEP_KERNEL */
    int pending_line; /* where a request was sent that nobody has waited for; 0: none */
};

struct builder {
    struct scenario *scenario;
    struct error *error;
    const char *path;
    size_t memory;
    int64_t instructions;
    int current;         /* thread whose function runs; -1: none */
    unsigned slot_count; /* of that thread */
    struct slot_state slots[SCENARIO_MAX_SLOTS];
    bool os_given, cpus_given, verifier_given;
};

/* Userdata behind `t`, a handle and a request. */
struct thread_value {
    int thread;
};
struct slot_value {
    int thread;
    uint32_t slot;
    int taken_line; /* request: waited for at this line */
};

struct builder *builder_of(lua_State *L);
/* Line of the innermost Lua function that is running; 0: none. */
int builder_line(lua_State *L);
/* Sets the error "FILE:LINE: text" and raises it. */
_Noreturn void builder_fail(lua_State *L, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A Lua string at `index` as text without NUL bytes; `what` names it in the error. */
const char *builder_text(lua_State *L, int index, const char *what);
/* An integer in [low, high]. */
int64_t builder_integer(lua_State *L, int index, const char *what, int64_t low, int64_t high);

/* step.c: metatables of threads, handles and requests; pushes a thread object. */
void builder_register_types(lua_State *L);
void builder_push_thread(lua_State *L, int thread);
/* The options of the verb `mount`, for the statement of that name. */
void builder_take_mount_options(lua_State *L, struct scenario_step *step);

/* build.c: the scenario as data, without Lua. */
void scenario_init(struct scenario *s);
struct scenario_step *scenario_add_step(struct scenario_step **steps, size_t *count,
                                        size_t *capacity);
struct scenario_driver *scenario_find_driver(struct scenario *s, const char *name);
/* Adds a driver; error text without a place. */
bool scenario_add_driver(struct scenario *s, const char *name, char *path, bool load,
                         struct error *e);
/* "upper" of "upper.sys". */
char *scenario_service(const char *driver);
/* Path of a driver named by the scenario at `scenario_path`; NULL: nowhere. */
char *scenario_locate(const char *scenario_path, const char *name);
/* Loads in front of the devices, a device stack when none was given, thread names into numbers. The
 * line of what is wrong goes to *line. */
bool scenario_finish(struct scenario *s, int *line, struct error *e);

/* words.c */
enum word_kind { WORD_FILE_CLASS, WORD_VOLUME_CLASS, WORD_DISPOSITION, WORD_ACCESS, WORD_SHARE };
bool word_value(enum word_kind kind, const char *name, size_t length, uint32_t *out);
/* The words of a kind, for an error. */
void word_list(enum word_kind kind, struct str *out);

/* text.c */
bool text_is_utf8(const char *text);
/* Appends UTF-16 with its NUL; returns units written. out may be NULL to measure. */
size_t text_to_utf16(const char *text, uint16_t *out);

#endif
