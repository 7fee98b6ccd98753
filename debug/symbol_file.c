/*
 * Where a PDB may lie, tried in order. A file that is found but has another GUID or age is of another build: its names would be
 * wrong ones, so it is passed over and told of, unless the right one turns up behind it. Windows does not tell upper from lower case
 * in names and stores were often written there, so folders are searched without regard to it.
 *
 * The image is a stranger's: of the path that it records only the last part is believed, and the whole only if it is one of this
 * system, names a regular file, and that has the right identity.
 */
#include "debug/symbol_file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/str.h"

#define DIRECTORY_DEBUG 6u
#define DEBUG_ENTRY 28u
#define TYPE_CODEVIEW 2u
#define MAX_PDB_FILE ((size_t)1 << 30)

static bool file_offset(const struct pe *pe, uint32_t rva, uint64_t *out)
{
    for (unsigned i = 0; i < pe->section_count; i++) {
        const struct pe_section *s = &pe->sections[i];
        if (rva >= s->rva && rva - s->rva < s->file_size) {
            *out = (uint64_t)s->file_offset + (rva - s->rva);
            return true;
        }
    }
    *out = rva;
    return rva < pe->header_size;
}

bool symbol_file_reference(const struct pe *pe, struct pdb_reference *out)
{
    struct bytes file = {pe->file, pe->file_size};
    uint64_t at;
    if (!file_offset(pe, pe->directories[DIRECTORY_DEBUG].rva, &at))
        return false;
    for (uint32_t i = 0; i < pe->directories[DIRECTORY_DEBUG].size / DEBUG_ENTRY; i++) {
        struct cursor c = cursor_at(&file, at + (uint64_t)i * DEBUG_ENTRY + 12);
        uint64_t type = cursor_fixed(&c, 4), size = cursor_fixed(&c, 4);
        cursor_skip(&c, 4);
        c = cursor_at(&file, c.bad ? file.size : cursor_fixed(&c, 4));
        struct bytes record = cursor_take(&c, size);
        c = cursor_at(&record, 0);
        if (type != TYPE_CODEVIEW || cursor_fixed(&c, 4) != 0x53445352) /* "RSDS" */
            continue;
        struct bytes guid = cursor_take(&c, sizeof out->identity.guid);
        out->identity.age = (uint32_t)cursor_fixed(&c, 4);
        out->path = cursor_text(&c);
        if (out->path == NULL || out->path[0] == '\0')
            continue; /* a build's number alone */
        memcpy(out->identity.guid, guid.data, guid.size);
        return true;
    }
    return false;
}

void symbol_file_key(const struct pdb_identity *i, char out[PDB_KEY])
{
    const uint8_t *g = i->guid;
    snprintf(out, PDB_KEY, "%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%X", g[3], g[2], g[1], g[0], g[5], g[4], g[7],
             g[6], g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15], i->age);
}

/* The last part of a path of either system. */
static const char *last_part(const char *path)
{
    const char *last = path;
    for (const char *p = path; *p != '\0'; p++)
        if (*p == '/' || *p == '\\' || *p == ':')
            last = p + 1;
    return last;
}

static bool is_name(const char *name)
{
    return name[0] != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strpbrk(name, "/\\\n") == NULL;
}

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* An entry of a folder in any case; the exact one first, else the first in order. NULL: none. */
static char *entry(const char *folder, const char *name)
{
    struct stat st;
    char *path = str_format("%s/%s", folder, name), *found = NULL;
    if (stat(path, &st) == 0)
        return path;
    free(path);
    DIR *d = opendir(folder);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
        if (strcasecmp(e->d_name, name) == 0 && (found == NULL || strcmp(e->d_name, found) < 0)) {
            free(found);
            found = str_dup(e->d_name);
        }
    if (d != NULL)
        closedir(d);
    path = found != NULL ? str_format("%s/%s", folder, found) : NULL;
    free(found);
    return path;
}

struct search {
    const struct pe *pe;
    const struct pdb_reference *reference;
    struct pdb *found;
    char *path; /* of what was found */
    struct file_data *file;
    char *refused; /* the first file that is not used, and why */
};

static void refuse(struct search *s, const char *path, const char *why)
{
    if (s->refused == NULL)
        s->refused = str_format("%s is not used: %s", path, why);
}

static bool same_identity(const struct pdb_identity *a, const struct pdb_identity *b)
{
    return memcmp(a->guid, b->guid, sizeof a->guid) == 0 && a->age == b->age;
}

static bool try_file(struct search *s, const char *path)
{
    struct error e = {0};
    struct pdb *p;
    char has[PDB_KEY], wants[PDB_KEY], text[200];
    if (!is_file(path))
        return false;
    if (!file_read(path, MAX_PDB_FILE, s->file, &e)) {
        refuse(s, path, "it cannot be read");
        return false;
    }
    if (!pdb_open(s->file->data, s->file->size, s->pe, &p, &e)) {
        refuse(s, path, e.text);
    } else if (!same_identity(pdb_identify(p), &s->reference->identity)) {
        symbol_file_key(pdb_identify(p), has);
        symbol_file_key(&s->reference->identity, wants);
        snprintf(text, sizeof text, "it is of another build (GUID and age %s, the image's are %s)", has, wants);
        refuse(s, path, text);
        pdb_close(p);
    } else {
        s->found = p;
        s->path = str_dup(path);
        return true;
    }
    file_free(s->file);
    return false;
}

static bool try_entry(struct search *s, const char *folder, const char *name)
{
    char *path = entry(folder, name);
    bool found = path != NULL && try_file(s, path);
    free(path);
    return found;
}

/* FOLDER/NAME.pdb/KEY/NAME.pdb. A store may have its files compressed: the last letter is then '_'. */
static bool try_store(struct search *s, const char *folder, const char *name)
{
    char key[PDB_KEY];
    symbol_file_key(&s->reference->identity, key);
    char *outer = entry(folder, name), *inner = outer != NULL ? entry(outer, key) : NULL;
    bool found = inner != NULL && try_entry(s, inner, name);
    if (inner != NULL && !found) {
        char *compressed = str_format("%.*s_", (int)strlen(name) - 1, name), *path = entry(inner, compressed);
        if (path != NULL)
            refuse(s, path, "it is compressed; expand it first");
        free(path);
        free(compressed);
    }
    free(inner);
    free(outer);
    return found;
}

static bool try_folder(struct search *s, const char *folder, const char *name)
{
    if (try_entry(s, folder, name) || try_store(s, folder, name))
        return true;
    char prefix[3];
    snprintf(prefix, sizeof prefix, "%s", name);
    char *indexed = entry(folder, prefix);
    bool found = indexed != NULL && try_store(s, indexed, name);
    free(indexed);
    return found;
}

/* "upper.pdb" of "some/folder/upper.sys". */
static char *renamed(const char *image_path)
{
    const char *name = last_part(image_path), *dot = strrchr(name, '.');
    return str_format("%.*s.pdb", (int)(dot != NULL && dot != name ? dot - name : (long)strlen(name)), name);
}

static bool search(struct search *s, const struct symbol_places *places, const char *image_path, const char *recorded, const char *own)
{
    bool usable = is_name(recorded);
    for (unsigned i = 0; i < places->count; i++)
        if ((usable && try_folder(s, places->folders[i], recorded)) || (own != NULL && try_entry(s, places->folders[i], own)))
            return true;
    if (image_path != NULL) {
        char *folder = file_directory(image_path);
        bool found = (own != NULL && try_entry(s, folder, own)) || (usable && try_entry(s, folder, recorded));
        free(folder);
        if (found)
            return true;
    }
    return s->reference->path[0] == '/' && try_file(s, s->reference->path);
}

struct pdb *symbol_file_pdb(const struct symbol_places *places, const struct pe *pe, const struct pdb_reference *r, const char *image_path,
                            struct file_data *file, char **path, char **refused)
{
    struct search s = {.pe = pe, .reference = r, .file = file};
    *file = (struct file_data){0};
    char *own = image_path != NULL ? renamed(image_path) : NULL;
    search(&s, places, image_path, last_part(r->path), own);
    free(own);
    *path = s.path;
    *refused = s.refused;
    return s.found;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* FOLDER/NAME.sys/anything/NAME.sys, in the order of the names between. */
static char *image_in_store(const char *folder, const char *name, symbol_image_fn accept, void *context)
{
    char *outer = entry(folder, name), *found = NULL;
    VEC(char *) keys = {0};
    DIR *d = outer != NULL ? opendir(outer) : NULL;
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.')
            vec_push(&keys, str_dup(e->d_name));
    if (d != NULL)
        closedir(d);
    if (keys.count > 0)
        qsort(keys.data, keys.count, sizeof keys.data[0], by_text);
    for (size_t i = 0; i < keys.count; i++) {
        char *inner = str_format("%s/%s", outer, keys.data[i]), *path = found == NULL ? entry(inner, name) : NULL;
        if (path != NULL && is_file(path) && accept(context, path))
            found = path;
        else
            free(path);
        free(inner);
        free(keys.data[i]);
    }
    vec_free(&keys);
    free(outer);
    return found;
}

char *symbols_find_image(const struct symbol_places *places, const char *name, symbol_image_fn accept, void *context)
{
    char prefix[3];
    snprintf(prefix, sizeof prefix, "%s", name);
    for (unsigned i = 0; i < places->count && is_name(name); i++) {
        char *path = entry(places->folders[i], name);
        if (path != NULL && is_file(path) && accept(context, path))
            return path;
        free(path);
        path = image_in_store(places->folders[i], name, accept, context);
        char *indexed = path == NULL ? entry(places->folders[i], prefix) : NULL;
        if (indexed != NULL)
            path = image_in_store(indexed, name, accept, context);
        free(indexed);
        if (path != NULL)
            return path;
    }
    return NULL;
}
