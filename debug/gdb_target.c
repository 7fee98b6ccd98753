/*
 * What gdb is shown: threads, registers with their description, libraries. Register numbers follow the order of the
 * description, which is gdb's own for the 64-bit core. What the machine does not have (x87) or does not know (volatile
 * registers of a thread that is switched out) is marked as unavailable.
 */
#include <inttypes.h>
#include <string.h>

#include "debug/gdb_internal.h"
#include "machine/arena.h"
#include "machine/pe/pe.h"

/* --- threads --------------------------------------------------------------------------------- */

/* Client ids are multiples of four. */
#define IDLE_ID(index) (4 * (uint64_t)(index) + 1)
#define PROCESSOR_ID(cpu) (4 * (uint64_t)(cpu) + 3)

static uint64_t id_of(unsigned index, const struct rd_thread *t)
{
    uint32_t client = (uint32_t)t->id;
    return client != 0 && client % 4 == 0 && index >= RD_MAX_CPUS ? client : IDLE_ID(index);
}

static unsigned index_of(const struct gdb *g, uint64_t id, struct rd_thread *t)
{
    unsigned found = DEBUG_NO_THREAD;
    struct rd_thread r;
    for (unsigned i = 0; i < machine_thread_count(g->d->m); i++)
        if (machine_thread(g->d->m, i, &r) && id_of(i, &r) == id &&
            (found == DEBUG_NO_THREAD || r.state != RD_THREAD_TERMINATED)) {
            found = i; /* an id may have been given again: then the living one is meant */
            *t = r;
        }
    return found;
}

unsigned gdb_thread_index(const struct gdb *g, uint64_t id)
{
    struct rd_thread t;
    return index_of(g, id, &t);
}

uint64_t gdb_thread_on(const struct gdb *g, unsigned cpu)
{
    struct rd_thread t;
    unsigned index = machine_thread_on(g->d->m, cpu);
    return index != DEBUG_NO_THREAD && machine_thread(g->d->m, index, &t) ? id_of(index, &t) : PROCESSOR_ID(cpu);
}

unsigned gdb_thread_cpu(const struct gdb *g, uint64_t id)
{
    for (unsigned cpu = 0; cpu < machine_cpu_count(g->d->m); cpu++)
        if (gdb_thread_on(g, cpu) == id)
            return cpu;
    return ~0u;
}

unsigned gdb_threads(const struct gdb *g, uint64_t *out, unsigned max)
{
    unsigned count = 0;
    for (unsigned cpu = 0; cpu < machine_cpu_count(g->d->m) && count < max; cpu++)
        out[count++] = gdb_thread_on(g, cpu);
    for (unsigned i = 0; i < machine_thread_count(g->d->m) && count < max; i++) {
        struct rd_thread t;
        struct vcpu_regs regs;
        if (!machine_thread(g->d->m, i, &t) || !stack_thread_registers(g->d->m, i, &regs) || regs.rip == 0)
            continue;
        uint64_t id = id_of(i, &t);
        if (id == IDLE_ID(i) && t.cpu >= machine_cpu_count(g->d->m))
            continue; /* of a processor that was never started */
        unsigned k = 0;
        while (k < count && out[k] != id)
            k++;
        if (k == count)
            out[count++] = id;
    }
    return count;
}

bool gdb_thread_describe(const struct gdb *g, uint64_t id, struct str *out)
{
    struct rd_thread t;
    unsigned index = index_of(g, id, &t), cpu = gdb_thread_cpu(g, id);
    if (index == DEBUG_NO_THREAD && cpu == ~0u)
        return false;
    if (index == DEBUG_NO_THREAD)
        str_addf(out, "no thread yet, processor %u", cpu);
    else if (cpu != ~0u)
        str_addf(out, "%.*s, on processor %u at IRQL %u", (int)sizeof t.name, t.name, cpu, machine_cpu(g->d->m, cpu)->irql);
    else
        str_addf(out, "%.*s, switched out", (int)sizeof t.name, t.name);
    return true;
}

bool gdb_thread_registers(const struct gdb *g, uint64_t id, struct vcpu_regs *out, gva_t *gs_base, bool *all)
{
    struct rd_thread t;
    struct vcpu_regs regs;
    unsigned cpu = gdb_thread_cpu(g, id);
    *all = cpu != ~0u;
    if (*all) {
        *out = machine_cpu(g->d->m, cpu)->regs;
        *gs_base = machine_cpu(g->d->m, cpu)->pcr;
        return true;
    }
    unsigned index = index_of(g, id, &t);
    *gs_base = 0;
    if (index == DEBUG_NO_THREAD || !stack_thread_registers(g->d->m, index, &regs))
        return false;
    if (!stack_frame_registers(g->d->m, &regs, 1, out))
        *out = regs;
    return true;
}

/* --- frames ---------------------------------------------------------------------------------- */

static bool caller_in(const struct gdb *g, uint64_t id, gva_t pc, gva_t sp, gva_t *before_call, gva_t *function,
                      struct vcpu_regs *out)
{
    const struct machine *m = g->d->m;
    struct stack_frame frames[STACK_MAX];
    struct vcpu_regs regs;
    struct symbol y;
    gva_t gs_base;
    bool all;
    if (!gdb_thread_registers(g, id, &regs, &gs_base, &all))
        return false;
    unsigned count = stack_walk(m, &regs, frames, STACK_MAX), i = 0;
    while (i < count && !(frames[i].pc == pc && frames[i].sp == sp))
        i++;
    if (i == count)
        return false;
    bool is_return = i > 0 && !frames[i].interrupt;
    symbols_find(g->d->symbols, pc - is_return, is_return, &y);
    *function = y.offset <= pc && y.module[0] != '\0' && y.function[0] != '\0' ? pc - y.offset : pc;
    *out = (struct vcpu_regs){.rip = 0};
    if (i + 1 < count && !stack_frame_registers(m, &regs, i + 1, out))
        return false;
    *before_call = i + 1 < count ? frames[i + 1].sp : sp + 8;
    out->gpr[REG_RSP] = *before_call;
    return true;
}

bool gdb_caller(const struct gdb *g, gva_t pc, gva_t sp, gva_t *before_call, gva_t *function, struct vcpu_regs *out)
{
    uint64_t ids[THREADS_MAX];
    unsigned count = gdb_threads(g, ids, THREADS_MAX);
    bool found = caller_in(g, g->general, pc, sp, before_call, function, out);
    for (unsigned i = 0; i < count && !found; i++)
        found = ids[i] != g->general && caller_in(g, ids[i], pc, sp, before_call, function, out);
    return found;
}

/* --- registers ------------------------------------------------------------------------------- */

enum source { GENERAL, RIP, FLAGS, SEGMENT, FS_BASE, GS_BASE, ABSENT, XMM, MXCSR, YMM_HIGH };

/* feature: begins one. nonvolatile: known in a caller's frame. */
static const struct reg {
    const char *name, *type, *feature;
    uint8_t bytes;
    uint8_t source, number;
    bool nonvolatile;
} regs_table[] = {
    {"rax", "int64", "org.gnu.gdb.i386.core", 8, GENERAL, REG_RAX, false},
    {"rbx", "int64", NULL, 8, GENERAL, REG_RBX, true},
    {"rcx", "int64", NULL, 8, GENERAL, REG_RCX, false},
    {"rdx", "int64", NULL, 8, GENERAL, REG_RDX, false},
    {"rsi", "int64", NULL, 8, GENERAL, REG_RSI, true},
    {"rdi", "int64", NULL, 8, GENERAL, REG_RDI, true},
    {"rbp", "data_ptr", NULL, 8, GENERAL, REG_RBP, true},
    {"rsp", "data_ptr", NULL, 8, GENERAL, REG_RSP, true},
    {"r8", "int64", NULL, 8, GENERAL, REG_R8, false},
    {"r9", "int64", NULL, 8, GENERAL, REG_R9, false},
    {"r10", "int64", NULL, 8, GENERAL, REG_R10, false},
    {"r11", "int64", NULL, 8, GENERAL, REG_R11, false},
    {"r12", "int64", NULL, 8, GENERAL, REG_R12, true},
    {"r13", "int64", NULL, 8, GENERAL, REG_R13, true},
    {"r14", "int64", NULL, 8, GENERAL, REG_R14, true},
    {"r15", "int64", NULL, 8, GENERAL, REG_R15, true},
    {"rip", "code_ptr", NULL, 8, RIP, 0, true},
    {"eflags", "i386_eflags", NULL, 4, FLAGS, 0, false},
    /* The selectors of Windows' kernel, which no code here can change. */
    {"cs", "int32", NULL, 4, SEGMENT, 0x10, true},
    {"ss", "int32", NULL, 4, SEGMENT, 0x18, true},
    {"ds", "int32", NULL, 4, SEGMENT, 0x2B, true},
    {"es", "int32", NULL, 4, SEGMENT, 0x2B, true},
    {"fs", "int32", NULL, 4, SEGMENT, 0x53, true},
    {"gs", "int32", NULL, 4, SEGMENT, 0x2B, true},
    {"st0", "i387_ext", NULL, 10, ABSENT, 0, false},
    {"st1", "i387_ext", NULL, 10, ABSENT, 0, false},
    {"st2", "i387_ext", NULL, 10, ABSENT, 0, false},
    {"st3", "i387_ext", NULL, 10, ABSENT, 0, false},
    {"st4", "i387_ext", NULL, 10, ABSENT, 0, false},
    {"st5", "i387_ext", NULL, 10, ABSENT, 0, false},
    {"st6", "i387_ext", NULL, 10, ABSENT, 0, false},
    {"st7", "i387_ext", NULL, 10, ABSENT, 0, false},
    {"fctrl", "int", NULL, 4, ABSENT, 0, false},
    {"fstat", "int", NULL, 4, ABSENT, 0, false},
    {"ftag", "int", NULL, 4, ABSENT, 0, false},
    {"fiseg", "int", NULL, 4, ABSENT, 0, false},
    {"fioff", "int", NULL, 4, ABSENT, 0, false},
    {"foseg", "int", NULL, 4, ABSENT, 0, false},
    {"fooff", "int", NULL, 4, ABSENT, 0, false},
    {"fop", "int", NULL, 4, ABSENT, 0, false},
#define ROW(n, feature, kind, type, source) {kind #n, type, feature, 16, source, n, false}
#define REST(kind, type, source)                                                                                          \
    ROW(1, NULL, kind, type, source), ROW(2, NULL, kind, type, source), ROW(3, NULL, kind, type, source),                 \
        ROW(4, NULL, kind, type, source), ROW(5, NULL, kind, type, source), ROW(6, NULL, kind, type, source),             \
        ROW(7, NULL, kind, type, source), ROW(8, NULL, kind, type, source), ROW(9, NULL, kind, type, source),             \
        ROW(10, NULL, kind, type, source), ROW(11, NULL, kind, type, source), ROW(12, NULL, kind, type, source),          \
        ROW(13, NULL, kind, type, source), ROW(14, NULL, kind, type, source), ROW(15, NULL, kind, type, source)
    ROW(0, "org.gnu.gdb.i386.sse", "xmm", "vec128", XMM), REST("xmm", "vec128", XMM),
    {"mxcsr", "i386_mxcsr", NULL, 4, MXCSR, 0, false},
    {"fs_base", "int", "org.gnu.gdb.i386.segments", 8, FS_BASE, 0, false},
    {"gs_base", "int", NULL, 8, GS_BASE, 0, false},
    ROW(0, "org.gnu.gdb.i386.avx", "ymm", "uint128", YMM_HIGH), REST("ymm", "uint128", YMM_HIGH),
#undef ROW
#undef REST
};
#define REG_COUNT (sizeof regs_table / sizeof regs_table[0])

static void add_register(const struct reg *r, const struct vcpu_regs *regs, gva_t gs_base, bool all, struct str *out)
{
    uint8_t raw[16] = {0};
    uint64_t value = 0;
    if (r->source == ABSENT || (!all && !r->nonvolatile)) {
        for (unsigned i = 0; i < r->bytes; i++)
            str_add(out, "xx");
        return;
    }
    switch ((enum source)r->source) {
    case GENERAL:
        value = regs->gpr[r->number];
        break;
    case RIP:
        value = regs->rip;
        break;
    case FLAGS:
        value = regs->rflags;
        break;
    case SEGMENT:
        value = r->number;
        break;
    case GS_BASE:
        value = gs_base;
        break;
    case MXCSR:
        value = regs->mxcsr;
        break;
    case XMM:
        memcpy(raw, regs->ymm[r->number], 16);
        break;
    case YMM_HIGH:
        memcpy(raw, regs->ymm[r->number] + 16, 16);
        break;
    case FS_BASE:
    case ABSENT:
        break;
    }
    if (r->source != XMM && r->source != YMM_HIGH)
        memcpy(raw, &value, sizeof value);
    for (unsigned i = 0; i < r->bytes; i++)
        str_addf(out, "%02x", raw[i]);
}

void gdb_registers_text(const struct vcpu_regs *regs, gva_t gs_base, bool all, struct str *out)
{
    for (size_t i = 0; i < REG_COUNT; i++)
        add_register(&regs_table[i], regs, gs_base, all, out);
}

bool gdb_register_text(const struct vcpu_regs *regs, gva_t gs_base, bool all, uint64_t number, struct str *out)
{
    if (number >= REG_COUNT)
        return false;
    add_register(&regs_table[number], regs, gs_base, all, out);
    return true;
}

/* --- documents ------------------------------------------------------------------------------- */

static const char core_types[] =
    "<flags id=\"i386_eflags\" size=\"4\"><field name=\"\" start=\"22\" end=\"31\"/>"
    "<field name=\"CF\" start=\"0\" end=\"0\"/><field name=\"\" start=\"1\" end=\"1\"/>"
    "<field name=\"PF\" start=\"2\" end=\"2\"/><field name=\"AF\" start=\"4\" end=\"4\"/>"
    "<field name=\"ZF\" start=\"6\" end=\"6\"/><field name=\"SF\" start=\"7\" end=\"7\"/>"
    "<field name=\"TF\" start=\"8\" end=\"8\"/><field name=\"IF\" start=\"9\" end=\"9\"/>"
    "<field name=\"DF\" start=\"10\" end=\"10\"/><field name=\"OF\" start=\"11\" end=\"11\"/></flags>\n";
static const char sse_types[] =
    "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/><vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
    "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/><vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
    "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/><vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
    "<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/><field name=\"v2_double\" type=\"v2d\"/>"
    "<field name=\"v16_int8\" type=\"v16i8\"/><field name=\"v8_int16\" type=\"v8i16\"/>"
    "<field name=\"v4_int32\" type=\"v4i32\"/><field name=\"v2_int64\" type=\"v2i64\"/>"
    "<field name=\"uint128\" type=\"uint128\"/></union>"
    "<flags id=\"i386_mxcsr\" size=\"4\"><field name=\"IE\" start=\"0\" end=\"0\"/>"
    "<field name=\"DE\" start=\"1\" end=\"1\"/><field name=\"ZE\" start=\"2\" end=\"2\"/>"
    "<field name=\"OE\" start=\"3\" end=\"3\"/><field name=\"UE\" start=\"4\" end=\"4\"/>"
    "<field name=\"PE\" start=\"5\" end=\"5\"/><field name=\"DAZ\" start=\"6\" end=\"6\"/></flags>\n";

/* No system is named to gdb: a Linux gdb would look for an ELF process's dynamic linker instead of asking for libraries. */
void gdb_features(struct str *out)
{
    bool open = false;
    str_add(out, "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target version=\"1.0\">\n"
                 "<architecture>i386:x86-64</architecture>\n<osabi>none</osabi>\n");
    for (size_t i = 0; i < REG_COUNT; i++) {
        const struct reg *r = &regs_table[i];
        if (r->feature != NULL) {
            str_addf(out, "%s<feature name=\"%s\">\n", open ? "</feature>\n" : "", r->feature);
            str_add(out, r->source == GENERAL ? core_types : r->source == XMM ? sse_types : "");
            open = true;
        }
        str_addf(out, "<reg name=\"%s%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%zu\"/>\n", r->name,
                 r->source == YMM_HIGH ? "h" : "", r->bytes * 8u, r->type, i);
    }
    str_add(out, "</feature>\n</target>\n");
}

static void add_escaped(struct str *out, const char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '<' || *text == '>' || *text == '&' || *text == '"' || *text == '\'')
            str_addf(out, "&#%d;", *text);
        else if ((unsigned char)*text < ' ')
            str_add(out, "?");
        else
            str_addn(out, text, 1);
}

/* gdb reads libraries' symbols by itself only when there is a program: the kernel is it. It does not move, so it must stand
 * where it was linked; else it is a library like the others. */
static bool is_program(const struct machine_image *image)
{
    struct pe pe;
    struct error ignored = {0};
    return image->serial == 0 && pe_parse(image->name, image->file, image->file_size, &pe, &ignored) &&
           pe.preferred_base == image->base;
}

void gdb_program(const struct gdb *g, struct str *out)
{
    for (unsigned i = 0; i < g->d->image_count; i++)
        if (is_program(&g->d->images[i]))
            str_add(out, g->d->images[i].path);
}

/*
 * Every image of the execution, loaded here or not: gdb then has names for a driver that is gone at the violation, and
 * breakpoints in it. Of two that take turns at an address only the later one is listed. An image moves as a whole, and
 * gdb places it by its lowest section.
 */
void gdb_libraries(const struct gdb *g, struct str *out)
{
    const struct debugger *d = g->d;
    str_add(out, "<library-list version=\"1.0\">\n");
    for (unsigned i = 0; i < d->image_count; i++) {
        const struct machine_image *image = &d->images[i];
        struct pe pe;
        struct error ignored = {0};
        bool hidden = is_program(image);
        for (unsigned k = i + 1; k < d->image_count; k++)
            hidden |= d->images[k].base < image->base + image->size && image->base < d->images[k].base + d->images[k].size;
        if (hidden || !pe_parse(image->name, image->file, image->file_size, &pe, &ignored))
            continue;
        uint32_t lowest = ~0u;
        for (unsigned k = 0; k < pe.section_count; k++)
            if (pe.sections[k].rva < lowest)
                lowest = pe.sections[k].rva;
        str_add(out, "<library name=\"");
        add_escaped(out, image->path);
        str_addf(out, "\"><segment address=\"0x%" PRIx64 "\"/></library>\n", image->base + lowest);
    }
    str_add(out, "</library-list>\n");
}

void gdb_thread_list(const struct gdb *g, struct str *out)
{
    uint64_t ids[2 * RD_MAX_CPUS + 256];
    unsigned count = gdb_threads(g, ids, sizeof ids / sizeof ids[0]);
    str_add(out, "<?xml version=\"1.0\"?>\n<threads>\n");
    for (unsigned i = 0; i < count; i++) {
        struct rd_thread t;
        struct str text = {0};
        unsigned cpu = gdb_thread_cpu(g, ids[i]);
        str_addf(out, "<thread id=\"%" PRIx64 "\"", ids[i]);
        if (cpu != ~0u)
            str_addf(out, " core=\"%u\"", cpu);
        if (index_of(g, ids[i], &t) != DEBUG_NO_THREAD) {
            str_addf(&text, "%.*s", (int)sizeof t.name, t.name);
            str_add(out, " name=\"");
            add_escaped(out, text.data);
            str_add(out, "\"");
            str_free(&text);
        }
        str_add(out, ">");
        gdb_thread_describe(g, ids[i], &text);
        add_escaped(out, text.data != NULL ? text.data : "");
        str_add(out, "</thread>\n");
        str_free(&text);
    }
    str_add(out, "</threads>\n");
}
