/*
 * Images: files are parsed once; loading maps and binds one at the next free address and sets protections
 * and shadow; unloading poisons it for ever (an address range is never used twice in a run, so whoever
 * still executes or touches an unloaded image is caught). Imports resolve against the exports of images that are
 * loaded, through forwarders; what nobody exports gets an address of its own that stops the run by name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/shadow.h"
#include "abi/verifier.h"
#include "base/str.h"
#include "machine/internal.h"

#define FILE_KERNEL 0
#define FILE_HAL 1
#define FILE_SYSTEM 2 /* the first of the drivers of ours */
#define FORWARD_LIMIT 8

static bool parse_one(struct machine_pe *p, const struct machine_file *file, struct error *e)
{
    p->file = *file;
    return pe_parse(file->path ? file->path : file->name, file->data, file->size, &p->pe, e);
}

bool image_parse_files(struct machine *m, struct error *e)
{
    m->file_count = FILE_SYSTEM + m->config.system_count + m->config.driver_count;
    m->files = calloc(m->file_count, sizeof *m->files);
    RD_ASSERT(m->files != NULL);
    if (!parse_one(&m->files[FILE_KERNEL], &m->config.kernel, e) ||
        !parse_one(&m->files[FILE_HAL], &m->config.hal, e))
        return false;
    struct machine_pe *next = &m->files[FILE_SYSTEM];
    for (unsigned i = 0; i < m->config.system_count; i++)
        if (!parse_one(next++, &m->config.system[i], e))
            return false;
    for (unsigned i = 0; i < m->config.driver_count; i++)
        if (!parse_one(next++, &m->config.drivers[i], e))
            return false;
    return true;
}

bool image_is_system(const struct machine *m, unsigned file)
{
    return file < FILE_SYSTEM + m->config.system_count;
}

/* Compares up to a ".sys" ending, without case: services are named with and without it. */
static bool same_service(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);
    if (na > 4 && strcasecmp(a + na - 4, ".sys") == 0)
        na -= 4;
    if (nb > 4 && strcasecmp(b + nb - 4, ".sys") == 0)
        nb -= 4;
    return na == nb && strncasecmp(a, b, na) == 0;
}

int image_find_file(const struct machine *m, const char *service)
{
    const char *base = strrchr(service, '\\');
    base = base ? base + 1 : service;
    for (unsigned i = FILE_SYSTEM; i < m->file_count; i++)
        if (same_service(base, m->files[i].file.name))
            return (int)i;
    return -1;
}

int image_index_at(gva_t a, bool loaded_only)
{
    const struct run *r = run_state();
    for (int i = (int)r->image_count - 1; i >= 0; i--)
        if (a - r->images[i].base < r->images[i].size && (r->images[i].loaded || !loaded_only))
            return i;
    return -1;
}

static int image_by_module(const struct machine *m, const char *module)
{
    const struct run *r = run_state();
    /* NT's kernel answers to all its documented names. */
    static const char *const kernels[] = {"ntoskrnl.exe", "ntkrnlmp.exe", "ntkrnlpa.exe", "ntoskrnl"};
    for (unsigned k = 0; r->image_count > FILE_KERNEL && k < sizeof kernels / sizeof kernels[0]; k++)
        if (strcasecmp(module, kernels[k]) == 0)
            return FILE_KERNEL;
    for (int i = (int)r->image_count - 1; i >= 0; i--) {
        const char *name = m->files[r->images[i].file].file.name;
        size_t n = strlen(module);
        if (r->images[i].loaded &&
            (strcasecmp(module, name) == 0 || (strncasecmp(module, name, n) == 0 && name[n] == '.')))
            return i;
    }
    return -1;
}

static gva_t resolve(struct machine *m, const char *module, const char *symbol, uint16_t ordinal, int depth)
{
    int image = image_by_module(m, module);
    if (image < 0 || depth > FORWARD_LIMIT)
        return 0;
    const struct run_image *r = &run_state()->images[image];
    uint32_t rva;
    const char *forward;
    if (!pe_export(&m->files[r->file].pe, arena_host(r->base), symbol, ordinal, &rva, &forward))
        return 0;
    if (forward == NULL)
        return r->base + rva;
    const char *dot = strrchr(forward, '.');
    if (dot == NULL || dot == forward || (size_t)(dot - forward) >= 60)
        return 0;
    char target[64];
    snprintf(target, sizeof target, "%.*s", (int)(dot - forward), forward);
    if (dot[1] == '#')
        return resolve(m, target, NULL, (uint16_t)strtoul(dot + 2, NULL, 10), depth + 1);
    return resolve(m, target, dot + 1, 0, depth + 1);
}

gva_t image_export(struct machine *m, unsigned image, const char *symbol)
{
    const struct run_image *r = &run_state()->images[image];
    uint32_t rva;
    const char *forward;
    if (!pe_export(&m->files[r->file].pe, arena_host(r->base), symbol, 0, &rva, &forward) ||
        forward != NULL)
        return 0;
    return r->base + rva;
}

static gva_t missing_address(struct machine *m, const char *module, const char *symbol, uint16_t ordinal)
{
    char *text = symbol ? str_format("%s!%s", module, symbol) : str_format("%s!#%u", module, ordinal);
    for (size_t i = 0; i < m->missing.count; i++) {
        if (strcmp(m->missing.data[i].text, text) == 0) {
            free(text);
            return RD_MISSING_BASE + i * 16;
        }
    }
    RD_ASSERT(m->missing.count * 16 < RD_MISSING_SIZE);
    vec_push(&m->missing, (struct missing_import){text});
    return RD_MISSING_BASE + (m->missing.count - 1) * 16;
}

const char *image_missing(const struct machine *m, gva_t a)
{
    if (a - RD_MISSING_BASE >= RD_MISSING_SIZE)
        return NULL;
    uint64_t i = (a - RD_MISSING_BASE) / 16;
    return i < m->missing.count ? m->missing.data[i].text : "an address between missing imports";
}

/* The routine that a verified driver gets in place of an export of the kernel; 0: none. */
static gva_t thunk_for(const struct image_thunks *t, const char *symbol)
{
    for (uint32_t i = 0; t != NULL && symbol != NULL && i < t->count; i++) {
        struct rd_thunk thunk;
        char name[128];
        if (!arena_read(t->table + i * sizeof thunk, &thunk, sizeof thunk) ||
            !arena_read_text(thunk.name, name, sizeof name))
            return 0;
        if (strcmp(name, symbol) == 0)
            return thunk.options == 0 || (thunk.options & t->options) != 0 ? thunk.replacement : 0;
    }
    return 0;
}

static void note_imported(struct image_thunks *t, gva_t base)
{
    unsigned i = 0;
    while (i < t->imported_count && t->imported[i] != base)
        i++;
    if (i == t->imported_count && i < RD_ABI_IMPORTED)
        t->imported[t->imported_count++] = base;
}

static bool bind_import(void *context, const char *module, const char *symbol, uint16_t ordinal,
                        uint64_t *out, struct error *e)
{
    (void)e;
    struct machine *m = context;
    int image = image_by_module(m, module);
    *out = image == FILE_KERNEL || image == FILE_HAL ? thunk_for(m->thunks, symbol) : 0;
    if (*out == 0)
        *out = resolve(m, module, symbol, ordinal, 0);
    if (image > FILE_HAL && m->thunks != NULL)
        note_imported(m->thunks, run_state()->images[image].base);
    if (*out == 0)
        *out = missing_address(m, module, symbol, ordinal);
    return true;
}

/* Maps the file for `base` and binds it into m->files[file].bound. */
static bool prepare(struct machine *m, unsigned file, gva_t base, struct error *e)
{
    struct machine_pe *p = &m->files[file];
    const char *name = p->file.path ? p->file.path : p->file.name;
    size_t size = (p->pe.image_size + RD_PAGE - 1) & ~(RD_PAGE - 1);
    if (p->bound == NULL) {
        p->mapped = calloc(1, size);
        p->bound = calloc(1, size);
        RD_ASSERT(p->mapped != NULL && p->bound != NULL);
        p->mapped_base = 0;
    }
    if (p->mapped_base != base) {
        if (!pe_map(&p->pe, name, base, p->mapped, e))
            return false;
        p->mapped_base = base;
    }
    memcpy(p->bound, p->mapped, size);
    return pe_bind(&p->pe, name, p->bound, bind_import, m, e);
}

static void set_protection(const struct pe *pe, gva_t base, uint64_t size)
{
    arena_set_shadow(base, size, RD_SHADOW_IMAGE_HOLE);
    arena_set_shadow(base, (pe->header_size + 7u) & ~7u, RD_SHADOW_VALID);
    arena_protect(base, size, false);
    for (unsigned i = 0; i < pe->section_count; i++) {
        const struct pe_section *s = &pe->sections[i];
        uint64_t bytes = (s->virtual_size + RD_PAGE - 1) & ~(RD_PAGE - 1);
        arena_set_shadow(base + s->rva, bytes, RD_SHADOW_VALID);
        if (s->writable)
            arena_protect(base + s->rva, bytes, true);
    }
}

/* Translations outlive unloading (a restore may bring the image back); they are dropped only when other
 * code comes to stand at the same addresses. */
static void drop_stale_translations(struct machine *m, unsigned file, gva_t base, uint64_t size)
{
    for (unsigned i = 0; i < m->translated_count; i++) {
        if (m->translated_base[i] != base)
            continue;
        if (m->translated_file[i] != file)
            dbt_invalidate(m->dbt, base, base + size + RD_PAGE * 4096);
        m->translated_file[i] = file;
        return;
    }
    if (m->translated_count == MACHINE_MAX_IMAGES) {
        dbt_invalidate(m->dbt, RD_IMAGE_BASE, RD_IMAGE_BASE + RD_IMAGE_SIZE);
        m->translated_count = 0;
    }
    m->translated_base[m->translated_count] = base;
    m->translated_file[m->translated_count++] = file;
}

int image_load(struct machine *m, unsigned file, struct image_thunks *thunks)
{
    struct run *r = run_state();
    const struct pe *pe = &m->files[file].pe;
    uint64_t size = (pe->image_size + RD_PAGE - 1) & ~(RD_PAGE - 1);
    gva_t base = file == FILE_KERNEL ? RD_NTOS_BASE : file == FILE_HAL ? RD_HAL_BASE : r->next_image;
    if (r->image_count == MACHINE_MAX_IMAGES || base + size > RD_MISSING_BASE) {
        error_set(&m->error, ERROR_INPUT, "%s: no room for another image (%u loaded so far)",
                  m->files[file].file.name, r->image_count);
        return -1;
    }
    m->thunks = thunks;
    bool bound = prepare(m, file, base, &m->error);
    m->thunks = NULL;
    if (!bound)
        return -1;
    drop_stale_translations(m, file, base, size);
    arena_protect(base, size, true);
    arena_poke(base, m->files[file].bound, size);
    set_protection(pe, base, size);
    if (file > FILE_HAL) /* 64 KiB apart, with a gap, as separate allocations are */
        r->next_image = (base + size + 0x1FFFF) & ~0xFFFFull;
    unsigned index = r->image_count++;
    r->images[index] = (struct run_image){
        .base = base, .size = size, .entry = pe->entry_rva ? base + pe->entry_rva : 0, .file = file, .loaded = 1};
    mark_run();
    machine_emit(m, EVENT_IMAGE, m->agent, 0, 0, base, size, 1);
    return (int)index;
}

void image_unload(struct machine *m, unsigned image)
{
    struct run_image *r = &run_state()->images[image];
    RD_ASSERT(r->loaded);
    r->loaded = 0;
    arena_set_shadow(r->base, r->size, RD_SHADOW_UNLOADED);
    mark_run();
    machine_emit(m, EVENT_IMAGE, m->agent, 0, 0, r->base, r->size, 0);
}

/* The class of the code at pc, and how far it extends. */
struct code_range machine_code(void *context, gva_t pc)
{
    struct machine *m = context;
    struct code_range none = {pc, pc + 1, CODE_NONE, 0, false};
    int index = image_index_at(pc, true);
    if (index < 0)
        return none;
    const struct run_image *r = &run_state()->images[index];
    const struct pe *pe = &m->files[r->file].pe;
    for (unsigned i = 0; i < pe->section_count; i++) {
        const struct pe_section *s = &pe->sections[i];
        if (!s->executable || pc - (r->base + s->rva) >= s->virtual_size)
            continue;
        enum code_class class = CODE_DRIVER;
        if (image_is_system(m, r->file))
            class = strcmp(s->name, ".nolog") == 0 ? CODE_KERNEL_NOLOG : CODE_KERNEL;
        return (struct code_range){r->base + s->rva, r->base + s->rva + s->virtual_size, class,
                                   (uint32_t)index, r->pageable && strncmp(s->name, "PAGE", 4) == 0};
    }
    return none;
}
