/*
 * Exception and context records: a bugcheck for an exception that nobody handled carries their addresses, the guest
 * kernel has filled them in (EXCEPTION_RECORD and CONTEXT as winnt.h lays them out for x64). Printed as .exr and .cxr do, with the
 * stack as it was at the exception. What the parameters point to is read with care: a driver may call
 * KeBugCheckEx with anything.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "machine/arena.h"
#include "debug/facts.h"

#define CONTEXT_AMD64 0x00100000u
#define STATUS_ACCESS_VIOLATION 0xC0000005u
#define STATUS_IN_PAGE_ERROR 0xC0000006u

struct exception_record {
    uint32_t code, flags;
    uint64_t next, address;
    uint32_t parameter_count, padding;
    uint64_t parameter[15];
};
_Static_assert(sizeof(struct exception_record) == 0x98, "EXCEPTION_RECORD64");

struct context {
    uint64_t home[6];
    uint32_t flags, mxcsr;
    uint16_t cs, ds, es, fs, gs, ss;
    uint32_t rflags;
    uint64_t dr[6];
    uint64_t gpr[16]; /* rax rcx rdx rbx rsp rbp rsi rdi r8..r15, as instructions number them */
    uint64_t rip;
};
_Static_assert(sizeof(struct context) == 0x100, "the integer part of CONTEXT");

/* Which parameters hold the addresses, from 0; -1: none. */
static const struct {
    uint32_t code;
    int record, context;
} places[] = {{0x3B, -1, 2}, {0x7E, 2, 3}, {0x1000007E, 2, 3}, {0x139, 2, -1}, {0x1AA, 3, 2}, {0x1AB, 3, 2}};

static const struct {
    uint32_t code;
    const char *name;
} names[] = {
    {0x80000001, "Guard page violation"}, {0x80000002, "Datatype misalignment"}, {0x80000003, "Break instruction exception"},
    {0x80000004, "Single step exception"}, {0xC0000005, "Access violation"}, {0xC0000006, "In-page I/O error"},
    {0xC0000008, "Invalid handle"}, {0xC000001D, "Illegal instruction"}, {0xC0000025, "Noncontinuable exception"},
    {0xC0000026, "Invalid disposition"}, {0xC000008C, "Array bounds exceeded"}, {0xC000008E, "Floating-point divide-by-zero"},
    {0xC0000094, "Integer divide-by-zero"}, {0xC0000095, "Integer overflow"}, {0xC0000096, "Privileged instruction"},
    {0xC00000FD, "Stack overflow"}, {0xC0000409, "Security check failure or stack buffer overrun"},
    {0xC0000420, "Assertion failure"},
};

const char *exception_name(uint32_t code)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].code == code)
            return names[i].name;
    return "";
}

static bool readable(gva_t a)
{
    uint64_t ignored;
    return a >> 47 == 0x1FFFF && a % 8 == 0 && arena_read(a, &ignored, sizeof ignored);
}

struct fact_records fact_records(const struct scene *s)
{
    const struct violation *v = s->violation;
    struct fact_records f = {0};
    struct exception_record record;
    struct context context;
    bool unhandled = v->trouble.kind == TROUBLE_UNHANDLED; /* the machine knows, whatever the bugcheck */
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (unhandled ? i > 0 : places[i].code != v->code)
            continue;
        gva_t at = unhandled ? v->trouble.exception_record : places[i].record >= 0 ? v->arg[places[i].record] : 0;
        if (readable(at) && arena_read(at, &record, sizeof record) && record.parameter_count <= 15) {
            f.record = at;
            f.code = record.code;
            f.flags = record.flags;
            f.address = record.address;
            f.parameter_count = record.parameter_count;
            memcpy(f.parameter, record.parameter, sizeof f.parameter);
        }
        at = unhandled ? v->trouble.context_record : places[i].context >= 0 ? v->arg[places[i].context] : 0;
        if (readable(at) && arena_read(at, &context, sizeof context) && (context.flags & CONTEXT_AMD64)) {
            f.context = at;
            memcpy(f.regs.gpr, context.gpr, sizeof context.gpr);
            f.regs.rip = context.rip;
            f.rflags = context.rflags;
            f.cs = context.cs, f.ds = context.ds, f.es = context.es;
            f.fs = context.fs, f.gs = context.gs, f.ss = context.ss;
        }
    }
    return f;
}

static void print_record(const struct scene *s, const struct fact_records *f, FILE *out)
{
    char name[400];
    struct symbol y;
    symbols_find(s->symbols, f->address, false, &y);
    symbol_text(&y, name, sizeof name);
    fprintf(out, "\nEXCEPTION_RECORD:  %016" PRIx64 "\n", f->record);
    fprintf(out, "ExceptionAddress: %016" PRIx64 " (%s)\n", f->address, name);
    const char *what = exception_name(f->code);
    fprintf(out, "   ExceptionCode: %08" PRIx32 "%s%s%s\n", f->code, what[0] ? " (" : "", what, what[0] ? ")" : "");
    fprintf(out, "  ExceptionFlags: %08" PRIx32 "\n", f->flags);
    fprintf(out, "NumberParameters: %" PRIu32 "\n", f->parameter_count);
    for (uint32_t i = 0; i < f->parameter_count; i++)
        fprintf(out, "   Parameter[%" PRIu32 "]: %016" PRIx64 "\n", i, f->parameter[i]);
    if ((f->code == STATUS_ACCESS_VIOLATION || f->code == STATUS_IN_PAGE_ERROR) && f->parameter_count >= 2)
        fprintf(out, "Attempt to %s address %016" PRIx64 "\n",
                f->parameter[0] == 0   ? "read from"
                : f->parameter[0] == 8 ? "execute at"
                                       : "write to",
                f->parameter[1]);
}

static void print_context(const struct scene *s, const struct fact_records *f, FILE *out)
{
    static const struct {
        const char *name;
        int number; /* in the instruction set's order; -1: rip */
    } lines[] = {{"rax", 0}, {"rbx", 3}, {"rcx", 1}, {"rdx", 2}, {"rsi", 6}, {"rdi", 7}, {"rip", -1}, {"rsp", 4}, {"rbp", 5},
                 {" r8", 8}, {" r9", 9}, {"r10", 10}, {"r11", 11}, {"r12", 12}, {"r13", 13}, {"r14", 14}, {"r15", 15}};
    static const struct {
        unsigned bit;
        const char *set, *clear;
    } flags[] = {{11, "ov", "nv"}, {10, "dn", "up"}, {9, "ei", "di"}, {7, "ng", "pl"},
                 {6, "zr", "nz"},  {4, "ac", "na"},  {2, "pe", "po"}, {0, "cy", "nc"}};
    fprintf(out, "\nCONTEXT:  %016" PRIx64 "\n", f->context);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        fprintf(out, "%s=%016" PRIx64 "%s", lines[i].name,
                lines[i].number < 0 ? f->regs.rip : f->regs.gpr[lines[i].number],
                i % 3 == 2 || i + 1 == sizeof lines / sizeof lines[0] ? "\n" : " ");
    fprintf(out, "iopl=%u", f->rflags >> 12 & 3);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        fprintf(out, " %s", f->rflags >> flags[i].bit & 1 ? flags[i].set : flags[i].clear);
    fprintf(out, "\ncs=%04x  ss=%04x  ds=%04x  es=%04x  fs=%04x  gs=%04x  efl=%08" PRIx32 "\n", f->cs, f->ss, f->ds, f->es,
            f->fs, f->gs, f->rflags);
    struct symbol y;
    char name[400];
    symbols_find(s->symbols, f->regs.rip, false, &y);
    symbol_text(&y, name, sizeof name);
    fprintf(out, "%s\n", name);
    struct stack_frame frames[STACK_MAX];
    unsigned n = stack_walk(s->machine, &f->regs, frames, STACK_MAX);
    fprintf(out, "\nSTACK_TEXT of the context:\n");
    stack_print(s, frames, n, out);
}

void records_print(const struct scene *s, FILE *out)
{
    struct fact_records f = fact_records(s);
    if (f.record != 0)
        print_record(s, &f, out);
    if (f.context != 0)
        print_context(s, &f, out);
}
