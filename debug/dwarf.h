/* Reading DWARF: sections of an image's file, compilation units and their entries (DIEs). types.c makes types of them. */
#ifndef DEBUG_DWARF_H
#define DEBUG_DWARF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "debug/cursor.h"

struct dwarf_unit {
    uint64_t start, first, end; /* of the header, of the first entry, behind the last; offsets in .debug_info */
    uint64_t abbreviations;     /* offset in .debug_abbrev */
    uint64_t str_offsets, addr; /* bases for DWARF 5's indices */
    uint8_t version, address_size, offset_size;
};

struct dwarf_abbreviation {
    uint64_t code;
    uint32_t tag;
    bool children;
    uint32_t at; /* offset of its attribute list in .debug_abbrev */
};
struct dwarf_table {
    uint64_t offset;
    VEC(struct dwarf_abbreviation) list; /* by code */
};

struct dwarf {
    struct bytes info, abbrev, str, line_str, str_offsets, addr;
    VEC(struct dwarf_unit) units; /* by start */
    VEC(struct dwarf_table) tables;
};

/* An entry: the attributes that types need. */
struct dwarf_entry {
    uint64_t offset, next; /* where it lies; behind its attributes (its children, if any, begin there) */
    const struct dwarf_unit *unit;
    uint32_t tag; /* 0: the end of a list of children */
    bool children, declaration, has_size, has_location, has_count, has_upper, has_bit_size, has_data_bit_offset, has_bit_offset,
        has_const, has_address;
    const char *name;
    uint64_t type; /* offset of its type's entry; 0: none */
    uint64_t specification; /* of what it completes */
    uint64_t size, location, count, upper, bit_size, data_bit_offset, bit_offset, address;
    uint32_t encoding;
    int64_t constant;
};

/* Finds the sections and units; an image without any has no units. */
void dwarf_open(struct dwarf *d, const uint8_t *file, size_t size);
void dwarf_close(struct dwarf *d);
const struct dwarf_unit *dwarf_unit_at(const struct dwarf *d, uint64_t offset);
/* False: damaged, or the end of the unit. */
bool dwarf_read(struct dwarf *d, const struct dwarf_unit *unit, uint64_t offset, struct dwarf_entry *out);
/* Behind an entry and all that is inside it; false: damaged. */
bool dwarf_skip(struct dwarf *d, const struct dwarf_entry *e, uint64_t *next);

enum {
    DW_TAG_array_type = 0x01, DW_TAG_class_type = 0x02, DW_TAG_enumeration_type = 0x04, DW_TAG_member = 0x0D,
    DW_TAG_pointer_type = 0x0F, DW_TAG_reference_type = 0x10, DW_TAG_compile_unit = 0x11, DW_TAG_structure_type = 0x13,
    DW_TAG_subroutine_type = 0x15, DW_TAG_typedef = 0x16, DW_TAG_union_type = 0x17, DW_TAG_inheritance = 0x1C,
    DW_TAG_subrange_type = 0x21, DW_TAG_base_type = 0x24, DW_TAG_const_type = 0x26, DW_TAG_enumerator = 0x28,
    DW_TAG_subprogram = 0x2E, DW_TAG_variable = 0x34, DW_TAG_volatile_type = 0x35, DW_TAG_restrict_type = 0x37,
    DW_TAG_namespace = 0x39, DW_TAG_rvalue_reference_type = 0x42
};

#endif
