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
};

/* A violation, in Driver Verifier's words. Strings are bounded copies, so it outlives the run. */
struct violation {
    char rule[48];        /* stable, for grep: "execute-unloaded-image" */
    char sentence[320];   /* the rule broken, in one sentence */
    char name[64];        /* bugcheck name; "HANG" for a hang */
    uint32_t code;        /* bugcheck code; 0 for a hang */
    uint64_t arg[4];
    char arg_text[4][96]; /* what each argument means */
    struct trouble trouble;
};

enum machine_event_kind {
    EVENT_GUEST,    /* code = enum rd_event, a b c its operands */
    EVENT_CALL,     /* driver code called out of its image: pc = caller, a = target, b = return address */
    EVENT_RETURN,   /* ... and came back: pc = where, a = rax */
    EVENT_CALLBACK, /* kernel code entered a driver: a = routine, b = rcx, c = rdx */
    EVENT_CALLBACK_END, /* ... and was returned to: pc = where, a = rax */
    EVENT_SHARED,   /* driver access to a shared location: pc, a = address, b = size, c = 1 when written */
    EVENT_INTERRUPT,/* taken: a = vector IRQL */
    EVENT_IMAGE,    /* a = base, b = size, c = 1 loaded, 0 unloaded */
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
