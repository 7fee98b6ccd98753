/*
 * The debugger: WinDbg's commands over a stopped machine. A command is a file in commands/ that defines
 * `const struct debug_command debug_command_NAME`; the list is generated from the folder. Commands print with debug_print,
 * parse with debug_eval and read memory with debug_read, and know nothing of the terminal or of failure files.
 *
 * The context is what WinDbg calls so: a thread, its registers, and a frame of its stack. It is made anew whenever the
 * machine has moved, and by `~`, `.thread` and `.frame`.
 */
#ifndef DEBUG_DEBUGGER_H
#define DEBUG_DEBUGGER_H

#include <stdio.h>

#include "debug/debug.h"

struct timeline;
struct race;
struct breakpoints;

#define DEBUG_NO_THREAD ~0u

struct debugger {
    const struct machine *m;
    struct symbols *symbols;
    struct timeline *timeline;       /* NULL: the machine stands still (tests) */
    struct breakpoints *breakpoints; /* NULL with it */
    FILE *out, *log;                 /* log NULL: none open */

    /* The context. */
    unsigned cpu;             /* of the prompt: the one the thread runs on, or ran on last */
    unsigned thread;          /* index for machine_thread; DEBUG_NO_THREAD: the processor runs none */
    bool running;             /* the thread is on a processor: all registers are known */
    struct vcpu_regs regs;    /* of its innermost frame */
    struct stack_frame frames[STACK_MAX];
    unsigned frame_count;
    unsigned frame;              /* chosen by .frame */
    struct vcpu_regs frame_regs; /* of that frame: nonvolatile ones as at the call */

    gva_t next_code, next_data; /* where `u` and `d` go on */
    struct machine_image *images;  /* every image of the execution, also those that are not loaded yet */
    unsigned image_count;
    bool quit;
    bool stopping;              /* a breakpoint's commands are running */
    int go_again;               /* ... and they say g (1) or g- (-1) */
    /* Looks for the race that the violation owes itself to, the machine at the violation; NULL: nobody can. */
    const struct race *(*find_race)(void *context);
    void *race_context;
    bool failed;                /* the present command has printed an error */
    unsigned depth;             /* of commands that run commands */
};

struct debug_command {
    const char *names;  /* "k kn kb kv": all that the handler serves, the first one gives the help's place */
    const char *syntax; /* behind the name: "[N]" */
    const char *help;   /* one line */
    /* name: as typed. args: behind it, without surrounding blanks, never NULL. */
    void (*run)(struct debugger *d, const char *name, const char *args);
};
extern const struct debug_command *const debug_commands[]; /* NULL-terminated, by file name */

void debugger_open(struct debugger *d, const struct machine *m, struct symbols *symbols, FILE *out);
/* Commands may move the machine along the timeline, which outlives the debugger. */
void debugger_travel(struct debugger *d, struct timeline *timeline);
void debugger_close(struct debugger *d);
void debugger_close_log(struct debugger *d);
/* Runs a line: commands between semicolons. */
void debugger_line(struct debugger *d, const char *line);
/* "0: kd> " */
void debugger_prompt(const struct debugger *d, char *out, size_t size);
/* One past the end of the first command in a line: the semicolon or the end. Quotes and braces hold semicolons. */
const char *debug_command_end(const char *line);
const struct debug_command *debug_command_find(const char *name);

/* Output goes to the terminal and the log. An error is one line; the session goes on. */
void debug_print(struct debugger *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
void debug_error(struct debugger *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* context.c. The machine has moved: the context is the thread of processor `cpu`. */
void debug_context_cpu(struct debugger *d, unsigned cpu);
/* False (and nothing changes): there is no such thread, or it has no stack any more. */
bool debug_context_thread(struct debugger *d, unsigned thread);
bool debug_context_frame(struct debugger *d, unsigned frame);
/* Index of the thread whose KTHREAD this is. */
unsigned debug_thread_index(const struct debugger *d, gva_t kthread);
/* KTHREAD of the context's thread; 0: none. */
gva_t debug_thread_address(const struct debugger *d);

/* memory.c. Freed and dead memory can be looked at, unmapped and unloaded memory cannot: false, nothing read. */
bool debug_read(const struct debugger *d, gva_t a, void *out, size_t bytes);
bool debug_read8(const struct debugger *d, gva_t a, uint8_t *out);
bool debug_read16(const struct debugger *d, gva_t a, uint16_t *out);
bool debug_read32(const struct debugger *d, gva_t a, uint32_t *out);
bool debug_read64(const struct debugger *d, gva_t a, uint64_t *out);
/* A UNICODE_STRING at a, as UTF-8 (non-ASCII as '?'). False: not readable. */
bool debug_read_unicode(const struct debugger *d, gva_t a, char *out, size_t size);

/* "fffff880`05078b08" */
#define DEBUG_ADDRESS 18
const char *debug_address(uint64_t a, char out[DEBUG_ADDRESS]);
/* "nt!KeSetEvent+0x12", "<Unloaded_lower.sys>+0x11c (lower!Dispatch+0x1c)", or the address with a backtick. */
#define DEBUG_SYMBOL 256
const char *debug_symbol(struct debugger *d, gva_t a, char out[DEBUG_SYMBOL]);
const char *debug_symbol_return(struct debugger *d, gva_t a, char out[DEBUG_SYMBOL]); /* a is a return address */

/* expression.c: MASM expressions. Reads one from *text and leaves *text behind it and blanks. False: *text is no
 * expression, an error has been printed. */
bool debug_eval(struct debugger *d, const char **text, uint64_t *out);
/* The same for optional arguments: with no text left, *out stays as it was. */
bool debug_eval_optional(struct debugger *d, const char **text, uint64_t *out);
/* "l10", "L?8": a count behind an address; none there: false without an error. */
bool debug_count(struct debugger *d, const char **text, uint64_t *out);

/* A register by name, parts too: "rax", "r8d", "cl", "efl". */
bool debug_register(const struct vcpu_regs *r, uint8_t irql, const char *name, uint64_t *out);

/* names.c: symbols by name. */
typedef void (*debug_name_fn)(void *context, const struct machine_image *image, const char *name, gva_t address);
/* Everything named in an image, in the order of addresses. */
void symbols_each(struct symbols *s, const struct machine_image *image, debug_name_fn fn, void *context);
/* "module!name", or "name" looked for in all modules, loaded ones first. */
bool symbols_address(struct symbols *s, const char *name, gva_t *out);
/* The same, in every image of the execution, whenever it is loaded: all places. Returns how many. */
unsigned debug_addresses(struct debugger *d, const char *name, gva_t *out, unsigned max);
/* "upper" of "upper.sys"; "nt" of the kernel. */
void symbols_module_name(const struct machine_image *image, char out[RD_ABI_NAME]);

/* The name at or below an address, of code or data: "nt!Foo+0x8", "upper!__imp_IoCallDriver". exact: only where one begins.
 * False: there is none. */
bool debug_data_symbol(struct debugger *d, gva_t a, bool exact, char out[DEBUG_SYMBOL]);
/* The nearest names at or below a and above it; "" where there is none. */
struct debug_near {
    char below[DEBUG_SYMBOL], above[DEBUG_SYMBOL];
    gva_t below_at, above_at;
};
bool debug_nearest(struct debugger *d, gva_t a, struct debug_near *out);

/* access.c: memory that the instruction at r->rip is about to touch. */
struct debug_access {
    gva_t address;
    uint64_t size;
    bool read, write;
};
#define DEBUG_ACCESSES 8
unsigned debug_accesses(const struct debugger *d, const struct vcpu *c, struct debug_access out[DEBUG_ACCESSES]);

/* control.c: moves the machine and says where it has come to. */
enum debug_move { MOVE_GO, MOVE_STEP, MOVE_OVER, MOVE_UP, MOVE_TRACE_TO, MOVE_STEP_TO };
/* back: in the other direction. address: of MOVE_GO (0: none), MOVE_TRACE_TO and MOVE_STEP_TO. count: of the steps. */
void debug_move(struct debugger *d, enum debug_move move, bool back, gva_t address, uint64_t count);
/* The context after a jump: the thread of the processor that goes on here. Prints the place. */
void debug_arrived(struct debugger *d);

/* breakpoints.c */
#define BREAK_PLACES 4
struct breakpoint {
    bool set, enabled;
    char kind;        /* 'e' execution, 'w' written, 'r' read or written */
    gva_t places[BREAK_PLACES];
    unsigned place_count;
    uint64_t size;    /* of data */
    uint64_t passes, left;
    char *text, *condition, *commands; /* as typed; NULL: none */
};
void debug_breakpoint_clear(struct breakpoint *b);
#define BREAKPOINTS_MAX 64u
struct breakpoints {
    struct breakpoint list[BREAKPOINTS_MAX];
};

/* print.c: registers of the chosen frame; then its symbol and instruction. */
void debug_print_registers(struct debugger *d);
void debug_print_position(struct debugger *d);

/* disassemble.c. The instruction at a, as `u` prints it: bytes and text, without a newline. Its length; 0: not readable. */
unsigned debug_disassemble(struct debugger *d, gva_t a, char *out, size_t size);
bool debug_is_call(const struct debugger *d, gva_t a, unsigned *length);
bool debug_is_return(const struct debugger *d, gva_t a);

#endif
