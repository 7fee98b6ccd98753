/*
 * Mapping: headers and sections to their places, then base relocations. x64 images use two
 * relocation types, ABSOLUTE (padding) and DIR64; any other is refused by its number. The
 * relocation table is read from the mapped image and may relocate itself, so each read checks its
 * bounds anew.
 *
 * The loader's other duty to a fresh image is the security cookie that the load configuration
 * points to: code built with /GS for NT 6.2 and later stops itself when it still finds the linker's
 * default. Ours is a function of the base, so runs stay equal.
 */
#include "machine/pe/internal.h"

#define RELOCATION_ABSOLUTE 0u
#define RELOCATION_DIR64 10u
#define DEFAULT_COOKIE 0x00002B992DDFA232ull
#define COOKIE_FIELD 88u /* of IMAGE_LOAD_CONFIG_DIRECTORY64 */

static bool relocate_block(const struct pe *pe, const char *name, uint8_t *memory, uint64_t at,
                           uint32_t block_bytes, uint64_t delta, struct error *e)
{
    uint32_t page = pe_get32(memory + at);
    for (uint32_t i = 8; i + 2 <= block_bytes; i += 2) {
        uint16_t entry = pe_get16(memory + at + i);
        unsigned type = entry >> 12;
        uint64_t target = (uint64_t)page + (entry & 0xFFF);
        if (type == RELOCATION_ABSOLUTE)
            continue;
        if (type != RELOCATION_DIR64)
            return error_set(
                e, ERROR_INPUT,
                "%s: relocation type %u at 0x%llx; x64 images have types 0 and 10 only", name, type,
                (unsigned long long)target);
        if (!pe_inside(target, 8, pe->image_size))
            return error_set(e, ERROR_INPUT,
                             "%s: relocation of 0x%llx, outside the image of 0x%x bytes", name,
                             (unsigned long long)target, pe->image_size);
        uint64_t value = pe_get64(memory + target) + delta;
        memcpy(memory + target, &value, sizeof value);
    }
    return true;
}

static bool relocate(const struct pe *pe, const char *name, uint64_t base, uint8_t *memory,
                     struct error *e)
{
    uint64_t delta = base - pe->preferred_base;
    if (delta == 0)
        return true;
    struct pe_directory d = pe->directories[DIRECTORY_RELOCATION];
    if (pe->characteristics & PE_RELOCS_STRIPPED)
        return error_set(
            e, ERROR_INPUT,
            "%s: has no relocations, so it loads only at 0x%llx; link it with relocations "
            "(/DYNAMICBASE, --dynamicbase)",
            name, (unsigned long long)pe->preferred_base);
    uint64_t at = d.rva, end = (uint64_t)d.rva + d.size;
    while (end - at >= 8) {
        uint32_t bytes = pe_get32(memory + at + 4);
        if (bytes == 0 && pe_get32(memory + at) == 0)
            break; /* zero padding behind the last block */
        if (bytes < 8 || bytes > end - at)
            return error_set(
                e, ERROR_INPUT,
                "%s: relocation block at 0x%llx says 0x%x bytes; 8 to 0x%llx are possible", name,
                (unsigned long long)at, bytes, (unsigned long long)(end - at));
        if (!relocate_block(pe, name, memory, at, bytes, delta, e))
            return false;
        at += bytes;
    }
    return true;
}

static void set_cookie(const struct pe *pe, uint64_t base, uint8_t *memory)
{
    struct pe_directory d = pe->directories[DIRECTORY_LOAD_CONFIG];
    const uint8_t *size = pe_memory_at(pe, memory, d.rva, 4);
    if (d.size == 0 || size == NULL || pe_get32(size) < COOKIE_FIELD + 8)
        return;
    const uint8_t *field = pe_memory_at(pe, memory, (uint64_t)d.rva + COOKIE_FIELD, 8);
    if (field == NULL)
        return;
    uint64_t rva = pe_get64(field) - base; /* a relocated pointer */
    if (!pe_inside(rva, 8, pe->image_size) || pe_get64(memory + rva) != DEFAULT_COOKIE)
        return;
    /* The upper 16 bits of a cookie are zero, so that a string overflow cannot reproduce it. */
    uint64_t cookie = (DEFAULT_COOKIE ^ (base * 0x9E3779B97F4A7C15ull)) & 0x0000FFFFFFFFFFFFull;
    if (cookie == DEFAULT_COOKIE || cookie == 0)
        cookie ^= 0x5A5A;
    memcpy(memory + rva, &cookie, sizeof cookie);
}

bool pe_map(const struct pe *pe, const char *name, uint64_t base, uint8_t *memory, struct error *e)
{
    memset(memory, 0, pe->image_size);
    memcpy(memory, pe->file, pe->header_size);
    for (unsigned i = 0; i < pe->section_count; i++) {
        const struct pe_section *s = &pe->sections[i];
        uint32_t bytes = s->file_size < s->virtual_size ? s->file_size : s->virtual_size;
        memcpy(memory + s->rva, pe->file + s->file_offset, bytes);
    }
    if (!relocate(pe, name, base, memory, e))
        return false;
    set_cookie(pe, base, memory);
    return true;
}
