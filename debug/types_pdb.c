/*
 * Types from a PDB: the stream of type records (TPI). A record may name those in front of it by their number; a structure that is
 * used before it is known is a "forward reference" with its name alone, and the definition is found by that name. Names
 * of typedefs are symbols of the global stream.
 *
 * Chains of records may be circular in a damaged file, so all are followed only so far.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#include "debug/pdb.h"
#include "debug/types_reader.h"

#define STREAM_TPI 2u
#define FIRST_RECORD 0x1000u
#define CHAIN_LIMIT 32u
#define NEST_LIMIT 8u
#define FIELD_LIMIT 4096u
#define ENUMERATOR_LIMIT 65536u

enum {
    LF_VTSHAPE = 0x000A, LF_MODIFIER = 0x1001, LF_POINTER = 0x1002, LF_PROCEDURE = 0x1008, LF_MFUNCTION = 0x1009, LF_FIELDLIST = 0x1203,
    LF_BITFIELD = 0x1205, LF_BCLASS = 0x1400, LF_VBCLASS = 0x1401, LF_IVBCLASS = 0x1402, LF_INDEX = 0x1404, LF_VFUNCTAB = 0x1409,
    LF_ENUMERATE = 0x1502, LF_ARRAY = 0x1503, LF_CLASS = 0x1504, LF_STRUCTURE = 0x1505, LF_UNION = 0x1506, LF_ENUM = 0x1507,
    LF_MEMBER = 0x150D, LF_STMEMBER = 0x150E, LF_METHOD = 0x150F, LF_NESTTYPE = 0x1510, LF_ONEMETHOD = 0x1511,
    LF_INTERFACE = 0x1519, LF_CLASS2 = 0x1608, LF_STRUCTURE2 = 0x1609
};

struct named {
    const char *name;
    uint32_t type;
    bool alias; /* a typedef: the structure of the same name goes first */
};

struct pdb_types {
    struct types base;
    struct pdb *pdb;
    struct bytes records;
    uint32_t first;
    VEC(uint32_t) places; /* of each record in the stream */
    bool indexed;
    VEC(struct named) names; /* by name */
};

/* A structure, union or enumeration. */
struct compound {
    uint32_t fields, underlying;
    bool forward;
    uint64_t size;
    const char *name;
};

/* A number, or a leaf that says how many bytes the number behind it has. */
static int64_t numeric(struct cursor *c)
{
    uint32_t leaf = (uint32_t)cursor_fixed(c, 2);
    switch (leaf) {
    case 0x8000:
        return (int8_t)cursor_fixed(c, 1);
    case 0x8001:
        return (int16_t)cursor_fixed(c, 2);
    case 0x8002:
        return (int64_t)cursor_fixed(c, 2);
    case 0x8003:
        return (int32_t)cursor_fixed(c, 4);
    case 0x8004:
        return (int64_t)cursor_fixed(c, 4);
    case 0x8009:
    case 0x800A:
        return (int64_t)cursor_fixed(c, 8);
    default:
        c->bad |= leaf >= 0x8000;
        return leaf;
    }
}

static bool record_at(const struct pdb_types *t, uint64_t type, struct pdb_record *out)
{
    return type >= t->first && type - t->first < t->places.count && pdb_record(&t->records, t->places.data[type - t->first], out);
}

static bool is_structure(uint32_t kind)
{
    switch (kind) {
    case LF_STRUCTURE: case LF_CLASS: case LF_UNION: case LF_INTERFACE: case LF_STRUCTURE2: case LF_CLASS2:
        return true;
    default:
        return false;
    }
}

/* The records with a 2, which Microsoft's compiler writes since 2019, have wider properties, and the number of fields behind. */
static bool read_compound(const struct pdb_record *r, struct compound *out)
{
    struct cursor c = r->content;
    bool wide = r->kind == LF_STRUCTURE2 || r->kind == LF_CLASS2;
    *out = (struct compound){0};
    cursor_skip(&c, wide ? 0 : 2);
    out->forward = cursor_fixed(&c, wide ? 4 : 2) & 0x80;
    if (r->kind == LF_ENUM)
        out->underlying = (uint32_t)cursor_fixed(&c, 4);
    out->fields = (uint32_t)cursor_fixed(&c, 4);
    if (r->kind != LF_ENUM) {
        cursor_skip(&c, r->kind == LF_UNION ? 0 : 8);
        if (wide)
            numeric(&c);
        out->size = (uint64_t)numeric(&c);
    }
    out->name = cursor_text(&c);
    return !c.bad;
}

/* "Outer::<unnamed-tag>": a name that the compiler made. */
static bool is_made_up(const char *name)
{
    const char *last = name;
    for (const char *p = name; (p = strstr(p, "::")) != NULL;)
        last = p += 2;
    return strncmp(last, "<unnamed", 8) == 0 || strncmp(last, "<anonymous", 10) == 0 || strcmp(last, "__unnamed") == 0;
}

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    if (order == 0)
        order = (int)x->alias - (int)y->alias;
    return order != 0 ? order : x->type < y->type ? -1 : x->type > y->type;
}

static void index_types(struct pdb_types *t)
{
    struct pdb_record r;
    struct compound s;
    for (uint32_t i = 0; i < t->places.count; i++)
        if (pdb_record(&t->records, t->places.data[i], &r) && (is_structure(r.kind) || r.kind == LF_ENUM) && read_compound(&r, &s) &&
            !s.forward && s.name[0] != '\0' && !is_made_up(s.name))
            vec_push(&t->names, (struct named){s.name, t->first + i, false});
}

static void index_typedefs(struct pdb_types *t)
{
    struct bytes globals = pdb_stream(t->pdb, t->pdb->global_records);
    struct pdb_record r;
    for (uint32_t at = 0; pdb_record(&globals, at, &r); at = r.next) {
        if (r.kind != S_UDT)
            continue;
        uint32_t type = (uint32_t)cursor_fixed(&r.content, 4);
        const char *name = cursor_text(&r.content);
        if (name != NULL && name[0] != '\0' && type != 0)
            vec_push(&t->names, (struct named){name, type, true});
    }
}

static void make_index(struct pdb_types *t)
{
    if (t->indexed)
        return;
    t->indexed = true;
    index_types(t);
    index_typedefs(t);
    if (t->names.count == 0)
        return;
    qsort(t->names.data, t->names.count, sizeof t->names.data[0], by_name);
    size_t kept = 1;
    for (size_t i = 1; i < t->names.count; i++)
        if (strcmp(t->names.data[i].name, t->names.data[kept - 1].name) != 0)
            t->names.data[kept++] = t->names.data[i];
    t->names.count = kept;
}

static const struct named *find_name(struct pdb_types *t, const char *name)
{
    make_index(t);
    struct named key = {name, 0, false};
    size_t low = 0, high = t->names.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_name(&t->names.data[middle], &key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < t->names.count && strcmp(t->names.data[low].name, name) == 0 ? &t->names.data[low] : NULL;
}

/* Looks through const and volatile; a forward reference becomes its definition. The number of what is left. */
static uint64_t resolve(struct pdb_types *t, uint64_t type, struct pdb_record *out)
{
    *out = (struct pdb_record){0};
    for (unsigned i = 0; i < CHAIN_LIMIT && type >= FIRST_RECORD; i++) {
        struct compound s;
        if (!record_at(t, type, out)) {
            *out = (struct pdb_record){0};
            return type;
        }
        if (out->kind == LF_MODIFIER) {
            struct cursor c = out->content;
            type = cursor_fixed(&c, 4);
            *out = (struct pdb_record){0};
            continue;
        }
        if ((is_structure(out->kind) || out->kind == LF_ENUM) && read_compound(out, &s) && s.forward) {
            const struct named *n = find_name(t, s.name);
            if (n != NULL && !n->alias)
                record_at(t, type = n->type, out);
        }
        return type;
    }
    return type;
}

/* Types without a record: the low byte says which, the next one whether it is a pointer to it. */
static void describe_simple(uint64_t type, struct type_info *out)
{
    static const struct {
        uint8_t number, size;
        enum type_kind kind;
        bool is_signed, is_character;
    } rows[] = {
        {0x03, 0, TYPE_VOID, false, false},   {0x08, 4, TYPE_INTEGER, true, false},   {0x10, 1, TYPE_INTEGER, true, true},
        {0x11, 2, TYPE_INTEGER, true, false}, {0x12, 4, TYPE_INTEGER, true, false},   {0x13, 8, TYPE_INTEGER, true, false},
        {0x14, 16, TYPE_INTEGER, true, false}, {0x20, 1, TYPE_INTEGER, false, true},  {0x21, 2, TYPE_INTEGER, false, false},
        {0x22, 4, TYPE_INTEGER, false, false}, {0x23, 8, TYPE_INTEGER, false, false}, {0x24, 16, TYPE_INTEGER, false, false},
        {0x30, 1, TYPE_INTEGER, false, false}, {0x31, 2, TYPE_INTEGER, false, false}, {0x32, 4, TYPE_INTEGER, false, false},
        {0x33, 8, TYPE_INTEGER, false, false}, {0x40, 4, TYPE_FLOAT, false, false},   {0x41, 8, TYPE_FLOAT, false, false},
        {0x42, 10, TYPE_FLOAT, false, false}, {0x43, 16, TYPE_FLOAT, false, false},   {0x68, 1, TYPE_INTEGER, true, false},
        {0x69, 1, TYPE_INTEGER, false, false}, {0x70, 1, TYPE_INTEGER, true, true},   {0x71, 2, TYPE_INTEGER, false, true},
        {0x72, 2, TYPE_INTEGER, true, false}, {0x73, 2, TYPE_INTEGER, false, false},  {0x74, 4, TYPE_INTEGER, true, false},
        {0x75, 4, TYPE_INTEGER, false, false}, {0x76, 8, TYPE_INTEGER, true, false},  {0x77, 8, TYPE_INTEGER, false, false},
        {0x78, 16, TYPE_INTEGER, true, false}, {0x79, 16, TYPE_INTEGER, false, false}, {0x7A, 2, TYPE_INTEGER, false, true},
        {0x7B, 4, TYPE_INTEGER, false, true}, {0x7C, 1, TYPE_INTEGER, false, true},
    };
    if (type == 0)
        out->kind = TYPE_VOID;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].number != (type & 0xFF))
            continue;
        if (type >> 8 == 0)
            *out = (struct type_info){.kind = rows[i].kind, .is_signed = rows[i].is_signed, .is_character = rows[i].is_character, .size = rows[i].size};
        else if (type >> 8 >= 4 && type >> 8 <= 6)
            *out = (struct type_info){.kind = TYPE_POINTER, .size = type >> 8 == 6 ? 8 : 4, .target = type & 0xFF};
    }
}

static void describe(struct pdb_types *t, type_id type, unsigned nest, struct type_info *out);

/* The rows of a matrix are types of their own here; it is told as one array of its elements. */
static void describe_array(struct pdb_types *t, const struct pdb_record *array, unsigned nest, struct type_info *out)
{
    struct pdb_record r = *array;
    struct cursor c = r.content;
    uint64_t element = cursor_fixed(&c, 4);
    cursor_skip(&c, 4);
    out->kind = TYPE_ARRAY;
    out->size = (uint64_t)numeric(&c);
    for (unsigned i = 0; i < CHAIN_LIMIT; i++) {
        resolve(t, element, &r);
        if (r.kind != LF_ARRAY)
            break;
        c = r.content;
        element = cursor_fixed(&c, 4);
    }
    struct type_info inner = {0};
    out->target = element;
    if (r.kind != LF_ARRAY && nest < NEST_LIMIT)
        describe(t, element, nest + 1, &inner);
    out->count = inner.size != 0 && out->size < (1u << 30) ? out->size / inner.size : 0;
    out->size = out->count * inner.size;
}

/* A structure without a name is called as its typedef. */
static const char *typedef_of(struct pdb_types *t, uint64_t type)
{
    make_index(t);
    for (size_t i = 0; i < t->names.count; i++)
        if (t->names.data[i].alias && t->names.data[i].type == type)
            return t->names.data[i].name;
    return "";
}

static void describe_compound(struct pdb_types *t, uint64_t type, const struct pdb_record *r, unsigned nest, struct type_info *out)
{
    struct compound s;
    struct type_info underlying = {0};
    if (!read_compound(r, &s))
        return;
    out->kind = r->kind == LF_ENUM ? TYPE_ENUM : TYPE_STRUCT;
    out->size = s.size;
    snprintf(out->name, sizeof out->name, "%s", is_made_up(s.name) ? typedef_of(t, type) : s.name);
    if (r->kind == LF_ENUM && nest < NEST_LIMIT)
        describe(t, s.underlying, nest + 1, &underlying);
    if (r->kind == LF_ENUM)
        out->size = underlying.size;
}

static void describe(struct pdb_types *t, type_id type, unsigned nest, struct type_info *out)
{
    struct pdb_record r;
    *out = (struct type_info){.kind = TYPE_UNKNOWN};
    type = resolve(t, type, &r);
    struct cursor c = r.content;
    uint32_t attributes;
    if (type < FIRST_RECORD) {
        describe_simple(type, out);
        return;
    }
    switch (r.kind) {
    case LF_POINTER:
        *out = (struct type_info){.kind = TYPE_POINTER, .target = cursor_fixed(&c, 4)};
        attributes = (uint32_t)cursor_fixed(&c, 4);
        out->size = (attributes >> 13 & 0x3F) != 0 ? attributes >> 13 & 0x3F : 8;
        if ((attributes >> 5 & 7) == 2 || (attributes >> 5 & 7) == 3) /* to a member: no address */
            *out = (struct type_info){.kind = TYPE_UNKNOWN};
        break;
    case LF_PROCEDURE:
    case LF_MFUNCTION:
        out->kind = TYPE_FUNCTION;
        break;
    case LF_VTSHAPE:
        out->kind = TYPE_VOID;
        break;
    case LF_BITFIELD:
        if (nest < NEST_LIMIT)
            describe(t, cursor_fixed(&c, 4), nest + 1, out);
        break;
    case LF_ARRAY:
        describe_array(t, &r, nest, out);
        break;
    case LF_CLASS:
    case LF_STRUCTURE:
    case LF_UNION:
    case LF_INTERFACE:
    case LF_CLASS2:
    case LF_STRUCTURE2:
    case LF_ENUM:
        describe_compound(t, type, &r, nest, out);
        break;
    default:
        break;
    }
}

/* What stands in a list of fields; only some kinds have a name or a number. */
struct member {
    uint32_t kind, type;
    int64_t number; /* offset or value */
    const char *name;
};

static bool read_member(struct cursor *c, struct member *out)
{
    *out = (struct member){.kind = (uint32_t)cursor_fixed(c, 2)};
    uint32_t attributes = (uint32_t)cursor_fixed(c, 2);
    if (out->kind != LF_ENUMERATE)
        out->type = (uint32_t)cursor_fixed(c, 4);
    switch (out->kind) {
    case LF_MEMBER:
    case LF_ENUMERATE:
        out->number = numeric(c);
        out->name = cursor_text(c);
        break;
    case LF_BCLASS:
        out->number = numeric(c);
        break;
    case LF_VBCLASS:
    case LF_IVBCLASS:
        cursor_skip(c, 4);
        numeric(c);
        numeric(c);
        break;
    case LF_ONEMETHOD:
        cursor_skip(c, (attributes >> 2 & 7) == 4 || (attributes >> 2 & 7) == 6 ? 4 : 0); /* it introduces a slot */
        cursor_text(c);
        break;
    case LF_STMEMBER:
    case LF_METHOD:
    case LF_NESTTYPE:
        cursor_text(c);
        break;
    case LF_INDEX:
        break;
    case LF_VFUNCTAB: /* in WinDbg's words */
        out->name = "__VFN_table";
        break;
    default:
        c->bad = true;
        break;
    }
    while (cursor_left(c) > 0 && *c->at >= 0xF0) /* padding */
        c->at++;
    return !c->bad;
}

/* A walk through a list of fields and what continues it. */
struct member_walk {
    struct pdb_types *t;
    struct cursor at;
    unsigned lists;
};

static bool walk_members(struct pdb_types *t, uint64_t type, struct member_walk *w)
{
    struct pdb_record r;
    struct compound s;
    *w = (struct member_walk){t, {.bad = true}, 0};
    resolve(t, type, &r);
    if ((!is_structure(r.kind) && r.kind != LF_ENUM) || !read_compound(&r, &s) || !record_at(t, s.fields, &r) || r.kind != LF_FIELDLIST)
        return false;
    w->at = r.content;
    return true;
}

static bool next_member(struct member_walk *w, struct member *out)
{
    while (cursor_left(&w->at) > 0 && read_member(&w->at, out)) {
        struct pdb_record r;
        if (out->kind != LF_INDEX)
            return true;
        if (w->lists++ == CHAIN_LIMIT || !record_at(w->t, out->type, &r) || r.kind != LF_FIELDLIST)
            return false;
        w->at = r.content;
    }
    return false;
}

/* A bit field is a type of its own: so many bits from there on of another. */
static void place_bits(struct pdb_types *t, struct type_field *f)
{
    struct pdb_record r;
    if (!record_at(t, f->type, &r) || r.kind != LF_BITFIELD)
        return;
    f->type = cursor_fixed(&r.content, 4);
    unsigned count = (unsigned)cursor_fixed(&r.content, 1), position = (unsigned)cursor_fixed(&r.content, 1);
    if (count <= 64 && position < 64) {
        f->bit_count = count;
        f->bit_position = position;
    }
}

struct field_search {
    unsigned index;  /* fields that are still to be passed */
    unsigned visits; /* base classes may hold each other many times over */
};

static bool field_in(struct pdb_types *t, uint64_t type, uint64_t base, struct field_search *s, unsigned nest, struct type_field *out)
{
    struct member_walk w;
    struct member m;
    if (nest > NEST_LIMIT || !walk_members(t, type, &w))
        return false;
    while (s->visits++ < FIELD_LIMIT && next_member(&w, &m)) {
        bool nameless = m.kind == LF_MEMBER && m.name[0] == '\0';
        if (m.kind == LF_BCLASS || nameless) {
            if (field_in(t, m.type, base + (uint64_t)m.number, s, nest + 1, out))
                return true;
        } else if ((m.kind == LF_MEMBER || m.kind == LF_VFUNCTAB) && s->index-- == 0) {
            *out = (struct type_field){.offset = base + (uint64_t)m.number, .type = m.type};
            place_bits(t, out);
            snprintf(out->name, sizeof out->name, "%s", m.name);
            return true;
        }
    }
    return false;
}

static bool pdb_types_field(struct types *base, type_id type, unsigned index, struct type_field *out)
{
    struct field_search s = {index, 0};
    return field_in((struct pdb_types *)base, type, 0, &s, 0, out);
}

static void pdb_types_describe(struct types *base, type_id type, struct type_info *out)
{
    describe((struct pdb_types *)base, type, 0, out);
}

static const char *pdb_types_enumerator(struct types *base, type_id type, int64_t value)
{
    struct member_walk w;
    struct member m;
    if (!walk_members((struct pdb_types *)base, type, &w))
        return NULL;
    for (unsigned i = 0; i < ENUMERATOR_LIMIT && next_member(&w, &m); i++)
        if (m.kind == LF_ENUMERATE && m.number == value)
            return m.name;
    return NULL;
}

static bool pdb_types_variable(struct types *base, const char *name, uint64_t *address, type_id *type)
{
    struct pdb_types *t = (struct pdb_types *)base;
    const struct pdb_name *n = pdb_variable(t->pdb, name);
    if (n == NULL)
        return false;
    *address = t->pdb->base + n->rva;
    *type = n->type;
    return true;
}

static const char *pdb_types_match(struct types *base, const char *pattern, unsigned index)
{
    struct pdb_types *t = (struct pdb_types *)base;
    make_index(t);
    for (size_t i = 0; i < t->names.count; i++)
        if (fnmatch(pattern, t->names.data[i].name, 0) == 0 && index-- == 0)
            return t->names.data[i].name;
    return NULL;
}

static type_id pdb_types_find(struct types *base, const char *name)
{
    const struct named *n = find_name((struct pdb_types *)base, name);
    return n != NULL ? n->type : 0;
}

static bool pdb_types_any(struct types *base)
{
    return ((struct pdb_types *)base)->places.count > 0;
}

static void pdb_types_close(struct types *base)
{
    struct pdb_types *t = (struct pdb_types *)base;
    vec_free(&t->places);
    vec_free(&t->names);
    free(t);
}

static const struct types_reader reader = {
    .any = pdb_types_any,
    .find = pdb_types_find,
    .describe = pdb_types_describe,
    .field = pdb_types_field,
    .enumerator = pdb_types_enumerator,
    .variable = pdb_types_variable,
    .match = pdb_types_match,
    .close = pdb_types_close,
};

struct types *types_open_pdb(struct pdb *p)
{
    struct pdb_types *t = calloc(1, sizeof *t);
    RD_ASSERT(t != NULL);
    t->base.reader = &reader;
    t->pdb = p;
    struct bytes stream = pdb_stream(p, STREAM_TPI);
    struct cursor c = cursor_at(&stream, 4);
    uint32_t header = (uint32_t)cursor_fixed(&c, 4);
    t->first = (uint32_t)cursor_fixed(&c, 4);
    uint32_t end = (uint32_t)cursor_fixed(&c, 4);
    struct pdb_record r;
    if (c.bad || t->first < FIRST_RECORD || end < t->first)
        return &t->base;
    t->records = stream;
    for (uint32_t at = header; t->places.count < end - t->first && pdb_record(&stream, at, &r); at = r.next)
        vec_push(&t->places, at);
    return &t->base;
}
