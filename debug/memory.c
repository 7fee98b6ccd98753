/*
 * What commands see of memory. A debugger looks where a driver may not: freed pool and dead stack are shown as they are;
 * what is not mapped, or no longer, is not there.
 */
#include <inttypes.h>
#include <string.h>

#include "abi/shadow.h"
#include "debug/debugger.h"
#include "machine/arena.h"

static bool granule_readable(gva_t a)
{
    if (!arena_contains(a & ~7ull, 8))
        return false;
    uint8_t s = *arena_shadow(a);
    return s != RD_SHADOW_UNMAPPED && s != RD_SHADOW_UNLOADED && s != RD_SHADOW_MISSING && s != RD_SHADOW_IMAGE_HOLE;
}

bool debug_read(const struct debugger *d, gva_t a, void *out, size_t bytes)
{
    (void)d;
    if (bytes == 0 || a + bytes < a)
        return bytes == 0;
    for (gva_t g = a & ~7ull; g < a + bytes; g += 8)
        if (!granule_readable(g))
            return false;
    memcpy(out, arena_host(a), bytes);
    return true;
}

bool debug_read8(const struct debugger *d, gva_t a, uint8_t *out)
{
    return debug_read(d, a, out, sizeof *out);
}

bool debug_read16(const struct debugger *d, gva_t a, uint16_t *out)
{
    return debug_read(d, a, out, sizeof *out);
}

bool debug_read32(const struct debugger *d, gva_t a, uint32_t *out)
{
    return debug_read(d, a, out, sizeof *out);
}

bool debug_read64(const struct debugger *d, gva_t a, uint64_t *out)
{
    return debug_read(d, a, out, sizeof *out);
}

bool debug_read_unicode(const struct debugger *d, gva_t a, char *out, size_t size)
{
    uint16_t bytes, unit;
    gva_t buffer;
    if (size == 0 || !debug_read16(d, a, &bytes) || !debug_read64(d, a + 8, &buffer))
        return false;
    size_t n = 0;
    for (uint16_t i = 0; i + 1 < bytes && n + 1 < size; i += 2) {
        if (!debug_read16(d, buffer + i, &unit))
            return false;
        out[n++] = unit >= 32 && unit < 127 ? (char)unit : '?';
    }
    out[n] = '\0';
    return true;
}

const char *debug_address(uint64_t a, char out[DEBUG_ADDRESS])
{
    snprintf(out, DEBUG_ADDRESS, "%08" PRIx32 "`%08" PRIx32, (uint32_t)(a >> 32), (uint32_t)a);
    return out;
}

static const char *symbol(struct debugger *d, gva_t a, bool is_return, char out[DEBUG_SYMBOL])
{
    struct symbol y;
    symbols_find(d->symbols, a - is_return, is_return, &y);
    y.file[0] = '\0';
    if (y.module[0] == '\0')
        debug_address(a, out);
    else
        symbol_text(&y, out, DEBUG_SYMBOL);
    return out;
}

const char *debug_symbol(struct debugger *d, gva_t a, char out[DEBUG_SYMBOL])
{
    return symbol(d, a, false, out);
}

const char *debug_symbol_return(struct debugger *d, gva_t a, char out[DEBUG_SYMBOL])
{
    return symbol(d, a, true, out);
}
