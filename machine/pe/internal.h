/* What the PE files share: reading little-endian values behind one bounds check. Everything an
 * image says about offsets and counts passes through pe_inside before it is used; sums are made in
 * 64 bits from 32-bit values, so they cannot wrap. */
#ifndef MACHINE_PE_INTERNAL_H
#define MACHINE_PE_INTERNAL_H

#include <string.h>

#include "machine/pe/pe.h"

enum {
    DIRECTORY_EXPORT = 0,
    DIRECTORY_IMPORT = 1,
    DIRECTORY_EXCEPTION = 3,
    DIRECTORY_SECURITY = 4, /* its "rva" is a file offset */
    DIRECTORY_RELOCATION = 5,
    DIRECTORY_LOAD_CONFIG = 10,
    DIRECTORY_COUNT = 16
};

#define PE_RELOCS_STRIPPED 0x0001u
#define PE_EXECUTABLE_IMAGE 0x0002u

/* [offset, offset + bytes) lies inside [0, size). */
static inline bool pe_inside(uint64_t offset, uint64_t bytes, uint64_t size)
{
    return offset <= size && bytes <= size - offset;
}

static inline uint16_t pe_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}
static inline uint32_t pe_get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline uint64_t pe_get64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* `bytes` bytes at rva of a mapped image, or NULL when they are not all inside it. */
static inline const uint8_t *pe_memory_at(const struct pe *pe, const uint8_t *memory, uint64_t rva,
                                          uint64_t bytes)
{
    return pe_inside(rva, bytes, pe->image_size) ? memory + rva : NULL;
}

/* The same of the unmapped file: only bytes that the file really holds for that rva. */
const uint8_t *pe_file_at(const struct pe *pe, uint64_t rva, uint64_t bytes);

/* The NUL-terminated string at rva of a mapped image; NULL unless it ends within the image and
 * `limit` and holds printable ASCII only (names go into messages). */
const char *pe_text_at(const struct pe *pe, const uint8_t *memory, uint64_t rva, size_t limit);

#endif
