/*
 * Five kernels that together look like driver code: pointer chasing, a hash table whose key is
 * built in a local buffer, interlocked operations under a spin lock, copies by bytes and by words,
 * and dispatch through function pointers and a jump table. About 160,000 instructions a round.
 */
#include "work.h"

#define NOINLINE __attribute__((noinline))

static NOINLINE WORK_ABI void *allocate(struct work *w, uint64_t bytes)
{
    void *block = (void *)(uintptr_t)(w->pool + w->used);
    if (w->block_count < WORK_MAX_BLOCKS) {
        w->blocks[w->block_count].offset = (uint32_t)w->used;
        w->blocks[w->block_count].bytes = (uint32_t)bytes;
        w->block_count++;
    }
    w->used += ((bytes + 15) & ~15ull) + 16; /* a gap that shadow memory can poison */
    return block;
}

static NOINLINE WORK_ABI uint64_t scramble(uint64_t x)
{
    x ^= x >> 33;
    x *= 0xFF51AFD7ED558CCDull;
    return x ^ (x >> 29);
}

/* ---- list ---- */

static NOINLINE WORK_ABI uint64_t walk_list(struct work *w)
{
    uint64_t sum = 0;
    for (struct work_node *n = w->head; n; n = n->next) {
        sum += n->key;
        if (n->flags & 1) {
            n->references++;
            n->value ^= sum;
        } else {
            sum ^= n->value;
        }
    }
    return sum;
}

/* ---- hash ---- */

static NOINLINE WORK_ABI uint64_t digest(const uint8_t *bytes, uint32_t count)
{
    uint64_t h = 0xCBF29CE484222325ull;
    for (uint32_t i = 0; i < count; i++) {
        h ^= bytes[i];
        h *= 0x100000001B3ull;
    }
    return h;
}

static NOINLINE WORK_ABI void make_key(uint8_t *out, uint64_t seed)
{
    for (unsigned i = 0; i < 16; i++)
        out[i] = (uint8_t)((seed >> ((i & 7) * 8)) + i);
}

static NOINLINE WORK_ABI uint64_t look_up(struct work *w, uint64_t seed)
{
    uint8_t key[16];
    make_key(key, seed & 511);
    uint64_t h = digest(key, sizeof key);
    struct work_entry **bucket = &w->buckets[h & 255];
    for (struct work_entry *e = *bucket; e; e = e->next) {
        uint32_t i = 0;
        while (i < 16 && e->key[i] == key[i])
            i++;
        if (i == 16) {
            e->hits++;
            return e->hits ^ h;
        }
    }
    struct work_entry *e = allocate(w, sizeof *e);
    for (unsigned i = 0; i < 16; i++)
        e->key[i] = key[i];
    e->hits = 1;
    e->next = *bucket;
    *bucket = e;
    return h;
}

/* ---- interlocked operations ---- */

static NOINLINE WORK_ABI uint64_t interlocked(struct work *w, uint32_t count)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        while (__sync_lock_test_and_set(&w->lock, 1))
            __builtin_ia32_pause();
        w->statistics[i & 15] += i;
        sum += w->statistics[(i + 3) & 15];
        __sync_lock_release(&w->lock);
        __sync_fetch_and_add(&w->counter, i);
        uint64_t old;
        do
            old = w->list;
        while (!__sync_bool_compare_and_swap(&w->list, old, old + sum));
        sum ^= old;
    }
    return sum;
}

/* ---- copies ---- */

static NOINLINE WORK_ABI void copy_bytes(uint8_t *to, const uint8_t *from, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        to[i] = from[i] ^ 0x5A;
        __asm__ volatile("");
    }
}

static NOINLINE WORK_ABI void copy_words(uint64_t *to, const uint64_t *from, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        to[i] = from[i];
        __asm__ volatile("");
    }
}

static NOINLINE WORK_ABI uint64_t copy(struct work *w)
{
    copy_bytes(w->target, w->source, w->copy_bytes);
    copy_words((uint64_t *)(void *)w->target, (const uint64_t *)(const void *)w->source,
               w->copy_bytes / 8);
    return w->target[17];
}

/* ---- dispatch ---- */

static WORK_ABI uint64_t on_create(struct work *w, struct work_request *r)
{
    r->information = w->statistics[0]++;
    r->status = 0;
    return r->information;
}

static WORK_ABI uint64_t on_close(struct work *w, struct work_request *r)
{
    r->information = w->statistics[2] + r->length;
    r->status = 0;
    return r->information;
}

static WORK_ABI uint64_t on_read(struct work *w, struct work_request *r)
{
    (void)w;
    r->buffer[r->length & 3] += r->information;
    r->information = r->length;
    r->status = 0;
    return r->information;
}

static WORK_ABI uint64_t on_write(struct work *w, struct work_request *r)
{
    (void)w;
    r->information = r->buffer[r->length & 3] ^ r->code;
    r->status = 0;
    return r->information;
}

static WORK_ABI uint64_t on_control(struct work *w, struct work_request *r)
{
    switch ((r->code >> 2) & 15) {
    case 0:
        r->information = r->length;
        break;
    case 1:
        r->information += w->statistics[1];
        break;
    case 2:
        r->buffer[0] ^= r->information;
        break;
    case 3:
        r->buffer[1] += scramble(r->information);
        break;
    case 4:
        w->statistics[4]++;
        r->information = w->statistics[4];
        break;
    case 5:
        r->information = scramble(r->length);
        break;
    case 6:
        r->buffer[2] = r->buffer[3];
        break;
    case 7:
        r->buffer[3] = r->information;
        break;
    case 8:
        r->length = (r->length * 5) & 63;
        break;
    case 9:
        r->information ^= 0x99;
        break;
    case 10:
        w->statistics[5] += r->length;
        break;
    case 11:
        r->information >>= 1;
        break;
    default:
        r->status = 0xC0000010u;
        r->information = 0;
        return 0;
    }
    r->status = 0;
    return r->information;
}

static NOINLINE WORK_ABI uint64_t call_driver(struct work *w, struct work_request *r)
{
    return w->major[r->major](w, r);
}

static NOINLINE WORK_ABI uint64_t dispatch(struct work *w, uint32_t count)
{
    static const uint8_t majors[8] = {14, 3, 14, 4, 14, 0, 14, 2};
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct work_request *r = &w->requests[i & 15];
        r->code = (i * 7) << 2;
        r->length = i & 63;
        r->major = majors[i & 7];
        sum += call_driver(w, r);
        sum ^= r->status;
    }
    return sum;
}

/* ---- entry points ---- */

WORK_EXPORT WORK_ABI uint64_t work_init(struct work *w)
{
    struct work_node *previous = 0;
    for (uint32_t i = 0; i < 4096; i++) {
        struct work_node *n = allocate(w, sizeof *n);
        n->next = 0;
        n->previous = previous;
        n->key = i * 77;
        n->flags = scramble(i) & 3;
        n->references = 0;
        n->value = i;
        if (previous)
            previous->next = n;
        else
            w->head = n;
        previous = n;
    }
    for (unsigned i = 0; i < 256; i++)
        w->buckets[i] = 0;
    for (unsigned i = 0; i < 512; i++)
        look_up(w, i);
    w->lock = w->counter = w->list = 0;
    w->copy_bytes = 4096;
    w->source = allocate(w, 4096);
    w->target = allocate(w, 4096);
    for (unsigned i = 0; i < 4096; i++)
        w->source[i] = (uint8_t)(i * 3);
    for (unsigned i = 0; i < 28; i++)
        w->major[i] = on_create;
    w->major[2] = on_close;
    w->major[3] = on_read;
    w->major[4] = on_write;
    w->major[14] = on_control;
    for (unsigned i = 0; i < 16; i++) {
        w->requests[i].information = i;
        w->requests[i].length = 0;
        for (unsigned j = 0; j < 4; j++)
            w->requests[i].buffer[j] = 0;
        w->statistics[i] = 0;
    }
    return w->used;
}

WORK_EXPORT WORK_ABI uint64_t work_run(struct work *w, uint64_t mask, uint64_t rounds)
{
    uint64_t sum = 0;
    for (uint64_t r = 0; r < rounds; r++) {
        if (mask & (1u << WORK_LIST))
            sum += walk_list(w);
        if (mask & (1u << WORK_HASH))
            for (unsigned i = 0; i < 64; i++)
                sum += look_up(w, scramble(r * 64 + i));
        if (mask & (1u << WORK_LOCK))
            sum ^= interlocked(w, 1024);
        if (mask & (1u << WORK_COPY))
            sum += copy(w);
        if (mask & (1u << WORK_DISPATCH))
            sum += dispatch(w, 1024);
    }
    return sum;
}

#ifdef _WIN32
WORK_EXPORT uint32_t work_entry_point(void *driver, void *path);
WORK_EXPORT uint32_t work_entry_point(void *driver, void *path)
{
    (void)driver;
    (void)path;
    return 0;
}
#endif
