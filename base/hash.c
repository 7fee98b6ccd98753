/* Content hashes through libxxhash. */
#include "base/hash.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

struct hash128 hash_bytes(const void *data, size_t size)
{
    XXH128_hash_t h = XXH3_128bits(data, size);
    return (struct hash128){h.low64, h.high64};
}

struct hash128 hash_chain(struct hash128 h, const void *data, size_t size)
{
    XXH128_hash_t x = XXH3_128bits_withSeed(data, size, h.low ^ (h.high << 1 | h.high >> 63));
    return (struct hash128){x.low64 ^ h.high, x.high64 + h.low};
}

bool hash_equal(struct hash128 a, struct hash128 b)
{
    return a.low == b.low && a.high == b.high;
}

void hash_text(struct hash128 h, char out[HASH_TEXT])
{
    snprintf(out, HASH_TEXT, "%016llx%016llx", (unsigned long long)h.high, (unsigned long long)h.low);
}

bool hash_parse(const char *text, struct hash128 *out)
{
    uint64_t words[2] = {0, 0};
    if (text == NULL || strlen(text) != 32)
        return false;
    for (int i = 0; i < 32; i++) {
        const char *digits = "0123456789abcdef";
        const char *at = strchr(digits, text[i]);
        if (at == NULL)
            return false;
        words[i / 16] = words[i / 16] << 4 | (uint64_t)(at - digits);
    }
    *out = (struct hash128){words[1], words[0]};
    return true;
}
