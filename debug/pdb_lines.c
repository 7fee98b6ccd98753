/*
 * Lines and inlined functions from a PDB. A module's C13 subsections hold a table of lines for each piece of code, the files
 * that it speaks of, and where each inlined function's source begins. That a function was inlined is a record inside the symbols of
 * the function around it, with a little program ("binary annotations") that moves a code offset and a line; the code of
 * what is inlined in turn is part of it. In the table of lines, inlined code has the line of its call.
 */
#include <stdio.h>
#include <stdlib.h>

#include "debug/pdb.h"
#include "machine/pe/pe.h"

#define STREAM_TYPE 2u
#define STREAM_ID 4u
#define NEST_LIMIT 64u
#define NEVER_STEP_INTO 0xFEEFEEu /* and 0xF00F00: code that belongs to no line */
#define NO_LINE 0xF00F00u
#define OWN_FILE UINT32_MAX

enum { LINES = 0xF2, FILES = 0xF4, INLINEES = 0xF6 };
enum { LF_CLASS = 0x1504, LF_STRUCTURE = 0x1505, LF_FUNC_ID = 0x1601, LF_MFUNC_ID = 0x1602, LF_STRING_ID = 0x1605 };

struct position {
    uint32_t file, line; /* offset among the module's files */
    bool known;
};

/* The next subsection; its content in *out. */
static bool subsection(struct cursor *c, uint32_t *kind, struct bytes *out)
{
    const uint8_t *start = c->at;
    if (cursor_left(c) == 0)
        return false;
    *kind = (uint32_t)cursor_fixed(c, 4);
    *out = cursor_take(c, cursor_fixed(c, 4));
    if (c->bad)
        return false;
    cursor_skip(c, -(uint64_t)(c->at - start) & 3);
    return true;
}

static struct bytes files_of(const struct pdb_module *m)
{
    struct cursor c = cursor_at(&m->lines, 0);
    struct bytes content;
    uint32_t kind;
    while (subsection(&c, &kind, &content))
        if (kind == FILES)
            return content;
    return (struct bytes){0};
}

static void file_name(struct pdb *p, const struct pdb_module *m, uint32_t file, char out[160])
{
    struct bytes files = files_of(m), names = pdb_stream(p, p->info_names);
    struct cursor c = cursor_at(&files, file);
    uint64_t offset = cursor_fixed(&c, 4);
    struct cursor header = cursor_at(&names, 8);
    struct bytes texts = cursor_take(&header, cursor_fixed(&header, 4));
    struct cursor name = cursor_at(&texts, offset);
    const char *text = c.bad ? NULL : cursor_text(&name);
    snprintf(out, 160, "%s", text != NULL ? text : "");
}

/* Whether an entry's place is a better one than another's for the wanted address: the last at or in front of it. Of two at the address itself
 * the first is its line (a function's head), the other that of what follows. Where a function begins with what was inlined there may be
 * none in front: the first behind is then nearest. */
static bool is_nearer(uint32_t at, uint32_t other, uint32_t wanted)
{
    if ((at <= wanted) != (other <= wanted))
        return at <= wanted;
    if (at > wanted)
        return at < other;
    return at > other || (at == other && at != wanted);
}

/* Lines of one piece of code, by file. */
static void look_in_lines(const struct pdb *p, const struct bytes *content, uint32_t rva, struct position *best, uint32_t *best_at)
{
    struct cursor c = cursor_at(content, 0);
    uint32_t start, offset = (uint32_t)cursor_fixed(&c, 4), segment = (uint32_t)cursor_fixed(&c, 2);
    cursor_skip(&c, 2);
    uint32_t size = (uint32_t)cursor_fixed(&c, 4);
    if (c.bad || !pdb_rva(p, segment, offset, &start) || rva < start || rva - start >= size)
        return;
    while (cursor_left(&c) >= 12) {
        uint32_t file = (uint32_t)cursor_fixed(&c, 4), count = (uint32_t)cursor_fixed(&c, 4), bytes = (uint32_t)cursor_fixed(&c, 4);
        if (bytes < 12)
            return;
        struct bytes block = cursor_take(&c, bytes - 12);
        struct cursor lines = cursor_at(&block, 0);
        for (uint32_t i = 0; i < count && cursor_left(&lines) >= 8; i++) {
            uint32_t at = (uint32_t)cursor_fixed(&lines, 4), line = (uint32_t)cursor_fixed(&lines, 4) & 0xFFFFFF;
            if (line == NEVER_STEP_INTO || line == NO_LINE || (best->known && !is_nearer(at, *best_at, rva - start)))
                continue;
            *best = (struct position){file, line, true};
            *best_at = at;
        }
    }
}

static struct position line_at(const struct pdb *p, const struct pdb_module *m, uint32_t rva)
{
    struct position best = {0};
    uint32_t kind, best_at = 0;
    struct bytes content;
    struct cursor c = cursor_at(&m->lines, 0);
    while (!best.known && subsection(&c, &kind, &content))
        if (kind == LINES)
            look_in_lines(p, &content, rva, &best, &best_at);
    return best;
}

/* Where the source of an inlined function begins. */
static struct position inlinee_start(const struct pdb_module *m, uint32_t inlinee)
{
    struct cursor c = cursor_at(&m->lines, 0);
    struct bytes content;
    uint32_t kind;
    while (subsection(&c, &kind, &content)) {
        struct cursor list = cursor_at(&content, 0);
        bool more_files = kind == INLINEES && cursor_fixed(&list, 4) != 0;
        while (kind == INLINEES && cursor_left(&list) >= 12) {
            uint32_t id = (uint32_t)cursor_fixed(&list, 4), file = (uint32_t)cursor_fixed(&list, 4), line = (uint32_t)cursor_fixed(&list, 4);
            if (more_files)
                cursor_skip(&list, 4 * cursor_fixed(&list, 4));
            if (id == inlinee)
                return (struct position){file, line, true};
        }
    }
    return (struct position){0};
}

static struct position from_start(const struct pdb_module *m, uint32_t inlinee, struct position here)
{
    struct position start = inlinee_start(m, inlinee);
    return (struct position){here.file != OWN_FILE ? here.file : start.file, start.line + here.line, start.known};
}

/* Record `number` of the stream of types or that of ids, from the first on: few are asked for. */
static bool numbered(struct pdb *p, uint32_t stream, uint32_t number, struct pdb_record *out)
{
    struct bytes records = pdb_stream(p, stream);
    struct cursor c = cursor_at(&records, 4);
    uint32_t at = (uint32_t)cursor_fixed(&c, 4), first = (uint32_t)cursor_fixed(&c, 4);
    if (c.bad || number < first)
        return false;
    while (pdb_record(&records, at, out)) {
        if (first++ == number)
            return true;
        at = out->next;
    }
    return false;
}

/* The namespace or class that a function belongs to; NULL: none. */
static const char *scope_name(struct pdb *p, bool is_class, uint32_t scope)
{
    struct pdb_record r;
    if (scope == 0 || !numbered(p, is_class ? STREAM_TYPE : STREAM_ID, scope, &r))
        return NULL;
    if (!is_class) {
        cursor_skip(&r.content, 4);
        return r.kind == LF_STRING_ID ? cursor_text(&r.content) : NULL;
    }
    cursor_skip(&r.content, 16);
    if (r.kind != LF_CLASS && r.kind != LF_STRUCTURE)
        return NULL;
    cursor_skip(&r.content, 2); /* a forward reference, of size 0, in a leaf of two bytes */
    return cursor_text(&r.content);
}

static void inlinee_name(struct pdb *p, uint32_t inlinee, char *out, size_t size)
{
    struct pdb_record r;
    out[0] = '\0';
    if (!numbered(p, STREAM_ID, inlinee, &r) || (r.kind != LF_FUNC_ID && r.kind != LF_MFUNC_ID))
        return;
    const char *scope = scope_name(p, r.kind == LF_MFUNC_ID, (uint32_t)cursor_fixed(&r.content, 4));
    cursor_skip(&r.content, 4);
    const char *name = cursor_text(&r.content);
    if (name != NULL)
        snprintf(out, size, "%s%s%s", scope != NULL ? scope : "", scope != NULL ? "::" : "", name);
}

/* Numbers of one, two or four bytes, by the top bits of the first. */
static uint32_t annotation(struct cursor *c)
{
    uint32_t first = (uint32_t)cursor_fixed(c, 1);
    if ((first & 0x80) == 0)
        return first;
    if ((first & 0xC0) == 0x80)
        return (first & 0x3F) << 8 | (uint32_t)cursor_fixed(c, 1);
    uint32_t value = (first & 0x1F) << 24;
    value |= (uint32_t)cursor_fixed(c, 1) << 16;
    value |= (uint32_t)cursor_fixed(c, 1) << 8;
    value |= (uint32_t)cursor_fixed(c, 1);
    c->bad |= (first & 0xE0) != 0xC0;
    return value;
}

static uint32_t signed_annotation(uint32_t value)
{
    return value & 1 ? 0u - (value >> 1) : value >> 1;
}

/* A stretch of an inlined function's code: from `at`, on one line. */
struct stretch {
    uint32_t at, file, line;
    bool open;
};

static bool closes_over(const struct stretch *s, uint32_t end, uint32_t wanted, struct position *out)
{
    if (!s->open || wanted < s->at || wanted >= end)
        return false;
    *out = (struct position){s->file, s->line, true};
    return true;
}

/* Runs the annotations; whether the inlined function has code at `wanted`, an offset in the function around it. The line counts
 * from the function's first; the file is OWN_FILE where it is that of the first line. */
static bool inlined_at(struct cursor c, uint32_t wanted, uint32_t size, struct position *out)
{
    enum { CODE_OFFSET = 1, BASE = 2, CHANGE_OFFSET = 3, LENGTH = 4, CHANGE_FILE = 5, CHANGE_LINE = 6, OFFSET_AND_LINE = 11, LENGTH_AND_OFFSET = 12 };
    struct stretch s = {0};
    uint32_t offset = 0, file = OWN_FILE, line = 0;
    while (cursor_left(&c) > 0) {
        uint32_t op = annotation(&c), length, n;
        if (op == 0 || c.bad)
            break;
        n = annotation(&c);
        if (c.bad)
            return false;
        switch (op) {
        case OFFSET_AND_LINE:
            line += signed_annotation(n >> 4);
            n &= 15;
            /* fall through */
        case CODE_OFFSET:
        case BASE:
        case CHANGE_OFFSET:
            offset += n;
            if (closes_over(&s, offset, wanted, out))
                return true;
            s = (struct stretch){offset, file, line, true};
            break;
        case LENGTH:
            offset += n;
            if (closes_over(&s, offset, wanted, out))
                return true;
            s.open = false;
            break;
        case LENGTH_AND_OFFSET:
            length = n;
            offset += annotation(&c);
            if (closes_over(&s, offset, wanted, out))
                return true;
            s = (struct stretch){offset, file, line, true};
            if (closes_over(&s, offset + length, wanted, out))
                return true;
            s.open = false;
            break;
        case CHANGE_FILE:
            file = n;
            break;
        case CHANGE_LINE:
            line += signed_annotation(n);
            break;
        default: /* columns, ranges of lines */
            break;
        }
    }
    return closes_over(&s, size, wanted, out);
}

static bool opens(uint16_t kind)
{
    switch (kind) {
    case S_GPROC32: case S_LPROC32: case S_GPROC32_ID: case S_LPROC32_ID: case S_BLOCK32: case S_WITH32: case S_THUNK32:
    case S_SEPCODE: case S_INLINESITE: case S_INLINESITE2:
        return true;
    default:
        return false;
    }
}

static bool closes(uint16_t kind)
{
    return kind == S_END || kind == S_INLINESITE_END || kind == S_PROC_ID_END;
}

static void set_place(struct pdb *p, const struct pdb_module *m, const char *name, struct position at, struct pdb_place *out)
{
    *out = (struct pdb_place){.line = at.known ? at.line : 0};
    snprintf(out->function, sizeof out->function, "%s", name != NULL ? name : "");
    if (at.known)
        file_name(p, m, at.file, out->file);
}

/* The function's records in order: what is inlined into what is inlined comes behind it, before its end. */
static unsigned inlined(struct pdb *p, const struct pdb_module *m, const struct pdb_name *f, uint32_t rva, struct pdb_place *out)
{
    struct pdb_record r;
    unsigned depth = 0, count = 0, skipped = 0;
    char name[sizeof out->function];
    for (uint32_t at = f->record; pdb_record(&m->symbols, at, &r) && depth < NEST_LIMIT; at = r.next) {
        if (closes(r.kind) && --depth == 0)
            break;
        if (skipped > depth)
            skipped = 0;
        if (!opens(r.kind))
            continue;
        depth++;
        if (skipped != 0 || (r.kind != S_INLINESITE && r.kind != S_INLINESITE2))
            continue;
        cursor_skip(&r.content, 8);
        uint32_t inlinee = (uint32_t)cursor_fixed(&r.content, 4);
        if (r.kind == S_INLINESITE2)
            cursor_skip(&r.content, 4);
        struct position here = {0};
        if (r.content.bad || !inlined_at(r.content, rva - f->rva, f->size, &here)) {
            skipped = depth; /* nor is what lies inside it */
        } else if (count < PDB_CHAIN - 1) {
            inlinee_name(p, inlinee, name, sizeof name);
            set_place(p, m, name, from_start(m, inlinee, here), &out[count++]);
        }
    }
    return count;
}

unsigned pdb_chain(struct pdb *p, uint32_t rva, struct pdb_place out[PDB_CHAIN])
{
    const struct pdb_name *f = pdb_function(p, rva);
    if (f == NULL)
        return 0;
    struct pdb_place outwards[PDB_CHAIN];
    const struct pdb_module *m = pdb_module(p, f->module);
    unsigned count = inlined(p, m, f, rva, outwards);
    for (unsigned i = 0; i < count; i++)
        out[i] = outwards[count - 1 - i];
    set_place(p, m, f->text, line_at(p, m, rva), &out[count]);
    out[count].start = f->rva;
    return count + 1;
}
