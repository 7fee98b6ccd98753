/*
 * Exports of a mapped image. The tables are read from guest memory, where a driver may have
 * scribbled: what does not make sense any more is simply not exported. Names are searched binarily,
 * as linkers sort them, and one by one when that finds nothing, since the order is nobody's promise
 * to us.
 */
#include "machine/pe/internal.h"

#include <stdlib.h>

#define NAME_LIMIT 4096u

struct exports {
    const struct pe *pe;
    const uint8_t *memory;
    uint32_t ordinal_base, function_count, name_count;
    const uint8_t *functions, *names, *ordinals; /* whole tables inside the image, or count is 0 */
};

static bool open_exports(const struct pe *pe, const uint8_t *memory, struct exports *x)
{
    struct pe_directory d = pe->directories[DIRECTORY_EXPORT];
    const uint8_t *p = d.size >= 40 ? pe_memory_at(pe, memory, d.rva, 40) : NULL;
    if (p == NULL)
        return false;
    *x = (struct exports){pe,   memory, pe_get32(p + 16), pe_get32(p + 20), pe_get32(p + 24), NULL,
                          NULL, NULL};
    x->functions = pe_memory_at(pe, memory, pe_get32(p + 28), (uint64_t)x->function_count * 4);
    x->names = pe_memory_at(pe, memory, pe_get32(p + 32), (uint64_t)x->name_count * 4);
    x->ordinals = pe_memory_at(pe, memory, pe_get32(p + 36), (uint64_t)x->name_count * 2);
    if (x->functions == NULL)
        return false;
    if (x->names == NULL || x->ordinals == NULL)
        x->name_count = 0;
    return true;
}

/* The function table's entry: false when there is none or it is empty. */
static bool entry_at(const struct exports *x, uint32_t index, uint32_t *rva, const char **forward)
{
    if (index >= x->function_count)
        return false;
    uint32_t value = pe_get32(x->functions + (uint64_t)index * 4);
    if (value == 0 || value >= x->pe->image_size)
        return false;
    struct pe_directory d = x->pe->directories[DIRECTORY_EXPORT];
    bool forwarded = value >= d.rva && value - d.rva < d.size;
    *rva = forwarded ? 0 : value;
    *forward = forwarded ? pe_text_at(x->pe, x->memory, value, NAME_LIMIT) : NULL;
    return !forwarded || *forward != NULL;
}

static const char *name_at(const struct exports *x, uint32_t i)
{
    return pe_text_at(x->pe, x->memory, pe_get32(x->names + (uint64_t)i * 4), NAME_LIMIT);
}

static bool find_name(const struct exports *x, const char *symbol, uint32_t *found)
{
    uint32_t low = 0, high = x->name_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const char *name = name_at(x, middle);
        int order = name != NULL ? strcmp(symbol, name) : -1;
        if (order == 0) {
            *found = middle;
            return true;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    for (uint32_t i = 0; i < x->name_count; i++) {
        const char *name = name_at(x, i);
        if (name != NULL && strcmp(symbol, name) == 0) {
            *found = i;
            return true;
        }
    }
    return false;
}

static uint32_t ordinal_index(const struct exports *x, uint32_t name)
{
    return pe_get16(x->ordinals + (uint64_t)name * 2);
}

bool pe_export(const struct pe *pe, const uint8_t *memory, const char *symbol, uint16_t ordinal,
               uint32_t *rva_out, const char **forward_out)
{
    struct exports x;
    *rva_out = 0;
    *forward_out = NULL;
    if (!open_exports(pe, memory, &x))
        return false;
    uint32_t index;
    if (symbol != NULL) {
        uint32_t name;
        if (!find_name(&x, symbol, &name))
            return false;
        index = ordinal_index(&x, name);
    } else {
        if (ordinal < x.ordinal_base)
            return false;
        index = ordinal - x.ordinal_base;
    }
    return entry_at(&x, index, rva_out, forward_out);
}

const char *pe_export_name(const struct pe *pe, const uint8_t *memory, uint32_t rva)
{
    struct exports x;
    if (!open_exports(pe, memory, &x))
        return NULL;
    for (uint32_t i = 0; i < x.name_count; i++) {
        uint32_t value;
        const char *forward;
        if (entry_at(&x, ordinal_index(&x, i), &value, &forward) && forward == NULL && value == rva)
            return name_at(&x, i);
    }
    return NULL;
}

/* Named exports in the order of the name table, then the nameless ones by ordinal (symbol NULL). A
 * forwarder has rva 0. */
void pe_each_export(const struct pe *pe, const uint8_t *memory, pe_export_fn fn, void *context)
{
    struct exports x;
    if (!open_exports(pe, memory, &x) || x.function_count == 0)
        return;
    uint8_t *named = calloc(x.function_count, 1);
    RD_ASSERT(named != NULL);
    uint32_t rva;
    const char *forward;
    for (uint32_t i = 0; i < x.name_count; i++) {
        uint32_t index = ordinal_index(&x, i);
        const char *name = name_at(&x, i);
        if (name == NULL || !entry_at(&x, index, &rva, &forward))
            continue;
        named[index] = 1;
        fn(context, name, x.ordinal_base + index, rva);
    }
    for (uint32_t index = 0; index < x.function_count; index++)
        if (!named[index] && entry_at(&x, index, &rva, &forward))
            fn(context, NULL, x.ordinal_base + index, rva);
    free(named);
}
