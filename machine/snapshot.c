/*
 * Snapshots of the arena by dirty pages. A mirror holds every page as it was at the latest push. A push
 * moves the mirror forward and keeps the replaced contents in an undo log; a restore takes dirty pages
 * back from the mirror and then plays the log backwards. So a push or restore costs what changed, and
 * memory is linear in the depth of the search. (Measured alternatives: fork, mprotect and userfaultfd cost 20 to
 * 300 times as much for a few dozen pages.)
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/shadow.h"
#include "base/vec.h"
#include "machine/arena_internal.h"

#define SHADOW_PAGE (RD_PAGE / 8)

enum { UNDO_MEMORY = 1, UNDO_SHADOW = 2 };

struct undo {
    gva_t page;
    uint32_t what;
    uint32_t reserved;
};

/* Ends of both logs when a push began. */
struct mark {
    size_t undo, data;
};

static struct {
    uint8_t *memory[ARENA_RANGES];       /* mirror */
    uint8_t *shadow[ARENA_RANGES];
    uint8_t *shadow_dirty[ARENA_RANGES]; /* one byte a page, set by arena_set_shadow */
    uint8_t *touched[ARENA_RANGES];      /* the page has been dirty at some push */
    uint64_t used[ARENA_RANGES];         /* pages from the start of the range that can be dirty at all */
    VEC(struct undo) undo;
    VEC(uint8_t) data;
    VEC(struct mark) marks;
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
    vec_free(&snapshot.data);
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

bool arena_snapshot_touched(gva_t page)
{
    unsigned i = range_index(page);
    return snapshot.touched[i][(page - arena_ranges[i].base) / RD_PAGE];
}

void arena_mark_shadow(gva_t a, uint64_t n)
{
    if (n == 0)
        return;
    unsigned i = range_index(a);
    uint64_t first = (a - arena_ranges[i].base) / RD_PAGE;
    uint64_t last = (a + n - 1 - arena_ranges[i].base) / RD_PAGE;
    memset(snapshot.shadow_dirty[i] + first, 1, last - first + 1);
    arena_mark_used(a, n);
}

/* The host writes there: memory that the guest cannot reach may be dirty too. */
void arena_mark_used(gva_t a, uint64_t n)
{
    unsigned i = range_index(a);
    uint64_t last = (a + n - 1 - arena_ranges[i].base) / RD_PAGE;
    if (snapshot.used[i] <= last)
        snapshot.used[i] = last + 1;
}

/* Calls fn for each page whose memory or shadow changed since the latest push, in address order, and
 * clears both marks. */
typedef void (*page_fn)(unsigned range, uint64_t page, bool memory, bool shadow);
static void each_dirty(page_fn fn)
{
    for (unsigned i = 0; i < ARENA_RANGES; i++) {
        uint64_t pages = snapshot.used[i];
        uint8_t *dirty = arena_dirty(arena_ranges[i].base);
        uint8_t *shadow_dirty = snapshot.shadow_dirty[i];
        for (uint64_t block = 0; block < pages; block += 64) {
            uint64_t any = 0;
            uint64_t words[16];
            memcpy(words, dirty + block, 64);
            memcpy(words + 8, shadow_dirty + block, 64);
            for (unsigned k = 0; k < 16; k++)
                any |= words[k];
            if (any == 0)
                continue;
            uint64_t end = block + 64 < pages ? block + 64 : pages;
            for (uint64_t p = block; p < end; p++) {
                if (!dirty[p] && !shadow_dirty[p])
                    continue;
                bool memory = dirty[p] != 0, shadow = shadow_dirty[p] != 0;
                dirty[p] = 0;
                shadow_dirty[p] = 0;
                fn(i, p, memory, shadow);
            }
        }
    }
}

static gva_t page_address(unsigned range, uint64_t page)
{
    return arena_ranges[range].base + page * RD_PAGE;
}

static void log_bytes(const void *bytes, size_t n)
{
    vec_reserve(&snapshot.data, snapshot.data.count + n);
    memcpy(snapshot.data.data + snapshot.data.count, bytes, n);
    snapshot.data.count += n;
}

static void push_page(unsigned range, uint64_t page, bool memory, bool shadow)
{
    gva_t at = page_address(range, page);
    uint8_t *mirror = snapshot.memory[range] + page * RD_PAGE;
    uint8_t *shadow_mirror = snapshot.shadow[range] + page * SHADOW_PAGE;
    snapshot.touched[range][page] = 1;
    snapshot.copied++;
    if (snapshot.marks.count > 0) { /* nothing can go back before the first push */
        struct undo u = {at, (memory ? UNDO_MEMORY : 0) | (shadow ? UNDO_SHADOW : 0), 0};
        vec_push(&snapshot.undo, u);
        if (memory)
            log_bytes(mirror, RD_PAGE);
        if (shadow)
            log_bytes(shadow_mirror, SHADOW_PAGE);
    }
    if (memory)
        memcpy(mirror, arena_host(at), RD_PAGE);
    if (shadow)
        memcpy(shadow_mirror, arena_shadow(at), SHADOW_PAGE);
}

unsigned arena_push(void)
{
    struct mark m = {snapshot.undo.count, snapshot.data.count};
    each_dirty(push_page);
    vec_push(&snapshot.marks, m);
    return (unsigned)snapshot.marks.count - 1;
}

/* Memory of a page that the guest may see as read-only. */
static void set_memory(gva_t page, const void *bytes)
{
    if (page - RD_IMAGE_BASE < RD_IMAGE_SIZE) {
        arena_poke(page, bytes, RD_PAGE); /* knows about protection, but marks the page dirty */
        *arena_dirty(page) = 0;
    } else {
        memcpy(arena_host(page), bytes, RD_PAGE);
    }
}

static void revert_page(unsigned range, uint64_t page, bool memory, bool shadow)
{
    gva_t at = page_address(range, page);
    snapshot.copied++;
    if (memory)
        set_memory(at, snapshot.memory[range] + page * RD_PAGE);
    if (shadow)
        memcpy(arena_shadow(at), snapshot.shadow[range] + page * SHADOW_PAGE, SHADOW_PAGE);
}

/* Takes the undo log back to `mark`. To memory and mirror (restore) or to the mirror alone (drop). */
static void undo_to(struct mark mark, bool with_memory)
{
    while (snapshot.undo.count > mark.undo) {
        struct undo u = snapshot.undo.data[--snapshot.undo.count];
        unsigned range = range_index(u.page);
        uint64_t page = (u.page - arena_ranges[range].base) / RD_PAGE;
        snapshot.copied++;
        if (u.what & UNDO_SHADOW) {
            snapshot.data.count -= SHADOW_PAGE;
            const uint8_t *old = snapshot.data.data + snapshot.data.count;
            memcpy(snapshot.shadow[range] + page * SHADOW_PAGE, old, SHADOW_PAGE);
            if (with_memory)
                memcpy(arena_shadow(u.page), old, SHADOW_PAGE);
            else
                snapshot.shadow_dirty[range][page] = 1;
        }
        if (u.what & UNDO_MEMORY) {
            snapshot.data.count -= RD_PAGE;
            const uint8_t *old = snapshot.data.data + snapshot.data.count;
            memcpy(snapshot.memory[range] + page * RD_PAGE, old, RD_PAGE);
            if (with_memory)
                set_memory(u.page, old);
            else
                *arena_dirty(u.page) = 1;
        }
    }
    RD_ASSERT(snapshot.data.count == mark.data);
}

void arena_restore(unsigned depth)
{
    RD_ASSERT(depth < snapshot.marks.count);
    each_dirty(revert_page);
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
