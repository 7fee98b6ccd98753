/*
 * Types and variables of an image, from the DWARF (versions 2 to 5) that the compiler left in its file, or from a PDB. This is
 * where every offset into a guest structure comes from: the host keeps none of its own. Either file is a driver's, so
 * hostile: whatever is wrong in it makes a type unknown, never a read out of bounds or an endless walk.
 */
#ifndef DEBUG_TYPES_H
#define DEBUG_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct types;
struct pdb;

/* What a name or a field's type stands for: where its entry lies in the debug information; 0: unknown, or void. */
typedef uint64_t type_id;

enum type_kind {
    TYPE_VOID,
    TYPE_INTEGER, /* also characters and booleans */
    TYPE_FLOAT,
    TYPE_ENUM,
    TYPE_POINTER,
    TYPE_FUNCTION,
    TYPE_ARRAY,
    TYPE_STRUCT,  /* class or union too */
    TYPE_UNKNOWN
};

struct type_info {
    enum type_kind kind;
    bool is_signed, is_character;
    char name[80];  /* of a structure, enumeration or base type; "" when it has none */
    uint64_t size;
    type_id target; /* what a pointer points to, an array consists of */
    uint64_t count; /* elements of an array */
};

struct type_field {
    char name[80]; /* "" of an anonymous structure or union: its fields follow as fields of the outer one */
    uint64_t offset;
    type_id type;
    unsigned bit_position, bit_count; /* bit_count 0: no bit field */
};

/* Never NULL; an image without debug information has no types. The file must outlive it. */
struct types *types_open(const uint8_t *file, size_t size);
/* Those of a PDB, which must outlive it. */
struct types *types_open_pdb(struct pdb *p);
void types_close(struct types *t);
bool types_any(struct types *t);

/* A structure, union, enumeration or typedef by name, with or without a leading underscore or "struct". 0: none. */
type_id types_find(struct types *t, const char *name);
/* Typedefs, const and volatile are looked through. */
void types_describe(struct types *t, type_id type, struct type_info *out);
/* Field number `index` of a structure; fields of anonymous members come as if they were its own. False: no more. */
bool types_field(struct types *t, type_id type, unsigned index, struct type_field *out);
/* "Rd.state", "MajorFunction[14]": the field at the end of the path, its offset from the start. */
bool types_path(struct types *t, type_id type, const char *path, struct type_field *out);
/* Name of an enumeration's value; NULL: none. */
const char *types_enumerator(struct types *t, type_id type, int64_t value);
/* A variable with a fixed address; the address is one of the image's preferred base. */
bool types_variable(struct types *t, const char *name, uint64_t *address, type_id *type);
/* Names that match a pattern with '*', in order; NULL behind the last. */
const char *types_match(struct types *t, const char *pattern, unsigned index);

#endif
