/*
 * Binding: each import of a mapped image is offered to the caller and the answer stored into its
 * slot of the import address table. Symbols are read from the look-up table (OriginalFirstThunk)
 * where there is one, else from the slots themselves, which hold the same until they are
 * overwritten.
 *
 * Stores into slots change the memory that is being read, and a hostile image can let anything
 * overlap: so every access is checked against the image when it happens, and the module's name is
 * copied first.
 */
#include "machine/pe/internal.h"

#include <stdio.h>

#define DESCRIPTOR_SIZE 20u
#define MODULE_LIMIT 256u
#define SYMBOL_LIMIT 4096u
/* Overlapping tables could make a small file ask for billions of imports. */
#define MODULES_LIMIT 1024u
#define IMPORTS_LIMIT 65536u

struct binding {
    const struct pe *pe;
    const char *name;
    uint8_t *memory;
    pe_import_fn import;
    void *context;
    uint32_t count;
};

static bool bind_one(struct binding *b, const char *module, uint64_t thunk, uint64_t *address,
                     struct error *e)
{
    if (thunk >> 63) {
        if (thunk & 0x7FFFFFFFFFFF0000ull)
            return error_set(e, ERROR_INPUT,
                             "%s: import from %s by ordinal 0x%llx; 16 bits are wanted", b->name,
                             module, (unsigned long long)(thunk & 0x7FFFFFFFFFFFFFFFull));
        return b->import(b->context, module, NULL, (uint16_t)thunk, address, e);
    }
    /* A 2-byte hint, then the name. */
    const char *symbol =
        thunk <= 0xFFFFFFFFull ? pe_text_at(b->pe, b->memory, thunk + 2, SYMBOL_LIMIT) : NULL;
    if (symbol == NULL)
        return error_set(e, ERROR_INPUT, "%s: import from %s has no readable name at 0x%llx",
                         b->name, module, (unsigned long long)thunk);
    return b->import(b->context, module, symbol, 0, address, e);
}

static bool bind_module(struct binding *b, const char *module, uint64_t lookup, uint64_t slot,
                        struct error *e)
{
    for (;; lookup += 8, slot += 8) {
        const uint8_t *p = pe_memory_at(b->pe, b->memory, lookup, 8);
        if (p == NULL || !pe_inside(slot, 8, b->pe->image_size))
            return error_set(e, ERROR_INPUT,
                             "%s: the imports from %s run out of the image at 0x%llx", b->name,
                             module, (unsigned long long)(p == NULL ? lookup : slot));
        uint64_t thunk = pe_get64(p), address = 0;
        if (thunk == 0)
            return true;
        if (++b->count > IMPORTS_LIMIT)
            return error_set(e, ERROR_INPUT, "%s: more than %u imports", b->name, IMPORTS_LIMIT);
        if (!bind_one(b, module, thunk, &address, e))
            return false;
        memcpy(b->memory + slot, &address, sizeof address);
    }
}

bool pe_bind(const struct pe *pe, const char *name, uint8_t *memory, pe_import_fn import,
             void *context, struct error *e)
{
    struct binding b = {pe, name, memory, import, context, 0};
    struct pe_directory d = pe->directories[DIRECTORY_IMPORT];
    if (d.size == 0)
        return true;
    uint64_t at = d.rva;
    for (unsigned modules = 0;; modules++, at += DESCRIPTOR_SIZE) {
        const uint8_t *p = pe_memory_at(pe, memory, at, DESCRIPTOR_SIZE);
        if (p == NULL)
            return error_set(e, ERROR_INPUT, "%s: the import table runs out of the image at 0x%llx",
                             name, (unsigned long long)at);
        uint32_t lookup = pe_get32(p), name_rva = pe_get32(p + 12), slots = pe_get32(p + 16);
        if (name_rva == 0 || slots == 0)
            return true; /* the terminator */
        if (modules == MODULES_LIMIT)
            return error_set(e, ERROR_INPUT, "%s: imports from more than %u modules", name,
                             MODULES_LIMIT);
        const char *text = pe_text_at(pe, memory, name_rva, MODULE_LIMIT);
        if (text == NULL)
            return error_set(e, ERROR_INPUT, "%s: an imported module has no readable name at 0x%x",
                             name, name_rva);
        char module[MODULE_LIMIT];
        snprintf(module, sizeof module, "%s", text);
        if (!bind_module(&b, module, lookup != 0 ? lookup : slots, slots, e))
            return false;
    }
}
