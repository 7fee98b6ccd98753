/*
 * Names of addresses. Sources, best first: the image's PDB; its DWARF and COFF symbol table through
 * llvm-symbolizer; the image's exports; module+offset. An export is only believed for the function
 * it begins: .pdata says where functions end, so `lower!DriverEntry+0x5c30` for some nameless
 * function far behind it is not printed.
 *
 * Everything is found from the image's file at its preferred base, never from guest memory: an
 * unloaded or overwritten image has its names still, and answers are kept by file, not by where it
 * was loaded.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/vec.h"
#include "debug/debug.h"
#include "debug/symbol_file.h"
#include "debug/symbolizer.h"
#include "machine/pe/pe.h"

#define LEAF_LIMIT 4096u /* bytes: how far back the start of a leaf function is searched */

struct export_symbol {
    uint32_t rva;
    char name[96];
};

struct found {
    uint32_t rva;
    char function[96];
    uint32_t start; /* rva that the offset counts from */
    char file[160];
    unsigned line;
};

struct module {
    const uint8_t *file;
    bool parsed;
    struct pe pe;
    bool exports_read;
    VEC(struct export_symbol) exports; /* by rva, then name */
    VEC(struct found) found;           /* by rva */
    struct types *types;               /* NULL: not asked for yet */
    bool has_reference;                /* the image names a PDB */
    bool searched;
    struct pdb *pdb; /* NULL: none that fits */
    struct file_data pdb_file;
    char *pdb_path;
    char *whole; /* of an image that was stripped: the one that still has its debug information; NULL: none */
    struct file_data whole_file;
};

struct symbols {
    const struct machine *m;
    struct symbol_places places;
    struct symbolizer symbolizer, debug_symbolizer;
    VEC(struct module) modules; /* in the order of first use */
};

struct symbols *symbols_open(const struct machine *m)
{
    struct symbols *s = calloc(1, sizeof *s);
    RD_ASSERT(s != NULL);
    s->m = m;
    s->debug_symbolizer.debug_names = true;
    return s;
}

void symbols_look_in(struct symbols *s, const struct symbol_places *places)
{
    s->places = *places;
}

void symbols_close(struct symbols *s)
{
    if (s == NULL)
        return;
    symbolizer_stop(&s->symbolizer);
    symbolizer_stop(&s->debug_symbolizer);
    for (size_t i = 0; i < s->modules.count; i++) {
        vec_free(&s->modules.data[i].exports);
        vec_free(&s->modules.data[i].found);
        types_close(s->modules.data[i].types);
        pdb_close(s->modules.data[i].pdb);
        file_free(&s->modules.data[i].pdb_file);
        file_free(&s->modules.data[i].whole_file);
        free(s->modules.data[i].whole);
        free(s->modules.data[i].pdb_path);
    }
    vec_free(&s->modules);
    free(s);
}

const struct machine *symbols_machine(const struct symbols *s)
{
    return s->m;
}

static struct module *module_of(struct symbols *s, const struct machine_image *image)
{
    for (size_t i = 0; i < s->modules.count; i++)
        if (s->modules.data[i].file == image->file)
            return &s->modules.data[i];
    vec_push(&s->modules, (struct module){.file = image->file});
    struct module *module = &s->modules.data[s->modules.count - 1];
    struct error ignored = {0};
    module->parsed = pe_parse(image->name, image->file, image->file_size, &module->pe, &ignored);
    return module;
}

static void warn(struct symbols *s, const struct machine_image *image, const char *text)
{
    char *line = str_format("%s: %s", image->name, text);
    if (s->places.warn != NULL)
        s->places.warn(s->places.context, line);
    free(line);
}

static bool same_code(const struct pe *a, const struct pe *b)
{
    if (a->entry_rva != b->entry_rva || a->preferred_base != b->preferred_base)
        return false;
    for (unsigned i = 0; i < a->section_count; i++) {
        const struct pe_section *x = &a->sections[i], *y = &b->sections[i];
        if (x->executable && (i >= b->section_count || !y->executable || x->rva != y->rva || x->file_size != y->file_size ||
                              memcmp(a->file + x->file_offset, b->file + y->file_offset, x->file_size) != 0))
            return false;
    }
    return true;
}

static bool has_symbol_table(const uint8_t *file)
{
    uint32_t header, count;
    memcpy(&header, file + 0x3C, sizeof header); /* pe_parse has checked both headers */
    memcpy(&count, file + header + 16, sizeof count);
    return count != 0;
}

static bool is_whole(void *context, const char *path)
{
    struct module *module = context;
    struct error ignored = {0};
    struct pe pe;
    if (!file_read(path, PE_MAX_IMAGE, &module->whole_file, &ignored))
        return false;
    if (pe_parse(path, module->whole_file.data, module->whole_file.size, &pe, &ignored) && same_code(&module->pe, &pe))
        return true;
    file_free(&module->whole_file);
    return false;
}

/* Stripping leaves the code as it is (but not the time in the header), so that is how the image is known again from which debug
 * information was taken away. */
static void find_whole(struct symbols *s, struct module *module, const struct machine_image *image)
{
    struct types *own = types_open(image->file, image->file_size);
    if (!types_any(own) && !has_symbol_table(image->file))
        module->whole = symbols_find_image(&s->places, image->name, is_whole, module);
    types_close(own);
}

static struct pdb *pdb_of(struct symbols *s, struct module *module, const struct machine_image *image)
{
    struct pdb_reference reference;
    char *refused;
    if (module->searched)
        return module->pdb;
    module->searched = true;
    module->has_reference = module->parsed && symbol_file_reference(&module->pe, &reference);
    if (module->parsed && !module->has_reference && s->places.count > 0)
        find_whole(s, module, image);
    if (!module->has_reference)
        return NULL;
    module->pdb = symbol_file_pdb(&s->places, &module->pe, &reference, image->path, &module->pdb_file, &module->pdb_path, &refused);
    if (module->pdb == NULL && refused != NULL)
        warn(s, image, refused);
    else if (module->pdb != NULL && module->pdb->rearranged)
        warn(s, image, "the image was rearranged after linking (OMAP): of its PDB only types are used");
    free(refused);
    return module->pdb;
}

struct pdb *symbols_pdb(struct symbols *s, const struct machine_image *image)
{
    return pdb_of(s, module_of(s, image), image);
}

struct file_data symbols_file(struct symbols *s, const struct machine_image *image)
{
    struct module *module = module_of(s, image);
    pdb_of(s, module, image);
    return module->whole != NULL ? module->whole_file : (struct file_data){(uint8_t *)image->file, image->file_size};
}

const char *symbols_source(struct symbols *s, const struct machine_image *image, const char **path)
{
    struct module *module = module_of(s, image);
    if (pdb_of(s, module, image) != NULL) {
        *path = module->pdb_path;
        return "pdb symbols";
    }
    struct file_data file = symbols_file(s, image);
    *path = module->whole != NULL ? module->whole : image->path;
    if (module->parsed && !module->has_reference && types_any(symbols_types(s, image)))
        return "dwarf symbols";
    return module->parsed && !module->has_reference && has_symbol_table(file.data) ? "coff symbols" : "export symbols";
}

static const char *path_of(const struct module *module, const struct machine_image *image)
{
    return module->whole != NULL ? module->whole : image->path;
}

struct types *symbols_types(struct symbols *s, const struct machine_image *image)
{
    struct module *module = module_of(s, image);
    struct pdb *pdb = pdb_of(s, module, image);
    if (module->types == NULL && pdb != NULL)
        module->types = types_open_pdb(pdb);
    else if (module->types == NULL && module->whole != NULL)
        module->types = types_open(module->whole_file.data, module->whole_file.size);
    else if (module->types == NULL)
        module->types = types_open(image->file, image->file_size);
    return module->types;
}

gva_t symbols_variable(struct symbols *s, const struct machine_image *image, const char *name, type_id *type)
{
    uint64_t address;
    struct module *module = module_of(s, image);
    if (!module->parsed || !types_variable(symbols_types(s, image), name, &address, type))
        return 0;
    uint64_t rva = address - module->pe.preferred_base;
    return rva < image->size ? image->base + rva : 0;
}

static void collect_export(void *context, const char *symbol, uint32_t ordinal, uint32_t rva)
{
    struct module *module = context;
    if (rva == 0)
        return;
    struct export_symbol x = {.rva = rva};
    if (symbol != NULL)
        snprintf(x.name, sizeof x.name, "%s", symbol);
    else
        snprintf(x.name, sizeof x.name, "Ordinal%u", (unsigned)ordinal);
    vec_push(&module->exports, x);
}

static int compare_exports(const void *a, const void *b)
{
    const struct export_symbol *x = a, *y = b;
    if (x->rva != y->rva)
        return x->rva < y->rva ? -1 : 1;
    return strcmp(x->name, y->name);
}

static void read_exports(struct module *module)
{
    module->exports_read = true;
    uint8_t *memory = malloc(module->pe.image_size);
    RD_ASSERT(memory != NULL);
    if (pe_map(&module->pe, "image", module->pe.preferred_base, memory, NULL))
        pe_each_export(&module->pe, memory, collect_export, module);
    free(memory);
    if (module->exports.count > 0)
        qsort(module->exports.data, module->exports.count, sizeof module->exports.data[0],
              compare_exports);
}

/* Whether what begins at `name`, the nearest one in front of rva, can be the function there. */
static bool begins_function(const struct pe *pe, uint32_t name, uint32_t rva)
{
    uint32_t start, end;
    if (pe_function(pe, rva, &start, &end))
        return name >= start;
    /* A leaf: a name whose own function ended before it is not its name. */
    return !pe_function(pe, name, &start, &end);
}

/* The export that begins the function at rva. */
static const struct export_symbol *export_below(struct module *module, uint32_t rva)
{
    if (!module->exports_read)
        read_exports(module);
    const struct export_symbol *best = NULL;
    for (size_t i = 0; i < module->exports.count && module->exports.data[i].rva <= rva; i++)
        if (best == NULL || best->rva != module->exports.data[i].rva)
            best = &module->exports.data[i];
    return best != NULL && begins_function(&module->pe, best->rva, rva) ? best : NULL;
}

/* The C++ names of the symbol table say more than those of DWARF; but GNU ld's script puts labels
 * of its own at the start of .text, where they hide the first function. Those are asked for once
 * more without the table. */
static bool ask(struct symbols *s, const char *path, uint64_t address,
                struct symbolizer_answer *out)
{
    static const char label[] = "___crt_x";
    return symbolizer_ask(&s->symbolizer, path, address, out) &&
           (strncmp(out->function, label, sizeof label - 1) != 0 ||
            symbolizer_ask(&s->debug_symbolizer, path, address, out));
}

static bool is_export(struct module *module, const char *name)
{
    if (!module->exports_read)
        read_exports(module);
    for (size_t i = 0; i < module->exports.count; i++)
        if (strcmp(module->exports.data[i].name, name) == 0)
            return true;
    return false;
}

static const struct pe_section *section_of(const struct pe *pe, uint32_t rva)
{
    for (unsigned i = 0; i < pe->section_count; i++)
        if (rva >= pe->sections[i].rva && rva - pe->sections[i].rva < pe->sections[i].virtual_size)
            return &pe->sections[i];
    return NULL;
}

/* The tool names functions of PDB and COFF symbols without saying where they begin. .pdata knows,
 * except for leaves: their start is where the name begins to be given. */
static bool find_start(struct symbols *s, struct module *module, const char *path, uint32_t rva,
                       const char *function, uint32_t *start)
{
    uint32_t end;
    const struct pe_section *section = section_of(&module->pe, rva);
    if (section == NULL)
        return false;
    if (pe_function(&module->pe, rva, start, &end))
        return true;
    uint32_t low = rva - section->rva > LEAF_LIMIT ? rva - LEAF_LIMIT : section->rva, high = rva;
    while (low < high) {
        struct symbolizer_answer answer;
        uint32_t middle = low + (high - low) / 2;
        if (ask(s, path, module->pe.preferred_base + middle, &answer) &&
            strcmp(answer.function, function) == 0)
            high = middle;
        else
            low = middle + 1;
    }
    *start = high;
    return true;
}

/* A label inside a function that .pdata knows does not name it: the function's own start does. */
static void prefer_function(struct symbols *s, struct module *module, const char *path,
                            uint32_t rva, struct symbolizer_answer *answer, uint32_t *start)
{
    struct symbolizer_answer outer;
    uint32_t begin, end;
    if (!pe_function(&module->pe, rva, &begin, &end) || *start <= begin ||
        !ask(s, path, module->pe.preferred_base + begin, &outer) ||
        outer.start != module->pe.preferred_base + begin)
        return;
    memcpy(answer->function, outer.function, sizeof answer->function);
    *start = begin;
}

/* GNU as drops local symbols whose names begin with L, as if they were labels of a compiler. The
 * address is then given to the symbol before, although .pdata says that its function has ended:
 * debug information knows better. */
static void correct_function(struct symbols *s, struct module *module, const char *path,
                             uint32_t rva, struct symbolizer_answer *answer)
{
    struct symbolizer_answer again;
    uint32_t begin, end;
    if (answer->start != 0 && pe_function(&module->pe, rva, &begin, &end) &&
        answer->start < module->pe.preferred_base + begin &&
        symbolizer_ask(&s->debug_symbolizer, path, module->pe.preferred_base + rva, &again))
        *answer = again;
}

/* From a PDB; false: it does not know. What has no length there is believed as exports are. */
static bool ask_pdb(struct pdb *pdb, const struct pe *pe, uint32_t rva, struct found *f)
{
    struct pdb_place chain[PDB_CHAIN];
    unsigned count = pdb_chain(pdb, rva, chain);
    if (count > 0) {
        f->start = chain[count - 1].start;
        f->line = chain[count - 1].line;
        memcpy(f->function, chain[count - 1].function, sizeof f->function);
        memcpy(f->file, chain[count - 1].file, sizeof f->file);
        return true;
    }
    const struct pdb_name *n = pdb_public(pdb, rva);
    if (n == NULL || !begins_function(pe, n->rva, rva))
        return false;
    f->start = n->rva;
    snprintf(f->function, sizeof f->function, "%s", n->text);
    return true;
}

/* From the tool; false: it does not know, or only repeats the nearest export below. */
static bool ask_tool(struct symbols *s, struct module *module, const char *path, uint32_t rva,
                     struct found *f)
{
    struct symbolizer_answer answer;
    if (path == NULL || !ask(s, path, module->pe.preferred_base + rva, &answer))
        return false;
    correct_function(s, module, path, rva, &answer);
    uint64_t from = answer.start - module->pe.preferred_base;
    if (answer.start != 0 && answer.line == 0 && is_export(module, answer.function) &&
        (from > rva || !begins_function(&module->pe, (uint32_t)from, rva)))
        return false;
    if (answer.start != 0 && from <= rva)
        f->start = (uint32_t)from;
    else if ((answer.line == 0 && is_export(module, answer.function)) ||
             !find_start(s, module, path, rva, answer.function, &f->start))
        return false;
    prefer_function(s, module, path, rva, &answer, &f->start);
    memcpy(f->function, answer.function, sizeof f->function);
    memcpy(f->file, answer.file, sizeof f->file);
    f->line = answer.line;
    return true;
}

/* The tool is never asked about an image that names a PDB: it would take any file of that name. */
static struct found look_up(struct symbols *s, struct module *module, const struct machine_image *image,
                            uint32_t rva)
{
    struct found f = {.rva = rva};
    struct pdb *pdb = pdb_of(s, module, image);
    if (pdb != NULL ? ask_pdb(pdb, &module->pe, rva, &f)
                    : !module->has_reference && ask_tool(s, module, path_of(module, image), rva, &f))
        return f;
    const struct export_symbol *x = export_below(module, rva);
    if (x != NULL) {
        memcpy(f.function, x->name, sizeof f.function);
        f.start = x->rva;
    }
    return f;
}

static const struct found *find(struct symbols *s, struct module *module, const struct machine_image *image,
                                uint32_t rva)
{
    size_t low = 0, high = module->found.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (module->found.data[middle].rva < rva)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == module->found.count || module->found.data[low].rva != rva) {
        struct found f = look_up(s, module, image, rva);
        vec_push(&module->found, f);
        struct found *data = module->found.data;
        memmove(data + low + 1, data + low, (module->found.count - 1 - low) * sizeof *data);
        data[low] = f;
    }
    return &module->found.data[low];
}

/* "upper.sys" is module upper; the kernel is nt, whatever its file is called. */
static void set_module(const struct machine_image *image, struct symbol *out)
{
    snprintf(out->image, sizeof out->image, "%s", image->name);
    const char *dot = strrchr(image->name, '.');
    int length =
        dot != NULL && dot != image->name ? (int)(dot - image->name) : (int)strlen(image->name);
    if (image->serial == 0)
        snprintf(out->module, sizeof out->module, "nt");
    else
        snprintf(out->module, sizeof out->module, "%.*s", length, image->name);
}

void symbols_find(struct symbols *s, gva_t address, bool is_return, struct symbol *out)
{
    *out = (struct symbol){.offset = address + is_return};
    const struct machine_image *image = machine_image_at(s->m, address);
    if (image == NULL)
        return;
    uint32_t rva = (uint32_t)(address - image->base);
    set_module(image, out);
    out->unloaded = !image->loaded;
    out->image_offset = out->offset = rva + (uint64_t)is_return;
    struct module *module = module_of(s, image);
    if (!module->parsed)
        return;
    const struct found *f = find(s, module, image, rva);
    memcpy(out->function, f->function, sizeof out->function);
    memcpy(out->file, f->file, sizeof out->file);
    out->line = f->line;
    if (f->function[0] != 0)
        out->offset -= f->start;
}

static void set_inlined(const struct machine_image *image, gva_t address, const char *function, const char *file, unsigned line,
                        struct symbol *out)
{
    *out = (struct symbol){.unloaded = !image->loaded, .image_offset = address - image->base, .line = line};
    set_module(image, out);
    snprintf(out->function, sizeof out->function, "%s", function);
    snprintf(out->file, sizeof out->file, "%s", file);
}

unsigned symbols_inlined(struct symbols *s, gva_t address, struct symbol out[INLINE_MAX])
{
    const struct machine_image *image = machine_image_at(s->m, address);
    if (image == NULL || !module_of(s, image)->parsed)
        return 0;
    struct module *module = module_of(s, image);
    struct pdb *pdb = pdb_of(s, module, image);
    unsigned count = 0;
    if (pdb != NULL) {
        struct pdb_place chain[PDB_CHAIN];
        count = pdb_chain(pdb, (uint32_t)(address - image->base), chain);
        for (unsigned i = 0; i + 1 < count; i++)
            set_inlined(image, address, chain[i].function, chain[i].file, chain[i].line, &out[i]);
    } else if (path_of(module, image) != NULL && !module->has_reference) {
        struct symbolizer_answer chain[SYMBOLIZER_CHAIN];
        count = symbolizer_chain(&s->symbolizer, path_of(module, image), module->pe.preferred_base + (address - image->base), chain);
        for (unsigned i = 0; i + 1 < count; i++)
            set_inlined(image, address, chain[i].function, chain[i].file, chain[i].line, &out[i]);
    }
    return count > 0 ? count - 1 : 0;
}

/* The last component of a path of either system, since builds differ in where they keep their
 * sources. */
static const char *base_name(const char *path)
{
    const char *base = path;
    for (const char *p = path; *p != 0; p++)
        if (*p == '/' || *p == '\\')
            base = p + 1;
    return base;
}

static void symbolic_text(const struct symbol *y, char *out, size_t size)
{
    char offset[24] = "", source[200] = "";
    if (y->offset != 0 || y->function[0] == 0)
        snprintf(offset, sizeof offset, "+0x%llx", (unsigned long long)y->offset);
    if (y->file[0] != 0)
        snprintf(source, sizeof source, " [%s @ %u]", base_name(y->file), y->line);
    if (y->function[0] != 0)
        snprintf(out, size, "%s!%s%s%s", y->module, y->function, offset, source);
    else
        snprintf(out, size, "%s%s%s", y->module, offset, source);
}

void symbol_text(const struct symbol *y, char *out, size_t size)
{
    char text[512];
    if (y->module[0] == 0) {
        snprintf(out, size, "0x%llx", (unsigned long long)y->offset);
        return;
    }
    symbolic_text(y, text, sizeof text);
    if (!y->unloaded)
        snprintf(out, size, "%s", text);
    else if (y->function[0] == 0)
        snprintf(out, size, "<Unloaded_%s>+0x%llx", y->image, (unsigned long long)y->image_offset);
    else
        snprintf(out, size, "<Unloaded_%s>+0x%llx (%s)", y->image,
                 (unsigned long long)y->image_offset, text);
}
