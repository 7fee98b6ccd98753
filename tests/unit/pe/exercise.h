/*
 * Everything that machine/pe does, over bytes that may be anything: for the fuzz target and for the
 * damage replay of the unit tests. Memory comes in exactly the sizes promised, so that sanitizers
 * see each step beyond. Returns how far it got: 0 refused by pe_parse, 1 by pe_map, 2 by pe_bind, 3
 * all the way.
 */
#ifndef TESTS_UNIT_PE_EXERCISE_H
#define TESTS_UNIT_PE_EXERCISE_H

#include <stdlib.h>
#include <string.h>

#include "machine/pe/pe.h"

#define EXERCISE_BASE 0xFFFFF80001000000ull
#define EXERCISE_IMAGE_LIMIT 0x200000u /* larger ones only cost time */
#define EXERCISE_FRAMES 12u

struct exercise {
    const struct pe *pe;
    uint64_t seed;
    unsigned checksum; /* of what was read: keeps the compiler from leaving out the reads */
};

static inline uint64_t exercise_next(struct exercise *x)
{
    uint64_t z = (x->seed += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    return z ^ (z >> 31);
}

static inline bool exercise_import(void *context, const char *module, const char *symbol,
                                   uint16_t ordinal, uint64_t *out, struct error *e)
{
    struct exercise *x = context;
    (void)e;
    x->checksum += (unsigned)strlen(module) + (symbol ? (unsigned)strlen(symbol) : ordinal);
    *out = exercise_next(x);
    return true;
}

/* A stack of random words, every other one an address in the image, so that walks go on. */
static inline bool exercise_read(void *context, uint64_t address, void *out, size_t n)
{
    struct exercise *x = context;
    uint64_t word = exercise_next(x) ^ address;
    if (word & 1)
        word = EXERCISE_BASE + (word >> 8) % x->pe->image_size;
    memcpy(out, &word, n < sizeof word ? n : sizeof word);
    return (word & 0xFF0) != 0xFF0;
}

static inline void exercise_each(void *context, const char *symbol, uint32_t ordinal, uint32_t rva)
{
    struct exercise *x = context;
    if (rva >= x->pe->image_size)
        abort();
    x->checksum += (symbol ? (unsigned)strlen(symbol) : 0) + ordinal + rva;
}

static inline void exercise_unwind(struct exercise *x, uint32_t rva)
{
    struct pe_frame f = {.rip = EXERCISE_BASE + rva};
    for (unsigned i = 0; i < 16; i++)
        f.gpr[i] = exercise_next(x);
    uint32_t start, end;
    if (pe_function(x->pe, rva, &start, &end) && (rva < start || rva >= end))
        abort();
    for (unsigned i = 0; i < EXERCISE_FRAMES; i++)
        if (!pe_unwind(x->pe, EXERCISE_BASE, &f, exercise_read, x))
            break;
}

static inline int exercise_image(const uint8_t *data, size_t size, uint64_t seed)
{
    struct pe pe;
    struct error e = {0};
    if (!pe_parse("input", data, size, &pe, &e)) {
        if (e.kind != ERROR_INPUT || strncmp(e.text, "input: ", 7) != 0 ||
            strchr(e.text, '\n') != NULL)
            abort();
        return 0;
    }
    if (pe.image_size > EXERCISE_IMAGE_LIMIT)
        return 0;
    struct exercise x = {&pe, seed, 0};
    uint8_t *memory = malloc(pe.image_size);
    int reached = 1;
    if (pe_map(&pe, "input", EXERCISE_BASE, memory, &e)) {
        reached = pe_bind(&pe, "input", memory, exercise_import, &x, &e) ? 3 : 2;
        uint32_t rva;
        const char *forward;
        if (pe_export(&pe, memory, "Beta", 0, &rva, &forward) && forward != NULL)
            x.checksum += (unsigned)strlen(forward);
        pe_export(&pe, memory, NULL, (uint16_t)exercise_next(&x), &rva, &forward);
        pe_export_name(&pe, memory, (uint32_t)exercise_next(&x) % pe.image_size);
        pe_each_export(&pe, memory, exercise_each, &x);
    }
    for (unsigned i = 0; i < 16; i++)
        exercise_unwind(&x, (uint32_t)(exercise_next(&x) % pe.image_size));
    for (unsigned i = 0; i < 16 && pe.section_count > 0;
         i++) /* the first section is the code, normally */
        exercise_unwind(&x, pe.sections[0].rva +
                                (uint32_t)(exercise_next(&x) % pe.sections[0].virtual_size));
    free(memory);
    if (reached < 3 && (e.kind != ERROR_INPUT || strncmp(e.text, "input: ", 7) != 0))
        abort();
    return reached;
}

#endif
