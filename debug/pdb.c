/*
 * The container of a PDB: a file of blocks, in which a directory says which blocks make which stream. Streams are put together
 * in memory when they are asked for. The file came with a driver, so nothing in it is believed: each block number and each
 * length is checked, and since an honest file's streams do not share blocks, all streams together may not be larger than the
 * file.
 */
#include "debug/pdb.h"

#include <stdlib.h>

#include "machine/pe/pe.h"

#define SUPER_BLOCK 56u
#define STREAM_INFO 1u
#define STREAM_DBI 3u
#define DBI_HEADER 64u
#define NO_STREAM 0xFFFFu

static bool damaged(struct error *e, const char *what)
{
    return error_set(e, ERROR_INPUT, "damaged: %s", what);
}

/* Copies `size` bytes that lie in the blocks which `list` names. */
static bool gather(const struct pdb *p, struct cursor list, uint32_t size, uint8_t *out)
{
    for (uint32_t done = 0; done < size;) {
        uint64_t block = cursor_fixed(&list, 4);
        uint32_t n = size - done < p->block_size ? size - done : p->block_size;
        if (list.bad || block >= p->block_count || block * p->block_size + n > p->file.size)
            return false;
        memcpy(out + done, p->file.data + block * p->block_size, n);
        done += n;
    }
    return true;
}

static bool read_directory(struct pdb *p, struct error *e)
{
    static const char magic[32] = "Microsoft C/C++ MSF 7.00\r\n\x1a" "DS\0\0";
    if (p->file.size < SUPER_BLOCK || memcmp(p->file.data, magic, sizeof magic) != 0)
        return error_set(e, ERROR_INPUT, "not a PDB file");
    struct cursor c = cursor_at(&p->file, sizeof magic);
    p->block_size = (uint32_t)cursor_fixed(&c, 4);
    cursor_skip(&c, 4);
    p->block_count = (uint32_t)cursor_fixed(&c, 4);
    p->directory_size = (uint32_t)cursor_fixed(&c, 4);
    cursor_skip(&c, 4);
    uint64_t map = cursor_fixed(&c, 4);
    if (p->block_size < 512 || p->block_size > 65536 || (p->block_size & (p->block_size - 1)) != 0)
        return damaged(e, "its block size");
    if (p->directory_size > p->file.size || (p->directory = malloc(p->directory_size + 1u)) == NULL ||
        !gather(p, cursor_at(&p->file, map * p->block_size), p->directory_size, p->directory))
        return damaged(e, "its directory lies outside of the file");
    struct bytes directory = {p->directory, p->directory_size};
    c = cursor_at(&directory, 0);
    uint64_t count = cursor_fixed(&c, 4), at = 4 + 4 * count;
    if (count > p->directory_size / 4)
        return damaged(e, "its directory's number of streams");
    for (uint64_t i = 0; i < count; i++) {
        struct pdb_stream s = {.size = (uint32_t)cursor_fixed(&c, 4), .blocks = at};
        if (s.size == UINT32_MAX)
            s.size = 0;
        at += ((uint64_t)s.size + p->block_size - 1) / p->block_size * 4;
        if (at > p->directory_size)
            return damaged(e, "its directory ends early");
        vec_push(&p->streams, s);
    }
    return true;
}

struct bytes pdb_stream(struct pdb *p, uint32_t index)
{
    if (index >= p->streams.count)
        return (struct bytes){0};
    struct pdb_stream *s = &p->streams.data[index];
    if (s->data == NULL && s->size > 0) {
        struct bytes directory = {p->directory, p->directory_size};
        if (s->size > p->file.size || p->copied + s->size > p->file.size)
            return (struct bytes){0};
        p->copied += s->size;
        s->data = malloc(s->size);
        RD_ASSERT(s->data != NULL);
        if (!gather(p, cursor_at(&directory, s->blocks), s->size, s->data)) {
            free(s->data);
            s->data = NULL;
            s->size = 0;
        }
    }
    return (struct bytes){s->data, s->size};
}

/* Named streams: a pool of names and a hash table whose present slots are marked in a bit vector. */
static void find_named_streams(struct pdb *p, struct cursor c)
{
    struct bytes names = cursor_take(&c, cursor_fixed(&c, 4));
    uint64_t count = cursor_fixed(&c, 4);
    cursor_skip(&c, 4);
    cursor_skip(&c, 4 * cursor_fixed(&c, 4));
    cursor_skip(&c, 4 * cursor_fixed(&c, 4));
    for (uint64_t i = 0; i < count && !c.bad; i++) {
        struct cursor name = cursor_at(&names, cursor_fixed(&c, 4));
        uint32_t stream = (uint32_t)cursor_fixed(&c, 4);
        const char *text = cursor_text(&name);
        if (text != NULL && !c.bad && strcmp(text, "/names") == 0)
            p->info_names = stream;
    }
}

static bool read_info(struct pdb *p, struct error *e)
{
    struct bytes info = pdb_stream(p, STREAM_INFO);
    struct cursor c = cursor_at(&info, 8);
    p->identity.age = (uint32_t)cursor_fixed(&c, 4);
    struct bytes guid = cursor_take(&c, sizeof p->identity.guid);
    if (c.bad)
        return damaged(e, "no identity");
    memcpy(p->identity.guid, guid.data, guid.size);
    find_named_streams(p, c);
    return true;
}

static void read_modules(struct pdb *p, struct cursor c)
{
    const uint8_t *start = c.at;
    while (cursor_left(&c) > 0) {
        struct pdb_module m = {0};
        cursor_skip(&c, 34);
        m.stream = (uint16_t)cursor_fixed(&c, 2);
        m.symbol_bytes = (uint32_t)cursor_fixed(&c, 4);
        m.c11_bytes = (uint32_t)cursor_fixed(&c, 4);
        m.c13_bytes = (uint32_t)cursor_fixed(&c, 4);
        cursor_skip(&c, 16);
        cursor_text(&c);
        cursor_text(&c);
        if (c.bad)
            return;
        cursor_skip(&c, -(uint64_t)(c.at - start) & 3);
        vec_push(&p->modules, m);
    }
}

/* Addresses of an image that was rearranged after linking go through tables (OMAP). */
static bool has_omap(struct cursor headers)
{
    cursor_skip(&headers, 6);
    uint64_t to = cursor_fixed(&headers, 2), from = cursor_fixed(&headers, 2);
    return !headers.bad && ((to != NO_STREAM && to != 0) || (from != NO_STREAM && from != 0));
}

static bool read_dbi(struct pdb *p, struct error *e)
{
    struct bytes dbi = pdb_stream(p, STREAM_DBI);
    if (dbi.size == 0)
        return true; /* types alone */
    struct cursor c = cursor_at(&dbi, 0);
    uint64_t parts[8];
    bool new_format = cursor_fixed(&c, 4) == UINT32_MAX;
    cursor_skip(&c, 4);
    uint32_t age = (uint32_t)cursor_fixed(&c, 4);
    cursor_skip(&c, 8);
    p->global_records = (uint16_t)cursor_fixed(&c, 2);
    cursor_skip(&c, 2);
    for (size_t i = 0; i < 5; i++)
        parts[i] = cursor_fixed(&c, 4);
    cursor_skip(&c, 4);
    parts[6] = cursor_fixed(&c, 4);
    parts[5] = cursor_fixed(&c, 4);
    if (c.bad || !new_format || dbi.size < DBI_HEADER)
        return damaged(e, "no header of debug information");
    if (age != 0)
        p->identity.age = age; /* tools that add streams raise the file's own, the image keeps this one */
    c = cursor_at(&dbi, DBI_HEADER);
    struct bytes modules = cursor_take(&c, parts[0]);
    for (size_t i = 1; i <= 5; i++)
        cursor_skip(&c, parts[i]);
    struct bytes headers = cursor_take(&c, parts[6]);
    if (c.bad)
        return damaged(e, "debug information that ends early");
    read_modules(p, cursor_at(&modules, 0));
    p->rearranged = has_omap(cursor_at(&headers, 0));
    return true;
}

bool pdb_open(const uint8_t *file, size_t size, const struct pe *pe, struct pdb **out, struct error *e)
{
    struct pdb *p = calloc(1, sizeof *p);
    RD_ASSERT(p != NULL);
    p->file = (struct bytes){file, size};
    *out = p;
    if (pe != NULL) {
        p->base = pe->preferred_base;
        for (unsigned i = 0; i < pe->section_count && i < PDB_SEGMENTS; i++) {
            p->segments[i].rva = pe->sections[i].rva;
            p->segments[i].size = pe->sections[i].virtual_size;
            p->segment_count = i + 1;
        }
    }
    if (read_directory(p, e) && read_info(p, e) && read_dbi(p, e))
        return true;
    pdb_close(p);
    *out = NULL;
    return false;
}

void pdb_close(struct pdb *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->streams.count; i++)
        free(p->streams.data[i].data);
    vec_free(&p->streams);
    vec_free(&p->modules);
    vec_free(&p->functions);
    vec_free(&p->data);
    vec_free(&p->publics);
    free(p->directory);
    free(p);
}

const struct pdb_identity *pdb_identify(const struct pdb *p)
{
    return &p->identity;
}

const struct pdb_module *pdb_module(struct pdb *p, uint32_t index)
{
    if (index >= p->modules.count)
        return NULL;
    struct pdb_module *m = &p->modules.data[index];
    if (!m->loaded) {
        struct bytes stream = m->stream != NO_STREAM ? pdb_stream(p, m->stream) : (struct bytes){0};
        struct cursor c = cursor_at(&stream, 0);
        m->loaded = true;
        m->symbols = cursor_take(&c, m->symbol_bytes);
        cursor_skip(&c, m->c11_bytes);
        m->lines = cursor_take(&c, m->c13_bytes);
    }
    return m;
}

bool pdb_rva(const struct pdb *p, uint32_t segment, uint32_t offset, uint32_t *out)
{
    if (p->rearranged || segment == 0 || segment > p->segment_count || offset >= p->segments[segment - 1].size)
        return false;
    *out = p->segments[segment - 1].rva + offset;
    return true;
}

bool pdb_record(const struct bytes *s, uint32_t at, struct pdb_record *out)
{
    struct cursor c = cursor_at(s, at);
    uint64_t length = cursor_fixed(&c, 2);
    *out = (struct pdb_record){.at = at, .kind = (uint16_t)cursor_fixed(&c, 2)};
    if (c.bad || length < 2 || length - 2 > cursor_left(&c))
        return false;
    c.end = c.at + (length - 2);
    out->content = c;
    out->next = at + 2 + (uint32_t)length;
    return true;
}
