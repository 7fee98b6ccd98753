/* What a kind of debug information does for types.h. Each reader's own structure begins with struct types. */
#ifndef DEBUG_TYPES_READER_H
#define DEBUG_TYPES_READER_H

#include "debug/types.h"

struct types_reader {
    bool (*any)(struct types *t);
    type_id (*find)(struct types *t, const char *name); /* this spelling alone */
    void (*describe)(struct types *t, type_id type, struct type_info *out);
    bool (*field)(struct types *t, type_id type, unsigned index, struct type_field *out);
    const char *(*enumerator)(struct types *t, type_id type, int64_t value);
    bool (*variable)(struct types *t, const char *name, uint64_t *address, type_id *type);
    const char *(*match)(struct types *t, const char *pattern, unsigned index);
    void (*close)(struct types *t);
};

struct types {
    const struct types_reader *reader;
};

#endif
