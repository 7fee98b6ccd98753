/*
 * Symbols by name: those of the COFF symbol table of an image's file or of its PDB, its exports, and, without a PDB, the functions
 * of .pdata under the names that debug information gives their first bytes.
 * Source: Microsoft "PE Format", COFF Symbol Table.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/vec.h"
#include "debug/debugger.h"
#include "debug/pdb.h"
#include "machine/pe/pe.h"

#define COFF_SYMBOL 18u
#define COFF_FUNCTION 0x20u
#define CLASS_EXTERNAL 2u
#define CLASS_STATIC 3u
#define NAME_MAX_LENGTH 127u

struct name {
    uint32_t rva;
    unsigned order;
    char *text;
};

/* The names of one file; kept for the process's life, since images are. */
struct name_table {
    const uint8_t *file;
    VEC(struct name) names;
};

static VEC(struct name_table) tables;

static void add(struct name_table *t, uint32_t rva, const char *text, size_t length)
{
    char *copy = malloc(length + 1);
    RD_ASSERT(copy != NULL);
    memcpy(copy, text, length);
    copy[length] = '\0';
    vec_push(&t->names, (struct name){rva, (unsigned)t->names.count, copy});
}

static uint32_t u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint16_t u16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Functions and data of a symbol table; labels of sections, files and the linker's own are not for people. */
static void read_coff(struct name_table *t, const struct pe *pe)
{
    const uint8_t *f = pe->file;
    uint32_t header = u32(f + 0x3C); /* pe_parse has checked both headers */
    uint32_t at = u32(f + header + 12), count = u32(f + header + 16);
    uint64_t strings = at + (uint64_t)count * COFF_SYMBOL;
    if (at == 0 || count == 0 || strings > pe->file_size)
        return;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *s = f + at + (uint64_t)i * COFF_SYMBOL;
        uint32_t value = u32(s + 8);
        int section = (int16_t)u16(s + 12);
        const char *name = (const char *)s;
        size_t length = strnlen(name, 8);
        if (u32(s) == 0) {
            uint64_t place = strings + u32(s + 4);
            if (place >= pe->file_size)
                continue;
            name = (const char *)f + place;
            length = strnlen(name, pe->file_size - place);
        }
        uint8_t class = s[16], aux = s[17];
        bool wanted = section > 0 && (unsigned)section <= pe->section_count && length > 0 && length <= NAME_MAX_LENGTH &&
                      name[0] != '.' && (class == CLASS_EXTERNAL || (class == CLASS_STATIC && aux == 0) ||
                                         (u16(s + 14) & COFF_FUNCTION));
        if (wanted && value < pe->sections[section - 1].virtual_size && strncmp(name, "___crt_x", 8) != 0)
            add(t, pe->sections[section - 1].rva + value, name, length);
        i += aux;
    }
}

static void add_export(void *context, const char *symbol, uint32_t ordinal, uint32_t rva)
{
    (void)ordinal;
    if (symbol != NULL && rva != 0)
        add(context, rva, symbol, strlen(symbol));
}

static void add_from_pdb(void *context, uint32_t rva, const char *name)
{
    size_t length = strlen(name);
    add(context, rva, name, length < NAME_MAX_LENGTH ? length : NAME_MAX_LENGTH);
}

struct pdata_walk {
    struct name_table *table;
    struct symbols *symbols;
    gva_t base;
    size_t named; /* by the symbol table and exports */
};

static void add_function(void *context, uint32_t start, uint32_t end)
{
    struct pdata_walk *w = context;
    struct symbol y;
    (void)end;
    for (size_t i = 0; i < w->named; i++)
        if (w->table->names.data[i].rva == start)
            return;
    symbols_find(w->symbols, w->base + start, false, &y);
    if (y.function[0] != '\0' && y.offset == 0)
        add(w->table, start, y.function, strlen(y.function));
}

/* Import slots: every import is bound to a number of its own, which is then looked for in the image. */
struct import_walk {
    VEC(char *) symbols;
};
#define IMPORT_TOKEN 0xABCD000000000000ull

static bool note_import(void *context, const char *module, const char *symbol, uint16_t ordinal, uint64_t *out,
                        struct error *e)
{
    struct import_walk *w = context;
    char text[160];
    (void)module;
    (void)e;
    if (symbol != NULL)
        snprintf(text, sizeof text, "__imp_%s", symbol);
    else
        snprintf(text, sizeof text, "__imp_Ordinal%u", (unsigned)ordinal);
    char *copy = malloc(strlen(text) + 1);
    RD_ASSERT(copy != NULL);
    strcpy(copy, text);
    *out = IMPORT_TOKEN + w->symbols.count;
    vec_push(&w->symbols, copy);
    return true;
}

static void read_imports(struct name_table *t, const struct pe *pe, uint8_t *memory)
{
    struct import_walk w = {{0}};
    struct error ignored = {0};
    pe_bind(pe, "image", memory, note_import, &w, &ignored);
    for (uint32_t rva = 0; w.symbols.count > 0 && rva + 8 <= pe->image_size; rva += 8) {
        uint64_t slot;
        memcpy(&slot, memory + rva, sizeof slot);
        if (slot - IMPORT_TOKEN < w.symbols.count)
            add(t, rva, w.symbols.data[slot - IMPORT_TOKEN], strlen(w.symbols.data[slot - IMPORT_TOKEN]));
    }
    for (size_t i = 0; i < w.symbols.count; i++)
        free(w.symbols.data[i]);
    vec_free(&w.symbols);
}

static int by_rva(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    if (x->rva != y->rva)
        return x->rva < y->rva ? -1 : 1;
    int c = strcmp(x->text, y->text);
    return c != 0 ? c : x->order < y->order ? -1 : 1;
}

static void read_names(struct symbols *s, struct name_table *t, const struct machine_image *image)
{
    struct pe pe;
    struct error ignored = {0};
    struct file_data file = symbols_file(s, image);
    if (!pe_parse(image->name, file.data, file.size, &pe, &ignored))
        return;
    read_coff(t, &pe);
    bool full = t->names.count > 0;
    uint8_t *memory = malloc(pe.image_size);
    RD_ASSERT(memory != NULL);
    if (pe_map(&pe, image->name, pe.preferred_base, memory, &ignored))
        pe_each_export(&pe, memory, add_export, t);
    if (!full)
        read_imports(t, &pe, memory);
    free(memory);
    struct pdb *pdb = symbols_pdb(s, image);
    struct pdata_walk w = {t, s, image->base, t->names.count};
    if (pdb != NULL)
        pdb_each_name(pdb, add_from_pdb, t);
    else
        pe_each_function(&pe, add_function, &w);
    if (t->names.count > 0)
        qsort(t->names.data, t->names.count, sizeof t->names.data[0], by_rva);
}

static const struct name_table *table_of(struct symbols *s, const struct machine_image *image)
{
    for (size_t i = 0; i < tables.count; i++)
        if (tables.data[i].file == image->file)
            return &tables.data[i];
    struct name_table t = {.file = image->file};
    read_names(s, &t, image);
    vec_push(&tables, t);
    return &tables.data[tables.count - 1];
}

void symbols_each(struct symbols *s, const struct machine_image *image, debug_name_fn fn, void *context)
{
    const struct name_table *t = table_of(s, image);
    for (size_t i = 0; i < t->names.count; i++) {
        const struct name *n = &t->names.data[i];
        if (i == 0 || n[-1].rva != n->rva || strcmp(n[-1].text, n->text) != 0)
            fn(context, image, n->text, image->base + n->rva);
    }
}

void symbols_module_name(const struct machine_image *image, char out[RD_ABI_NAME])
{
    const char *dot = strrchr(image->name, '.');
    size_t n = dot != NULL && dot != image->name ? (size_t)(dot - image->name) : strlen(image->name);
    if (image->serial == 0)
        snprintf(out, RD_ABI_NAME, "nt");
    else
        snprintf(out, RD_ABI_NAME, "%.*s", (int)n, image->name);
}

bool debug_nearest(struct debugger *d, gva_t a, struct debug_near *out)
{
    const struct machine_image *image = machine_image_at(d->m, a);
    char module[RD_ABI_NAME];
    *out = (struct debug_near){.below_at = 0};
    if (image == NULL)
        return false;
    const struct name_table *t = table_of(d->symbols, image);
    uint32_t rva = (uint32_t)(a - image->base);
    symbols_module_name(image, module);
    for (size_t i = 0; i < t->names.count; i++) {
        const struct name *n = &t->names.data[i];
        gva_t at = image->base + n->rva;
        if (n->rva > rva) {
            out->above_at = at;
            snprintf(out->above, DEBUG_SYMBOL, "%s!%s", module, n->text);
            break;
        }
        if (out->below[0] == '\0' || at != out->below_at)
            snprintf(out->below, DEBUG_SYMBOL, "%s!%s", module, n->text);
        out->below_at = at;
    }
    return out->below[0] != '\0';
}

bool debug_data_symbol(struct debugger *d, gva_t a, bool exact, char out[DEBUG_SYMBOL])
{
    struct debug_near near;
    struct symbol y;
    symbols_find(d->symbols, a, false, &y);
    if (y.function[0] != '\0' && y.file[0] != '\0') {
        debug_symbol(d, a, out);
        return true;
    }
    if (!debug_nearest(d, a, &near) || (exact && near.below_at != a))
        return false;
    if (near.below_at == a)
        snprintf(out, DEBUG_SYMBOL, "%s", near.below);
    else
        snprintf(out, DEBUG_SYMBOL, "%.200s+0x%llx", near.below, (unsigned long long)(a - near.below_at));
    return true;
}

unsigned debug_addresses(struct debugger *d, const char *name, gva_t *out, unsigned max)
{
    const char *mark = strchr(name, '!');
    unsigned count = 0;
    for (unsigned i = 0; i < d->image_count; i++) {
        const struct machine_image *image = &d->images[i];
        char module[RD_ABI_NAME];
        symbols_module_name(image, module);
        if (mark != NULL &&
            ((size_t)(mark - name) != strlen(module) || strncasecmp(name, module, (size_t)(mark - name)) != 0))
            continue;
        const struct name_table *t = table_of(d->symbols, image);
        for (size_t k = 0; k < t->names.count; k++) {
            gva_t at = image->base + t->names.data[k].rva;
            bool known = strcmp(t->names.data[k].text, mark != NULL ? mark + 1 : name) != 0;
            for (unsigned j = 0; j < count && !known; j++)
                known = out[j] == at;
            if (!known && count < max)
                out[count++] = at;
        }
    }
    return count;
}

static bool look_in(struct symbols *s, const struct machine_image *image, const char *name, bool exact, gva_t *out)
{
    const struct name_table *t = table_of(s, image);
    for (size_t i = 0; i < t->names.count; i++)
        if ((exact ? strcmp : strcasecmp)(t->names.data[i].text, name) == 0) {
            *out = image->base + t->names.data[i].rva;
            return true;
        }
    return false;
}

/* Exact spelling first, then any; what is loaded before what was, the latest load before older ones. */
bool symbols_address(struct symbols *s, const char *name, gva_t *out)
{
    const struct machine *m = symbols_machine(s);
    const char *mark = strchr(name, '!');
    const char *function = mark != NULL ? mark + 1 : name;
    unsigned count = machine_image_count(m);
    for (unsigned pass = 0; pass < 4; pass++)
        for (unsigned k = 0; k < count; k++) {
            unsigned i = mark != NULL ? count - 1 - k : k;
            const struct machine_image *image = machine_image(m, i);
            char module[RD_ABI_NAME];
            symbols_module_name(image, module);
            if (image->loaded != (pass < 2))
                continue;
            if (mark != NULL && ((size_t)(mark - name) != strlen(module) ||
                                 strncasecmp(name, module, (size_t)(mark - name)) != 0))
                continue;
            if (look_in(s, image, function, pass % 2 == 0, out))
                return true;
        }
    if (mark != NULL || function[0] == '\0')
        return false;
    for (unsigned i = count; i-- > 0;) {
        char module[RD_ABI_NAME];
        symbols_module_name(machine_image(m, i), module);
        if (strcasecmp(module, name) == 0)
            return *out = machine_image(m, i)->base, true;
    }
    return false;
}
