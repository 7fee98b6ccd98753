/* 128-bit content hashes (XXH3), for file identity, memory and event traces. Not cryptographic: they
 * tell "the same" from "changed", not friend from foe. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash128 {
    uint64_t low, high;
};

struct hash128 hash_bytes(const void *data, size_t size);
/* Order-dependent combination: chain(h, x) != chain(x, h). */
struct hash128 hash_chain(struct hash128 h, const void *data, size_t size);
bool hash_equal(struct hash128 a, struct hash128 b);

#define HASH_TEXT 33
/* 32 lower-case hexadecimal digits and a NUL. */
void hash_text(struct hash128 h, char out[HASH_TEXT]);
bool hash_parse(const char *text, struct hash128 *out);

#endif
