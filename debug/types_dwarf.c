/*
 * Types from DWARF. The first question walks all entries of the debug information once and keeps where each named type and
 * variable is defined; compilers repeat a header's types in every unit, of which the first stays. Everything else is
 * read when it is asked for.
 *
 * A type chain or a nest of anonymous members may be circular in a damaged file: both are followed only so far.
 */
#include "debug/types_reader.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "debug/dwarf.h"

#define CHAIN_LIMIT 32u
#define NEST_LIMIT 8u
#define FIELD_LIMIT 4096u

struct named {
    const char *name;
    uint64_t offset;
    bool variable;
    bool alias; /* a typedef: the structure of the same name goes first */
};

struct dwarf_types {
    struct types base;
    struct dwarf dwarf;
    bool indexed;
    VEC(struct named) names; /* by name */
};

static bool entry_at(struct dwarf_types *t, uint64_t offset, struct dwarf_entry *out)
{
    const struct dwarf_unit *unit = offset != 0 ? dwarf_unit_at(&t->dwarf, offset) : NULL;
    return unit != NULL && dwarf_read(&t->dwarf, unit, offset, out) && out->tag != 0;
}

static bool is_structure(uint32_t tag)
{
    return tag == DW_TAG_structure_type || tag == DW_TAG_union_type || tag == DW_TAG_class_type;
}

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    if (order == 0)
        order = (int)x->variable - (int)y->variable;
    if (order == 0)
        order = (int)x->alias - (int)y->alias;
    return order != 0 ? order : x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void index_entry(struct dwarf_types *t, const struct dwarf_entry *e)
{
    struct named n = {e->name, e->offset, false, e->tag == DW_TAG_typedef};
    struct dwarf_entry origin;
    if (e->tag == DW_TAG_variable) {
        n.variable = true;
        if (n.name == NULL && e->has_address && entry_at(t, e->specification, &origin))
            n.name = origin.name;
        if (!e->has_address)
            return;
    } else if (is_structure(e->tag) || e->tag == DW_TAG_enumeration_type) {
        if (e->declaration || !e->has_size)
            return;
    } else if (e->tag != DW_TAG_typedef) {
        return;
    }
    if (n.name != NULL && n.name[0] != '\0')
        vec_push(&t->names, n);
}

static void make_index(struct dwarf_types *t)
{
    if (t->indexed)
        return;
    t->indexed = true;
    for (size_t i = 0; i < t->dwarf.units.count; i++) {
        const struct dwarf_unit *unit = &t->dwarf.units.data[i];
        struct dwarf_entry e;
        for (uint64_t at = unit->first; dwarf_read(&t->dwarf, unit, at, &e); at = e.next)
            index_entry(t, &e);
    }
    if (t->names.count == 0)
        return;
    qsort(t->names.data, t->names.count, sizeof t->names.data[0], by_name);
    size_t kept = 1;
    for (size_t i = 1; i < t->names.count; i++) {
        const struct named *last = &t->names.data[kept - 1], *n = &t->names.data[i];
        if (strcmp(n->name, last->name) != 0 || n->variable != last->variable)
            t->names.data[kept++] = *n;
    }
    t->names.count = kept;
}

static const struct named *find_name(struct dwarf_types *t, const char *name, bool variable)
{
    make_index(t);
    size_t low = 0, high = t->names.count;
    struct named key = {name, 0, variable, false};
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_name(&t->names.data[middle], &key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < t->names.count && strcmp(t->names.data[low].name, name) == 0 && t->names.data[low].variable == variable
               ? &t->names.data[low]
               : NULL;
}

static bool is_qualifier(uint32_t tag)
{
    return tag == DW_TAG_typedef || tag == DW_TAG_const_type || tag == DW_TAG_volatile_type || tag == DW_TAG_restrict_type;
}

/* Looks through names and qualifiers; a structure that is only declared becomes its definition. False: *out is the last of them.
 * alias (or NULL): the last typedef on the way. */
static bool resolve(struct dwarf_types *t, type_id type, struct dwarf_entry *out, const char **alias)
{
    for (unsigned i = 0; i < CHAIN_LIMIT; i++) {
        struct dwarf_entry e;
        if (!entry_at(t, type, &e))
            return false;
        *out = e;
        if (!is_qualifier(e.tag)) {
            const struct named *n = e.declaration && e.name != NULL ? find_name(t, e.name, false) : NULL;
            return n == NULL || entry_at(t, n->offset, out);
        }
        if (alias != NULL && e.tag == DW_TAG_typedef)
            *alias = e.name;
        type = e.type;
    }
    return false;
}

static bool is_wide(const char *name)
{
    return name != NULL && strcmp(name, "wchar_t") == 0;
}

static void describe_base(const struct dwarf_entry *e, const char *alias, struct type_info *out)
{
    enum { BOOLEAN = 2, FLOAT = 4, SIGNED = 5, SIGNED_CHAR = 6, UNSIGNED_CHAR = 8, UTF = 0x10 };
    out->kind = e->encoding == FLOAT ? TYPE_FLOAT : TYPE_INTEGER;
    out->is_signed = e->encoding == SIGNED || e->encoding == SIGNED_CHAR;
    out->is_character = e->encoding == SIGNED_CHAR || e->encoding == UNSIGNED_CHAR || e->encoding == UTF ||
                        is_wide(e->name) || is_wide(alias);
}

static void describe(struct dwarf_types *t, type_id type, unsigned nest, struct type_info *out);

static void describe_array(struct dwarf_types *t, const struct dwarf_entry *e, unsigned nest, struct type_info *out)
{
    struct dwarf_entry child;
    out->kind = TYPE_ARRAY;
    out->target = e->type;
    out->count = 0;
    uint64_t at = e->next, count = 1;
    bool any = false;
    while (e->children && dwarf_read(&t->dwarf, e->unit, at, &child) && child.tag != 0) {
        if (child.tag == DW_TAG_subrange_type) {
            uint64_t n = child.has_count ? child.count : child.has_upper ? child.upper + 1 : 0;
            any = true;
            count = n < (1u << 24) && count < (1u << 24) ? count * n : 0;
        }
        if (!dwarf_skip(&t->dwarf, &child, &at))
            break;
    }
    out->count = any ? count : 0;
    struct type_info element = {0};
    if (nest < NEST_LIMIT)
        describe(t, e->type, nest + 1, &element);
    out->size = element.size < (1u << 24) ? element.size * out->count : 0;
}

static void describe(struct dwarf_types *t, type_id type, unsigned nest, struct type_info *out)
{
    struct dwarf_entry e = {0};
    *out = (struct type_info){.kind = TYPE_UNKNOWN};
    const char *alias = NULL;
    if (type == 0 || !resolve(t, type, &e, &alias)) {
        if (type == 0 || (is_qualifier(e.tag) && e.type == 0))
            out->kind = TYPE_VOID; /* also "const void" and names for it */
        return;
    }
    out->size = e.size;
    if (e.name != NULL || alias != NULL) /* a structure without a name is called as its typedef */
        snprintf(out->name, sizeof out->name, "%s", e.name != NULL ? e.name : alias);
    switch (e.tag) {
    case DW_TAG_base_type:
        describe_base(&e, alias, out);
        break;
    case DW_TAG_enumeration_type:
        out->kind = TYPE_ENUM;
        break;
    case DW_TAG_pointer_type:
    case DW_TAG_reference_type:
    case DW_TAG_rvalue_reference_type:
        out->kind = TYPE_POINTER;
        out->target = e.type;
        out->size = 8;
        break;
    case DW_TAG_subroutine_type:
        out->kind = TYPE_FUNCTION;
        break;
    case DW_TAG_array_type:
        describe_array(t, &e, nest, out);
        break;
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_class_type:
        out->kind = TYPE_STRUCT;
        break;
    default:
        break;
    }
}

static void dwarf_describe(struct types *base, type_id type, struct type_info *out)
{
    describe((struct dwarf_types *)base, type, 0, out);
}

/* Where a bit field begins in its storage unit, counted from the lowest bit. */
static void place_bits(const struct dwarf_entry *e, uint64_t storage, struct type_field *out)
{
    if (!e->has_bit_size || e->bit_size > 64)
        return;
    out->bit_count = (unsigned)e->bit_size;
    if (e->has_data_bit_offset) {
        uint64_t unit = storage != 0 && storage <= 8 ? storage * 8 : 8;
        out->offset = e->data_bit_offset / unit * (unit / 8);
        out->bit_position = (unsigned)(e->data_bit_offset % unit);
    } else if (e->has_bit_offset) { /* DWARF 2 counts from the highest bit */
        uint64_t unit = (e->has_size ? e->size : storage) * 8;
        if (unit >= e->bit_offset + e->bit_size && unit <= 64)
            out->bit_position = (unsigned)(unit - e->bit_offset - e->bit_size);
    }
}

struct field_search {
    unsigned index;  /* fields that are still to be passed */
    unsigned visits; /* anonymous members may hold each other many times over */
};

static bool field_in(struct dwarf_types *t, type_id type, uint64_t base, struct field_search *s, unsigned nest, struct type_field *out)
{
    struct dwarf_entry e, child;
    if (nest > NEST_LIMIT || !resolve(t, type, &e, NULL) || !is_structure(e.tag) || !e.children)
        return false;
    uint64_t at = e.next;
    while (s->visits++ < FIELD_LIMIT && dwarf_read(&t->dwarf, e.unit, at, &child) && child.tag != 0) {
        bool member = child.tag == DW_TAG_member || child.tag == DW_TAG_inheritance;
        struct type_info info;
        if (member && !child.declaration) {
            describe(t, child.type, 0, &info);
            if (child.name == NULL && info.kind == TYPE_STRUCT) {
                if (field_in(t, child.type, base + child.location, s, nest + 1, out))
                    return true;
            } else if (s->index-- == 0) {
                *out = (struct type_field){.offset = child.location, .type = child.type};
                place_bits(&child, info.size, out);
                out->offset += base;
                snprintf(out->name, sizeof out->name, "%s", child.name != NULL ? child.name : "");
                return true;
            }
        }
        if (!dwarf_skip(&t->dwarf, &child, &at))
            return false;
    }
    return false;
}

static bool dwarf_field(struct types *base, type_id type, unsigned index, struct type_field *out)
{
    struct field_search s = {index, 0};
    return field_in((struct dwarf_types *)base, type, 0, &s, 0, out);
}

static const char *dwarf_enumerator(struct types *base, type_id type, int64_t value)
{
    struct dwarf_types *t = (struct dwarf_types *)base;
    struct dwarf_entry e, child;
    if (!resolve(t, type, &e, NULL) || e.tag != DW_TAG_enumeration_type || !e.children)
        return NULL;
    for (uint64_t at = e.next; dwarf_read(&t->dwarf, e.unit, at, &child) && child.tag != 0;) {
        if (child.tag == DW_TAG_enumerator && child.has_const && child.constant == value)
            return child.name;
        if (!dwarf_skip(&t->dwarf, &child, &at))
            break;
    }
    return NULL;
}

static bool dwarf_variable(struct types *base, const char *name, uint64_t *address, type_id *type)
{
    struct dwarf_types *t = (struct dwarf_types *)base;
    const struct named *n = find_name(t, name, true);
    struct dwarf_entry e, origin;
    if (n == NULL || !entry_at(t, n->offset, &e))
        return false;
    *address = e.address;
    *type = e.type != 0 ? e.type : entry_at(t, e.specification, &origin) ? origin.type : 0;
    return true;
}

static const char *dwarf_match(struct types *base, const char *pattern, unsigned index)
{
    struct dwarf_types *t = (struct dwarf_types *)base;
    make_index(t);
    for (size_t i = 0; i < t->names.count; i++)
        if (!t->names.data[i].variable && fnmatch(pattern, t->names.data[i].name, 0) == 0 && index-- == 0)
            return t->names.data[i].name;
    return NULL;
}

static type_id dwarf_find(struct types *base, const char *name)
{
    const struct named *n = find_name((struct dwarf_types *)base, name, false);
    return n != NULL ? n->offset : 0;
}

static bool dwarf_any(struct types *base)
{
    return ((struct dwarf_types *)base)->dwarf.units.count > 0;
}

static void dwarf_types_close(struct types *base)
{
    struct dwarf_types *t = (struct dwarf_types *)base;
    dwarf_close(&t->dwarf);
    vec_free(&t->names);
    free(t);
}

static const struct types_reader reader = {
    .any = dwarf_any,
    .find = dwarf_find,
    .describe = dwarf_describe,
    .field = dwarf_field,
    .enumerator = dwarf_enumerator,
    .variable = dwarf_variable,
    .match = dwarf_match,
    .close = dwarf_types_close,
};

struct types *types_open(const uint8_t *file, size_t size)
{
    struct dwarf_types *t = calloc(1, sizeof *t);
    RD_ASSERT(t != NULL);
    t->base.reader = &reader;
    dwarf_open(&t->dwarf, file, size);
    return &t->base;
}
