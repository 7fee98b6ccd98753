/* Debug information of a driver's file: every type by name, its fields, and a variable. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "debug/types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *file = malloc(size > 0 ? size : 1); /* exactly as long as the input, so that a byte too many is seen */
    memcpy(file, data, size);
    struct types *t = types_open(file, size);
    const char *name;
    for (unsigned i = 0; i < 64 && (name = types_match(t, "*", i)) != NULL; i++) {
        struct type_info info;
        struct type_field f;
        type_id type = types_find(t, name);
        types_describe(t, type, &info);
        for (unsigned k = 0; k < 64 && types_field(t, type, k, &f); k++)
            types_describe(t, f.type, &info);
        types_path(t, type, "A.B[3].C", &f);
        types_enumerator(t, type, 1);
    }
    uint64_t address;
    type_id type;
    types_variable(t, "Lock", &address, &type);
    types_close(t);
    free(file);
    return 0;
}
