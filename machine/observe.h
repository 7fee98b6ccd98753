/*
 * What the machine tells whoever listens: check/ turns raw stops into violations, report/ collects the
 * interleaving. Observers must not change guest state.
 */
#ifndef MACHINE_OBSERVE_H
#define MACHINE_OBSERVE_H

#include "abi/guest.h"
#include "abi/hypercall.h"
#include "abi/shadow.h"
#include "machine/vcpu.h"

struct machine;

/* Why the guest cannot go on, before anybody has put a name to it. */
enum trouble_kind {
    TROUBLE_ACCESS,    /* shadow said no: address, size, write, shadow */
    TROUBLE_FAULT,     /* the processor said no: address (0 when unknown), write */
    TROUBLE_EXECUTE,   /* control reached an address that must not execute: address, shadow; from */
    TROUBLE_EXCEPTION, /* vector */
    TROUBLE_BUGCHECK,  /* the guest kernel called KeBugCheckEx: code, arg[] */
    TROUBLE_UNHANDLED, /* ... for an exception that nobody handled: code, arg[], and the group below. regs are those of the
                          CONTEXT record: where the exception was; bugcheck_regs stand in KeBugCheckEx */
    TROUBLE_HANG,      /* nobody can move */
    TROUBLE_EXPECT,    /* a scenario's expectation failed: arg[0] wanted, arg[1] got, arg[2] step */
    TROUBLE_DEAD_FRAME /* a held pointer's frame has ended: address, size, write; arg[0] for machine_hold, arg[1] use */
};

struct trouble {
    enum trouble_kind kind;
    unsigned cpu;
    struct vcpu_regs regs;
    uint8_t irql;
    gva_t address;
    uint32_t size;
    bool write;
    uint8_t shadow;
    uint8_t vector;
    gva_t from;       /* TROUBLE_EXECUTE: the instruction that transferred there; 0: a resumed processor */
    uint32_t code;
    uint64_t arg[4];
    /* TROUBLE_UNHANDLED. For an access violation (status C0000005) address and write are set too. */
    gva_t exception_record; /* where the guest's EXCEPTION_RECORD and CONTEXT lie, for .exr and .cxr */
    gva_t context_record;
    struct rd_exception_record record; /* a copy of the former */
    struct vcpu_regs bugcheck_regs;
};

/*
 * Notes: what a monitor knows beyond the stack of the violating thread. "Outstanding KeEnterCriticalRegion" with the
 * stack of that call, the call that handed a pointer to a dead frame over, a leaked block, the critical-region log.
 * report/ prints them in their order, in front of the stacks; the entries of a log and the lines right before it come last,
 * since there may be 128 of them. Replays compare them.
 *
 * A monitor of check/ (or the machine itself, before it calls the judge) adds one with violation_note(). The guest kernel
 * adds one with RD_HC_NOTE (RdNote in guest/include/rd.h) right before the KeBugCheckEx that the note belongs to: notes of a
 * step that ends without a violation are dropped. Addresses only: report/ finds their names. What does not fit is
 * dropped from the end, and said so.
 */
#define VIOLATION_NOTES 192
#define VIOLATION_NOTE_FRAMES 1536
#define VIOLATION_NOTE_STACK 32 /* frames of one note */
#define NOTE_NOBODY 0ull

enum note_kind { /* values: RD_NOTE_* of abi/hypercall.h */
    NOTE_LINE = RD_NOTE_LINE,    /* text alone: "Outstanding KeEnterCriticalRegion calls: 1" */
    NOTE_STACK = RD_NOTE_STACK,  /* text, then frames, innermost first; all of them return addresses */
    NOTE_LOG = RD_NOTE_LOG,      /* an entry of a log, between lines of '=': "Thread ...", text if any, frames */
    NOTE_THREAD = RD_NOTE_THREAD /* text, then the present stack of thread kthread; no frames of its own */
};
#define NOTE_EXACT RD_NOTE_EXACT /* the first frame is the address of an instruction, not a return address */
#define NOTE_BLAME RD_NOTE_BLAME /* the first driver frame of this note is the culprit, whatever the stack says */

struct violation_note {
    char text[120];
    uint64_t kthread;  /* whose it is, for NOTE_LOG and NOTE_THREAD; NOTE_NOBODY: not said */
    uint16_t first;    /* its frames in violation.note_frames */
    uint8_t count;
    uint8_t kind;      /* enum note_kind */
    uint32_t flags;    /* NOTE_EXACT | NOTE_BLAME */
};

/* A violation, in Driver Verifier's words. Strings are bounded copies, so it outlives the run. */
struct violation {
    char rule[48];        /* stable, for grep: "execute-unloaded-image" */
    char sentence[320];   /* the rule broken, in one sentence */
    char name[64];        /* bugcheck name; "HANG" for a hang */
    uint32_t code;        /* bugcheck code; 0 for a hang */
    uint64_t arg[4];
    char arg_text[4][160]; /* what each argument means */
    struct trouble trouble;
    unsigned note_count, note_frame_count;
    unsigned notes_dropped; /* did not fit */
    struct violation_note notes[VIOLATION_NOTES];
    uint64_t note_frames[VIOLATION_NOTE_FRAMES];
};

/* kind_and_flags: one of enum note_kind | NOTE_EXACT | NOTE_BLAME. frames may be NULL when count is 0. */
void violation_note(struct violation *v, unsigned kind_and_flags, uint64_t kthread, const uint64_t *frames,
                    unsigned count, const char *format, ...) __attribute__((format(printf, 6, 7)));

enum machine_event_kind {
    EVENT_GUEST,    /* code = enum rd_event, a b c its operands */
    EVENT_CALL,     /* driver code called out of its image: pc = caller, a = target, b = return address */
    EVENT_RETURN,   /* ... and came back: pc = where, a = rax */
    EVENT_CALLBACK, /* kernel code entered a driver: a = routine, b = rcx, c = rdx */
    EVENT_CALLBACK_END, /* ... and was returned to: pc = where, a = rax */
    EVENT_SHARED,   /* driver access to a shared location: pc, a = address, b = size, c = 1 when written */
    EVENT_INTERRUPT,/* taken: a = vector IRQL */
    EVENT_IMAGE,    /* a = base, b = size, c = 1 loaded, 0 unloaded */
    EVENT_STORE,    /* a buffered store becomes visible: pc = its instruction, a = address, b = size, c = left */
    EVENT_STEP      /* a step ended: a = agent, b = decisions so far */
};

struct machine_event {
    enum machine_event_kind kind;
    uint32_t code;
    unsigned cpu;
    uint64_t step; /* number of the step it happened in, from 1; 0 during boot */
    gva_t pc;
    uint64_t a, b, c;
};

struct observer {
    void *context;
    /* Puts a name to trouble. Always set (check/). */
    void (*judge)(void *context, const struct machine *m, const struct trouble *t, struct violation *out);
    /* NULL while exploring: events cost nothing then. */
    void (*event)(void *context, const struct machine *m, const struct machine_event *e);
    /* DbgPrint text; NULL drops it. */
    void (*print)(void *context, const char *text, size_t bytes);
};

#endif
