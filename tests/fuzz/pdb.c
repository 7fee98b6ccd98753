/* A PDB: functions and lines of addresses, every name, every type with its fields. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "debug/pdb.h"
#include "debug/types.h"
#include "machine/pe/pe.h"

static void ignore_name(void *context, uint32_t rva, const char *name)
{
    *(uint64_t *)context += rva + strlen(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct pe pe = {
        .preferred_base = 0x140000000,
        .section_count = 3,
        .sections = {{.rva = 0x1000, .virtual_size = 0x1000}, {.rva = 0x2000, .virtual_size = 0x1000}, {.rva = 0x3000, .virtual_size = 0x100}},
    };
    uint8_t *file = malloc(size > 0 ? size : 1); /* exactly as long as the input, so that a byte too many is seen */
    struct pdb *p;
    struct error e = {0};
    uint64_t sum = 0;
    memcpy(file, data, size);
    if (pdb_open(file, size, &pe, &p, &e)) {
        struct pdb_place chain[PDB_CHAIN];
        const char *name;
        for (uint32_t rva = 0x1000; rva < 0x1100; rva += 3)
            pdb_chain(p, rva, chain);
        pdb_public(p, 0x1800);
        pdb_each_name(p, ignore_name, &sum);
        struct types *t = types_open_pdb(p);
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
        types_variable(t, "Global", &address, &type);
        types_close(t);
        pdb_close(p);
    }
    free(file);
    return 0;
}
