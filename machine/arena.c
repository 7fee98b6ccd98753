/*
 * Guest memory: one host mapping for each range of the address map, with its shadow, share cells and
 * dirty bytes at the fixed places that generated code computes (machine/arena.h). The mappings are
 * made once a process; a reset only returns their contents to the start.
 */
#include "machine/arena.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/shadow.h"
#include "machine/arena_internal.h"

const struct arena_range arena_ranges[ARENA_RANGES] = {
    {RD_SHARED_DATA_BASE, RD_SHARED_DATA_SIZE},
    {RD_IMAGE_BASE, RD_IMAGE_SIZE},
    {RD_SYSTEM_BASE, RD_SYSTEM_SIZE},
    {RD_POOL_BASE, RD_POOL_SIZE},
    {RD_USER_BASE, RD_USER_SIZE},
};

static bool arena_mapped;
/* Pages that the host maps read-only, one bit array over all ranges. */
static uint8_t arena_readonly[(RD_SHARED_DATA_SIZE + RD_IMAGE_SIZE + RD_SYSTEM_SIZE + RD_POOL_SIZE +
                               RD_USER_SIZE) / RD_PAGE];

static bool map_at(void *address, size_t size, struct error *e)
{
    size = (size + RD_PAGE - 1) & ~(RD_PAGE - 1);
    void *got = mmap(address, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (got == address)
        return true;
    if (got != MAP_FAILED)
        munmap(got, size);
    return error_set(e, ERROR_INTERNAL, "cannot reserve guest memory at %p: %s", address,
                     got == MAP_FAILED ? strerror(errno) : "address taken");
}

bool arena_create(struct error *e)
{
    RD_ASSERT(!arena_mapped);
    for (unsigned i = 0; i < ARENA_RANGES; i++) {
        const struct arena_range *r = &arena_ranges[i];
        if (!map_at(arena_host(r->base), r->size, e) ||
            !map_at(arena_shadow(r->base), r->size / 8, e) ||
            !map_at(arena_share(r->base), r->size / 8, e) ||
            !map_at(arena_dirty(r->base), r->size / RD_PAGE, e))
            return false;
        /* All of it is written here: a few large pages are had much sooner than thousands of small ones. Advice may be refused. */
        madvise(arena_shadow(r->base), r->size / 8, MADV_HUGEPAGE);
        memset(arena_shadow(r->base), RD_SHADOW_UNMAPPED, r->size / 8);
    }
    arena_mapped = true;
    arena_snapshot_create();
    return true;
}

static void unmap_at(void *address, size_t size)
{
    munmap(address, (size + RD_PAGE - 1) & ~(RD_PAGE - 1));
}

void arena_destroy(void)
{
    if (!arena_mapped)
        return;
    arena_snapshot_destroy();
    for (unsigned i = 0; i < ARENA_RANGES; i++) {
        const struct arena_range *r = &arena_ranges[i];
        unmap_at(arena_host(r->base), r->size);
        unmap_at(arena_shadow(r->base), r->size / 8);
        unmap_at(arena_share(r->base), r->size / 8);
        unmap_at(arena_dirty(r->base), r->size / RD_PAGE);
    }
    memset(arena_readonly, 0, sizeof arena_readonly);
    arena_mapped = false;
}

const struct arena_range *arena_range_of(gva_t a, uint64_t n, uint64_t *first_page_out)
{
    uint64_t pages = 0;
    for (unsigned i = 0; i < ARENA_RANGES; i++) {
        const struct arena_range *r = &arena_ranges[i];
        if (a >= r->base && a - r->base < r->size && n <= r->size - (a - r->base)) {
            if (first_page_out != NULL)
                *first_page_out = pages + (a - r->base) / RD_PAGE;
            return r;
        }
        pages += r->size / RD_PAGE;
    }
    return NULL;
}

bool arena_contains(gva_t a, uint64_t n)
{
    return arena_range_of(a, n, NULL) != NULL;
}

/* One byte is valid when its granule is, or when it lies within the valid head of a partial granule. */
static bool byte_valid(gva_t a)
{
    uint8_t code = *arena_shadow(a);
    if (code == RD_SHADOW_PAGED_TAIL)
        code = *(const uint8_t *)arena_host((a & ~7ull) + 8);
    return code == RD_SHADOW_PAGED_POOL || code == RD_SHADOW_PAGED_IMAGE || code == RD_SHADOW_VALID || code == RD_SHADOW_STACK ||
           code == RD_SHADOW_FRAME || (code < 8 && (a & 7) < code);
}

bool arena_valid(gva_t a, uint64_t n)
{
    if (n == 0 || !arena_contains(a, n))
        return n == 0;
    for (uint64_t i = 0; i < n; i += 8 - ((a + i) & 7)) {
        uint64_t last = i + (7 - ((a + i) & 7));
        if (last >= n)
            last = n - 1;
        if (!byte_valid(a + last)) /* heads are valid first: the last byte decides */
            return false;
    }
    return true;
}

bool arena_read(gva_t a, void *out, size_t n)
{
    if (!arena_valid(a, n))
        return false;
    memcpy(out, arena_host(a), n);
    return true;
}

void arena_mark(gva_t a, uint64_t n)
{
    for (gva_t page = a & ~(RD_PAGE - 1); page < a + n; page += RD_PAGE)
        *arena_dirty(page) = 1;
    arena_mark_used(a, n);
}

void arena_poke(gva_t a, const void *data, size_t n)
{
    uint64_t page;
    RD_ASSERT(arena_range_of(a, n, &page) != NULL);
    uint64_t last = page + ((a & (RD_PAGE - 1)) + n - 1) / RD_PAGE;
    for (uint64_t p = page, i = 0; p <= last; p++, i++) {
        gva_t at = (a & ~(RD_PAGE - 1)) + i * RD_PAGE;
        if (arena_readonly[p])
            mprotect(arena_host(at), RD_PAGE, PROT_READ | PROT_WRITE);
    }
    if (data != NULL)
        memcpy(arena_host(a), data, n);
    else
        memset(arena_host(a), 0, n);
    for (uint64_t p = page, i = 0; p <= last; p++, i++) {
        gva_t at = (a & ~(RD_PAGE - 1)) + i * RD_PAGE;
        if (arena_readonly[p])
            mprotect(arena_host(at), RD_PAGE, PROT_READ);
    }
    arena_mark(a, n);
}

bool arena_write(gva_t a, const void *data, size_t n)
{
    if (n == 0)
        return true;
    if (!arena_valid(a, n))
        return false;
    arena_poke(a, data, n);
    return true;
}

bool arena_read_text(gva_t a, char *out, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!arena_read(a + i, &out[i], 1)) {
            out[i] = '\0';
            return false;
        }
        if (out[i] == '\0')
            return true;
    }
    out[size - 1] = '\0';
    return false;
}

void arena_set_shadow(gva_t a, uint64_t n, uint8_t code)
{
    RD_ASSERT((a & 7) == 0 && arena_contains(a, n));
    memset(arena_shadow(a), code, n / 8);
    if (n & 7)
        *arena_shadow(a + (n & ~7ull)) = code == RD_SHADOW_VALID ? (uint8_t)(n & 7) : code;
    arena_mark_shadow(a, n);
}

void arena_protect(gva_t a, uint64_t n, bool writable)
{
    uint64_t page;
    RD_ASSERT((a & (RD_PAGE - 1)) == 0 && (n & (RD_PAGE - 1)) == 0 &&
              arena_range_of(a, n, &page) != NULL);
    memset(arena_readonly + page, !writable, n / RD_PAGE);
    int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    RD_ASSERT(n == 0 || mprotect(arena_host(a), n, protection) == 0);
}

struct hash128 arena_hash(void)
{
    static const uint8_t zero[RD_PAGE];
    struct hash128 h = {0, 0};
    for (unsigned i = 0; i < ARENA_RANGES; i++) {
        const struct arena_range *r = &arena_ranges[i];
        for (uint64_t o = 0; o < r->size; o += RD_PAGE) {
            gva_t page = r->base + o;
            if (page >= ARENA_PRIVATE_BASE && page < ARENA_PRIVATE_BASE + ARENA_PRIVATE_SIZE)
                continue;
            if (!arena_snapshot_touched(page) && *arena_dirty(page) == 0)
                continue; /* never written: zero */
            if (memcmp(arena_host(page), zero, RD_PAGE) == 0)
                continue;
            h = hash_chain(h, &page, sizeof page);
            h = hash_chain(h, arena_host(page), RD_PAGE);
        }
    }
    return h;
}
