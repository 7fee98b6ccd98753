/*
 * Snapshots of the arena by dirty pages. A mirror holds every page as it was at the latest push. A push
 * moves the mirror forward and keeps the replaced contents in an undo log; a restore takes dirty pages
 * back from the mirror and then plays the log backwards. Pages are compared with the mirror first and only
 * cache lines that differ are copied. So a push or restore costs what changed, and
 * memory is linear in the depth of the search. (Measured alternatives: fork, mprotect and userfaultfd cost 20 to
 * 300 times as much for a few dozen pages.)
 */
#include <emmintrin.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/shadow.h"
#include "base/vec.h"
#include "machine/arena_internal.h"

#define SHADOW_PAGE (RD_PAGE / 8)

/* What is compared and copied at once. */
#define LINE 64u
#define DIRTY_BLOCK 64u /* dirty bytes looked at together */

/* A line as it was, at its guest address. A page's shadow is a whole number of lines, too; each stands under the address
 * of the page plus its offset in the shadow. */
struct undo {
    gva_t at;
    bool shadow;
    uint8_t bytes[LINE];
};


static struct {
    uint8_t *memory[ARENA_RANGES];       /* mirror */
    uint8_t *shadow[ARENA_RANGES];
    uint8_t *shadow_dirty[ARENA_RANGES]; /* one byte a page, set by arena_set_shadow */
    VEC(gva_t) shadow_pages;             /* those pages */
    uint8_t *touched[ARENA_RANGES];      /* the page has been dirty at some push */
    uint64_t used[ARENA_RANGES];         /* pages from the start of the range that can be dirty at all */
    VEC(struct undo) undo;
    VEC(size_t) marks; /* its end when a push began */
    uint64_t copied;
} snapshot;

static uint8_t *reserve(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    RD_ASSERT(p != MAP_FAILED);
    return p;
}

void arena_snapshot_create(void)
{
    for (unsigned i = 0; i < ARENA_RANGES; i++) {
        uint64_t size = arena_ranges[i].size, pages = size / RD_PAGE;
        snapshot.memory[i] = reserve(size);
        snapshot.shadow[i] = reserve(size / 8 + RD_PAGE);
        madvise(snapshot.shadow[i], size / 8 + RD_PAGE, MADV_HUGEPAGE);
        memset(snapshot.shadow[i], RD_SHADOW_UNMAPPED, size / 8);
        snapshot.shadow_dirty[i] = calloc(pages + 64, 1);
        snapshot.touched[i] = calloc(pages + 64, 1);
        RD_ASSERT(snapshot.shadow_dirty[i] != NULL && snapshot.touched[i] != NULL);
    }
}

void arena_snapshot_destroy(void)
{
    for (unsigned i = 0; i < ARENA_RANGES; i++) {
        munmap(snapshot.memory[i], arena_ranges[i].size);
        munmap(snapshot.shadow[i], arena_ranges[i].size / 8 + RD_PAGE);
        free(snapshot.shadow_dirty[i]);
        free(snapshot.touched[i]);
    }
    vec_free(&snapshot.undo);
    vec_free(&snapshot.shadow_pages);
    vec_free(&snapshot.marks);
    memset(&snapshot, 0, sizeof snapshot);
}

static unsigned range_index(gva_t a)
{
    for (unsigned i = 0; i < ARENA_RANGES; i++)
        if (a - arena_ranges[i].base < arena_ranges[i].size)
            return i;
    RD_ASSERT(!"address outside the arena");
    return 0;
}

static gva_t page_address(unsigned range, uint64_t page)
{
    return arena_ranges[range].base + page * RD_PAGE;
}

bool arena_snapshot_touched(gva_t page)
{
    unsigned i = range_index(page);
    return snapshot.touched[i][(page - arena_ranges[i].base) / RD_PAGE];
}

static void mark_shadow_page(unsigned range, uint64_t page)
{
    if (snapshot.shadow_dirty[range][page])
        return;
    snapshot.shadow_dirty[range][page] = 1;
    vec_push(&snapshot.shadow_pages, page_address(range, page));
}

void arena_mark_shadow(gva_t a, uint64_t n)
{
    if (n == 0)
        return;
    unsigned i = range_index(a);
    uint64_t first = (a - arena_ranges[i].base) / RD_PAGE;
    uint64_t last = (a + n - 1 - arena_ranges[i].base) / RD_PAGE;
    for (uint64_t p = first; p <= last; p++)
        mark_shadow_page(i, p);
    arena_mark_used(a, n); /* memory that becomes valid is memory that the guest may write */
}

/* The host writes there: memory that the guest cannot reach may be dirty too. */
void arena_mark_used(gva_t a, uint64_t n)
{
    unsigned i = range_index(a);
    uint64_t last = (a + n - 1 - arena_ranges[i].base) / RD_PAGE;
    if (snapshot.used[i] <= last)
        snapshot.used[i] = last + 1;
}

/* By hand: the compiler goes through the stack for both of these, and most of a push is spent here. */
static inline bool any_dirty(const uint8_t *block)
{
    const __m128i *b = (const __m128i *)(const void *)block;
    __m128i any = _mm_or_si128(_mm_or_si128(_mm_loadu_si128(b), _mm_loadu_si128(b + 1)),
                               _mm_or_si128(_mm_loadu_si128(b + 2), _mm_loadu_si128(b + 3)));
    return _mm_movemask_epi8(_mm_cmpeq_epi8(any, _mm_setzero_si128())) != 0xFFFF;
}

static inline bool same_line(const uint8_t *a, const uint8_t *b)
{
    const __m128i *x = (const __m128i *)(const void *)a, *y = (const __m128i *)(const void *)b;
    __m128i differ = _mm_or_si128(
        _mm_or_si128(_mm_xor_si128(_mm_loadu_si128(x), _mm_loadu_si128(y)),
                     _mm_xor_si128(_mm_loadu_si128(x + 1), _mm_loadu_si128(y + 1))),
        _mm_or_si128(_mm_xor_si128(_mm_loadu_si128(x + 2), _mm_loadu_si128(y + 2)),
                     _mm_xor_si128(_mm_loadu_si128(x + 3), _mm_loadu_si128(y + 3))));
    return _mm_movemask_epi8(_mm_cmpeq_epi8(differ, _mm_setzero_si128())) == 0xFFFF;
}

/* Calls `memory` for each page that was written since the latest push, in address order, and `shadow` for each
 * whose shadow was, and clears both marks. */
typedef void (*page_fn)(unsigned range, uint64_t page);
static inline void each_dirty(page_fn memory, page_fn shadow)
{
    for (unsigned i = 0; i < ARENA_RANGES; i++) {
        uint64_t pages = snapshot.used[i];
        uint8_t *dirty = arena_dirty(arena_ranges[i].base);
        for (uint64_t block = 0; block < pages; block += DIRTY_BLOCK) {
            if (!any_dirty(dirty + block))
                continue;
            uint64_t end = block + DIRTY_BLOCK < pages ? block + DIRTY_BLOCK : pages;
            for (uint64_t p = block; p < end; p++) {
                if (!dirty[p])
                    continue;
                dirty[p] = 0;
                memory(i, p);
            }
        }
    }
    for (size_t k = 0; k < snapshot.shadow_pages.count; k++) {
        gva_t at = snapshot.shadow_pages.data[k];
        unsigned i = range_index(at);
        uint64_t page = (at - arena_ranges[i].base) / RD_PAGE;
        snapshot.shadow_dirty[i][page] = 0;
        shadow(i, page);
    }
    snapshot.shadow_pages.count = 0;
}

/* Takes `bytes` bytes at `now` into the mirror, and what stood there into the log. */
static void push_lines(gva_t at, uint8_t *mirror, const uint8_t *now, unsigned bytes, bool shadow)
{
    bool log = snapshot.marks.count > 0; /* nothing can go back before the first push */
    snapshot.copied++;
    for (unsigned o = 0; o < bytes; o += LINE) {
        if (same_line(mirror + o, now + o))
            continue;
        if (log) {
            vec_reserve(&snapshot.undo, snapshot.undo.count + 1);
            struct undo *u = &snapshot.undo.data[snapshot.undo.count++];
            u->at = at + o;
            u->shadow = shadow;
            memcpy(u->bytes, mirror + o, LINE);
        }
        memcpy(mirror + o, now + o, LINE);
    }
}

static void push_memory(unsigned range, uint64_t page)
{
    gva_t at = page_address(range, page);
    snapshot.touched[range][page] = 1;
    push_lines(at, snapshot.memory[range] + page * RD_PAGE, arena_host(at), RD_PAGE, false);
}

static void push_shadow(unsigned range, uint64_t page)
{
    gva_t at = page_address(range, page);
    snapshot.touched[range][page] = 1;
    push_lines(at, snapshot.shadow[range] + page * SHADOW_PAGE, arena_shadow(at), SHADOW_PAGE, true);
}

unsigned arena_push(void)
{
    size_t mark = snapshot.undo.count;
    each_dirty(push_memory, push_shadow);
    vec_push(&snapshot.marks, mark);
    return (unsigned)snapshot.marks.count - 1;
}

/* Memory of a page that the guest may see as read-only. */
static void set_memory(gva_t at, const void *bytes, unsigned n)
{
    if (at - RD_IMAGE_BASE < RD_IMAGE_SIZE) {
        arena_poke(at, bytes, n); /* knows about protection, but marks the page dirty */
        *arena_dirty(at) = 0;
    } else {
        memcpy(arena_host(at), bytes, n);
    }
}

static void revert_memory(unsigned range, uint64_t page)
{
    gva_t at = page_address(range, page);
    const uint8_t *mirror = snapshot.memory[range] + page * RD_PAGE, *now = arena_host(at);
    snapshot.copied++;
    for (unsigned o = 0; o < RD_PAGE; o += LINE)
        if (!same_line(mirror + o, now + o))
            set_memory(at + o, mirror + o, LINE);
}

static void revert_shadow(unsigned range, uint64_t page)
{
    gva_t at = page_address(range, page);
    snapshot.copied++;
    memcpy(arena_shadow(at), snapshot.shadow[range] + page * SHADOW_PAGE, SHADOW_PAGE);
}

/* Takes the undo log back to `mark`. To memory and mirror (restore) or to the mirror alone (drop). */
static void undo_to(size_t mark, bool with_memory)
{
    while (snapshot.undo.count > mark) {
        const struct undo *u = &snapshot.undo.data[--snapshot.undo.count];
        unsigned range = range_index(u->at);
        uint64_t page = (u->at - arena_ranges[range].base) / RD_PAGE;
        unsigned offset = (unsigned)(u->at & (RD_PAGE - 1));
        if (u->shadow) {
            memcpy(snapshot.shadow[range] + page * SHADOW_PAGE + offset, u->bytes, LINE);
            if (with_memory)
                memcpy(arena_shadow(page_address(range, page)) + offset, u->bytes, LINE);
            else
                mark_shadow_page(range, page);
        } else {
            memcpy(snapshot.memory[range] + page * RD_PAGE + offset, u->bytes, LINE);
            if (with_memory)
                set_memory(u->at, u->bytes, LINE);
            else
                *arena_dirty(u->at) = 1;
        }
    }
}

void arena_restore(unsigned depth)
{
    RD_ASSERT(depth < snapshot.marks.count);
    each_dirty(revert_memory, revert_shadow);
    if (depth + 1 < snapshot.marks.count) {
        undo_to(snapshot.marks.data[depth + 1], true);
        snapshot.marks.count = depth + 1;
    }
}

void arena_drop(unsigned depth)
{
    RD_ASSERT(depth < snapshot.marks.count);
    undo_to(snapshot.marks.data[depth], false);
    snapshot.marks.count = depth;
}

unsigned arena_depth(void)
{
    return (unsigned)snapshot.marks.count;
}

uint64_t arena_pages_copied(void)
{
    return snapshot.copied;
}
