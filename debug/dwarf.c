/*
 * DWARF from a PE file (dwarfstd.org, versions 2 to 5). Everything is read through a cursor that stays inside its section and
 * remembers when something did not fit, so a damaged file ends a walk. Only .debug_info is walked; line tables and
 * unwinding are other files' business.
 *
 * Names of sections longer than eight bytes stand in the COFF string table, behind the symbols.
 */
#include "debug/dwarf.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_LIMIT 64u

static uint64_t leb(struct cursor *c, bool is_signed)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint64_t byte = cursor_fixed(c, 1);
        if (c->bad || shift > 63) {
            c->bad = true;
            return 0;
        }
        value |= (byte & 0x7F) << shift;
        if (byte & 0x80)
            continue;
        if (is_signed && (byte & 0x40) && shift + 7 < 64)
            value |= ~0ull << (shift + 7);
        return value;
    }
}

static const char *text_at(const struct bytes *s, uint64_t offset)
{
    struct cursor c = cursor_at(s, offset);
    return cursor_text(&c);
}

static void find_sections(struct dwarf *d, const uint8_t *file, size_t size)
{
    const struct {
        const char *name;
        struct bytes *section;
    } wanted[] = {{".debug_info", &d->info},         {".debug_abbrev", &d->abbrev},
                  {".debug_str", &d->str},           {".debug_line_str", &d->line_str},
                  {".debug_str_offsets", &d->str_offsets}, {".debug_addr", &d->addr}};
    struct bytes whole = {file, size};
    struct cursor c = cursor_at(&whole, 0x3C);
    uint64_t header = cursor_fixed(&c, 4);
    c = cursor_at(&whole, header + 6);
    uint64_t sections = cursor_fixed(&c, 2);
    cursor_skip(&c, 4);
    uint64_t symbols = cursor_fixed(&c, 4), symbol_count = cursor_fixed(&c, 4), optional = cursor_fixed(&c, 2);
    uint64_t strings = symbols != 0 ? symbols + symbol_count * 18 : size;
    for (uint64_t i = 0; i < sections && !c.bad; i++) {
        char short_name[9] = {0};
        c = cursor_at(&whole, header + 24 + optional + i * 40);
        if (c.bad || c.end - c.at < 40)
            return;
        memcpy(short_name, c.at, 8);
        cursor_skip(&c, 8);
        uint64_t virtual_size = cursor_fixed(&c, 4);
        cursor_skip(&c, 4);
        uint64_t bytes = cursor_fixed(&c, 4), start = cursor_fixed(&c, 4);
        const char *name =
            short_name[0] == '/' ? text_at(&whole, strings + strtoul(short_name + 1, NULL, 10)) : short_name;
        if (virtual_size != 0 && virtual_size < bytes)
            bytes = virtual_size; /* the rest is padding */
        for (size_t k = 0; k < sizeof wanted / sizeof wanted[0] && name != NULL; k++)
            if (strcmp(name, wanted[k].name) == 0 && start <= size && bytes <= size - start)
                *wanted[k].section = (struct bytes){file + start, bytes};
    }
}

static void find_units(struct dwarf *d)
{
    uint64_t offset = 0;
    while (offset < d->info.size) {
        struct cursor c = cursor_at(&d->info, offset);
        struct dwarf_unit u = {.start = offset, .offset_size = 4};
        uint64_t length = cursor_fixed(&c, 4);
        if (length == 0xFFFFFFFF) {
            u.offset_size = 8;
            length = cursor_fixed(&c, 8);
        }
        if (c.bad || length == 0 || length > (uint64_t)(c.end - c.at))
            return;
        u.end = (uint64_t)(c.at - d->info.data) + length;
        u.version = (uint8_t)cursor_fixed(&c, 2);
        uint64_t kind = 1;
        if (u.version >= 5) {
            kind = cursor_fixed(&c, 1);
            u.address_size = (uint8_t)cursor_fixed(&c, 1);
            u.abbreviations = cursor_fixed(&c, u.offset_size);
        } else {
            u.abbreviations = cursor_fixed(&c, u.offset_size);
            u.address_size = (uint8_t)cursor_fixed(&c, 1);
        }
        u.first = (uint64_t)(c.at - d->info.data);
        u.str_offsets = u.offset_size == 4 ? 8 : 16; /* behind the header, where the unit does not say */
        u.addr = u.str_offsets;
        if (!c.bad && u.version >= 2 && u.version <= 5 && u.address_size == 8 && (kind == 1 || kind == 3))
            vec_push(&d->units, u);
        offset = u.end;
    }
}

static int by_code(const void *a, const void *b)
{
    const struct dwarf_abbreviation *x = a, *y = b;
    return x->code < y->code ? -1 : x->code > y->code;
}

static const struct dwarf_table *table_at(struct dwarf *d, uint64_t offset)
{
    for (size_t i = d->tables.count; i-- > 0;)
        if (d->tables.data[i].offset == offset)
            return &d->tables.data[i];
    struct dwarf_table table = {.offset = offset};
    struct cursor c = cursor_at(&d->abbrev, offset);
    while (!c.bad) {
        struct dwarf_abbreviation a = {.code = leb(&c, false)};
        if (a.code == 0)
            break;
        a.tag = (uint32_t)leb(&c, false);
        a.children = cursor_fixed(&c, 1) != 0;
        a.at = c.bad ? 0 : (uint32_t)(c.at - d->abbrev.data);
        for (;;) {
            uint64_t name = leb(&c, false), form = leb(&c, false);
            if (form == 0x21)
                leb(&c, true);
            if (c.bad || (name == 0 && form == 0))
                break;
        }
        if (!c.bad)
            vec_push(&table.list, a);
    }
    if (table.list.count > 0)
        qsort(table.list.data, table.list.count, sizeof table.list.data[0], by_code);
    vec_push(&d->tables, table);
    return &d->tables.data[d->tables.count - 1];
}

static const struct dwarf_abbreviation *abbreviation(const struct dwarf_table *t, uint64_t code)
{
    if (code - 1 < t->list.count && t->list.data[code - 1].code == code)
        return &t->list.data[code - 1]; /* compilers number them so */
    struct dwarf_abbreviation key = {.code = code};
    return t->list.count > 0 ? bsearch(&key, t->list.data, t->list.count, sizeof key, by_code) : NULL;
}

struct value {
    uint64_t number;
    const char *string;
    const uint8_t *block;
    uint64_t block_size;
    bool reference, constant;
};

static const char *indexed_string(struct dwarf *d, const struct dwarf_unit *u, uint64_t index)
{
    if (index > d->str_offsets.size)
        return NULL;
    struct cursor c = cursor_at(&d->str_offsets, u->str_offsets + index * u->offset_size);
    uint64_t offset = cursor_fixed(&c, u->offset_size);
    return c.bad ? NULL : text_at(&d->str, offset);
}

static uint64_t indexed_address(struct dwarf *d, const struct dwarf_unit *u, uint64_t index)
{
    if (index > d->addr.size)
        return 0;
    struct cursor c = cursor_at(&d->addr, u->addr + index * u->address_size);
    return cursor_fixed(&c, u->address_size);
}

static void take_block(struct cursor *c, uint64_t bytes, struct value *v)
{
    v->block = c->at;
    v->block_size = bytes;
    cursor_skip(c, bytes);
    if (c->bad)
        v->block = NULL;
}

/* One attribute's value. Forms that types do not need are stepped over; an unknown one ends the walk. */
static void read_form(struct dwarf *d, const struct dwarf_unit *u, struct cursor *c, uint64_t form, int64_t implicit,
                      struct value *v)
{
    *v = (struct value){0};
    switch (form) {
    case 0x01: /* addr */
        v->number = cursor_fixed(c, u->address_size);
        break;
    case 0x0B: case 0x0C: case 0x11: /* data1 flag ref1 */
        v->number = cursor_fixed(c, 1);
        break;
    case 0x05: case 0x12: /* data2 ref2 */
        v->number = cursor_fixed(c, 2);
        break;
    case 0x06: case 0x13: /* data4 ref4 */
        v->number = cursor_fixed(c, 4);
        break;
    case 0x07: case 0x14: case 0x20: /* data8 ref8 ref_sig8 */
        v->number = cursor_fixed(c, 8);
        break;
    case 0x1E: /* data16 */
        cursor_skip(c, 16);
        break;
    case 0x0D: /* sdata */
        v->number = leb(c, true);
        break;
    case 0x0F: case 0x15: case 0x22: case 0x23: /* udata ref_udata loclistx rnglistx */
        v->number = leb(c, false);
        break;
    case 0x08: /* string */
        v->string = cursor_text(c);
        break;
    case 0x0E: /* strp */
        v->string = text_at(&d->str, cursor_fixed(c, u->offset_size));
        break;
    case 0x1F: /* line_strp */
        v->string = text_at(&d->line_str, cursor_fixed(c, u->offset_size));
        break;
    case 0x1A: /* strx */
        v->string = indexed_string(d, u, leb(c, false));
        break;
    case 0x25: case 0x26: case 0x27: case 0x28: /* strx1 to strx4 */
        v->string = indexed_string(d, u, cursor_fixed(c, (unsigned)(form - 0x24)));
        break;
    case 0x1B: /* addrx */
        v->number = indexed_address(d, u, leb(c, false));
        break;
    case 0x29: case 0x2A: case 0x2B: case 0x2C: /* addrx1 to addrx4 */
        v->number = indexed_address(d, u, cursor_fixed(c, (unsigned)(form - 0x28)));
        break;
    case 0x10: /* ref_addr */
        v->number = cursor_fixed(c, u->version == 2 ? u->address_size : u->offset_size);
        break;
    case 0x17: /* sec_offset */
        v->number = cursor_fixed(c, u->offset_size);
        break;
    case 0x19: /* flag_present */
        v->number = 1;
        break;
    case 0x21: /* implicit_const */
        v->number = (uint64_t)implicit;
        break;
    case 0x0A: /* block1 */
        take_block(c, cursor_fixed(c, 1), v);
        break;
    case 0x03: /* block2 */
        take_block(c, cursor_fixed(c, 2), v);
        break;
    case 0x04: /* block4 */
        take_block(c, cursor_fixed(c, 4), v);
        break;
    case 0x09: case 0x18: /* block exprloc */
        take_block(c, leb(c, false), v);
        break;
    default:
        c->bad = true;
        break;
    }
    v->reference = form >= 0x11 && form <= 0x15;
    if (v->reference)
        v->number += u->start;
    v->constant = (form >= 0x05 && form <= 0x07) || form == 0x0B || form == 0x0D || form == 0x0F || form == 0x21;
}

/* Constants are written in as many bytes as they need: a negative one is told by its sign bit there. */
static int64_t signed_constant(uint64_t form, uint64_t number)
{
    return form == 0x0B ? (int8_t)number : form == 0x05 ? (int16_t)number : form == 0x06 ? (int32_t)number : (int64_t)number;
}

/* The address in a location expression of one operation; false: it is another kind of place. */
static bool fixed_address(struct dwarf *d, const struct dwarf_unit *u, const struct value *v, uint64_t *out)
{
    if (v->block == NULL || v->block_size == 0)
        return false;
    struct cursor c = {v->block + 1, v->block + v->block_size, false};
    if (v->block[0] == 0x03) /* DW_OP_addr */
        *out = cursor_fixed(&c, u->address_size);
    else if (v->block[0] == 0xA1) /* DW_OP_addrx */
        *out = indexed_address(d, u, leb(&c, false));
    else
        return false;
    return !c.bad && c.at == c.end;
}

/* DW_OP_plus_uconst, which old compilers write for a field's offset. */
static bool field_offset(const struct value *v, uint64_t *out)
{
    if (v->block == NULL) {
        *out = v->number;
        return v->constant;
    }
    if (v->block_size < 2 || v->block[0] != 0x23)
        return false;
    struct cursor c = {v->block + 1, v->block + v->block_size, false};
    *out = leb(&c, false);
    return !c.bad;
}

static void attribute(struct dwarf *d, struct dwarf_entry *e, uint64_t name, uint64_t form, const struct value *v)
{
    switch (name) {
    case 0x03:
        e->name = v->string;
        break;
    case 0x49:
        e->type = v->number;
        break;
    case 0x47:
        e->specification = v->number;
        break;
    case 0x3C:
        e->declaration = v->number != 0;
        break;
    case 0x0B:
        e->size = v->number;
        e->has_size = v->constant;
        break;
    case 0x38:
        e->has_location = field_offset(v, &e->location);
        break;
    case 0x02:
        e->has_address = fixed_address(d, e->unit, v, &e->address);
        break;
    case 0x37:
        e->count = v->number;
        e->has_count = v->constant;
        break;
    case 0x2F:
        e->upper = v->number;
        e->has_upper = v->constant && signed_constant(form, v->number) != -1;
        break;
    case 0x0D:
        e->bit_size = v->number;
        e->has_bit_size = v->constant;
        break;
    case 0x6B:
        e->data_bit_offset = v->number;
        e->has_data_bit_offset = v->constant;
        break;
    case 0x0C:
        e->bit_offset = v->number;
        e->has_bit_offset = v->constant;
        break;
    case 0x3E:
        e->encoding = (uint32_t)v->number;
        break;
    case 0x1C:
        e->constant = form == 0x0F ? (int64_t)v->number : signed_constant(form, v->number);
        e->has_const = v->constant;
        break;
    default:
        break;
    }
}

bool dwarf_read(struct dwarf *d, const struct dwarf_unit *unit, uint64_t offset, struct dwarf_entry *out)
{
    *out = (struct dwarf_entry){.offset = offset, .unit = unit};
    if (offset < unit->first || offset >= unit->end)
        return false;
    struct cursor c = cursor_at(&d->info, offset);
    c.end = d->info.data + unit->end;
    uint64_t code = leb(&c, false);
    if (code != 0) {
        const struct dwarf_abbreviation *a = abbreviation(table_at(d, unit->abbreviations), code);
        if (c.bad || a == NULL)
            return false;
        out->tag = a->tag;
        out->children = a->children;
        struct cursor list = cursor_at(&d->abbrev, a->at);
        for (;;) {
            struct value v;
            uint64_t name = leb(&list, false), form = leb(&list, false);
            int64_t implicit = form == 0x21 ? (int64_t)leb(&list, true) : 0;
            if (form == 0x16) /* indirect */
                form = leb(&c, false);
            if (list.bad || c.bad)
                return false;
            if (name == 0 && form == 0)
                break;
            read_form(d, unit, &c, form, implicit, &v);
            if (c.bad)
                return false;
            attribute(d, out, name, form, &v);
            if (name == 0x72 && out->tag == DW_TAG_compile_unit) /* DW_AT_str_offsets_base */
                ((struct dwarf_unit *)unit)->str_offsets = v.number;
            if (name == 0x73 && out->tag == DW_TAG_compile_unit) /* DW_AT_addr_base */
                ((struct dwarf_unit *)unit)->addr = v.number;
        }
    }
    out->next = (uint64_t)(c.at - d->info.data);
    return !c.bad;
}

bool dwarf_skip(struct dwarf *d, const struct dwarf_entry *e, uint64_t *next)
{
    unsigned depth = e->children && e->tag != 0;
    *next = e->next;
    while (depth > 0) {
        struct dwarf_entry inner;
        if (!dwarf_read(d, e->unit, *next, &inner) || depth > DEPTH_LIMIT)
            return false;
        *next = inner.next;
        if (inner.tag == 0)
            depth--;
        else
            depth += inner.children;
    }
    return true;
}

const struct dwarf_unit *dwarf_unit_at(const struct dwarf *d, uint64_t offset)
{
    size_t low = 0, high = d->units.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (d->units.data[middle].end <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < d->units.count && d->units.data[low].first <= offset ? &d->units.data[low] : NULL;
}

void dwarf_open(struct dwarf *d, const uint8_t *file, size_t size)
{
    *d = (struct dwarf){0};
    find_sections(d, file, size);
    find_units(d);
    /* The bases stand in the unit's own entry, in front of the first index that needs them. */
    for (size_t i = 0; i < d->units.count; i++) {
        struct dwarf_entry root;
        dwarf_read(d, &d->units.data[i], d->units.data[i].first, &root);
    }
}

void dwarf_close(struct dwarf *d)
{
    for (size_t i = 0; i < d->tables.count; i++)
        vec_free(&d->tables.data[i].list);
    vec_free(&d->tables);
    vec_free(&d->units);
}
