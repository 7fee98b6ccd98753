#include "debug/layout.h"

#include <inttypes.h>
#include <string.h>

#include "debug/facts.h"

#define LIST_LIMIT 4096u

/* The kernel and our other drivers, in the order of loading. */
static const struct machine_image *our_image(struct debugger *d, unsigned *index)
{
    for (; *index < machine_image_count(d->m); (*index)++) {
        const struct machine_image *image = machine_image(d->m, *index);
        if (image != NULL && image->system)
            return image;
    }
    return NULL;
}

struct object object_open(struct debugger *d, const char *type, gva_t at)
{
    struct object o = {.d = d, .at = at, .bad = true};
    const struct machine_image *image;
    for (unsigned i = 0; (image = our_image(d, &i)) != NULL; i++) {
        struct types *types = symbols_types(d->symbols, image);
        type_id id = types_find(types, type);
        if (id != 0)
            return (struct object){d, image, types, id, at, false};
    }
    return o;
}

bool object_failed(const struct object *o, const char *what)
{
    char address[DEBUG_ADDRESS];
    if (!o->bad)
        return false;
    if (o->type == 0)
        debug_error(o->d, "Unable to read %s: the kernel has no debug information", what);
    else
        debug_error(o->d, "Unable to read %s at %s", what, debug_address(o->at, address));
    return true;
}

static bool find(struct object *o, const char *path, struct type_field *f)
{
    if (o->type == 0 || !types_path(o->types, o->type, path, f)) {
        o->bad = true;
        return false;
    }
    return true;
}

uint64_t object_get(struct object *o, const char *path)
{
    struct type_field f;
    struct type_info info;
    uint64_t value = 0;
    if (!find(o, path, &f))
        return 0;
    types_describe(o->types, f.type, &info);
    if (info.size == 0 || info.size > 8 || !debug_read(o->d, o->at + f.offset, &value, info.size)) {
        o->bad = true;
        return 0;
    }
    if (f.bit_count != 0)
        return value >> f.bit_position & (f.bit_count < 64 ? (1ull << f.bit_count) - 1 : ~0ull);
    if (info.is_signed && info.size < 8) {
        unsigned shift = 64 - 8 * (unsigned)info.size;
        value = (uint64_t)((int64_t)(value << shift) >> shift);
    }
    return value;
}

gva_t object_field(struct object *o, const char *path)
{
    struct type_field f;
    return find(o, path, &f) ? o->at + f.offset : 0;
}

uint64_t object_size(struct object *o)
{
    struct type_info info = {0};
    if (o->type != 0)
        types_describe(o->types, o->type, &info);
    return info.size;
}

const char *object_text(struct object *o, const char *path, char *out, size_t size)
{
    struct type_field f;
    struct type_info info;
    size_t n = 0;
    uint8_t c;
    out[0] = '\0';
    if (!find(o, path, &f))
        return out;
    types_describe(o->types, f.type, &info);
    while (n + 1 < size && n < info.size && debug_read8(o->d, o->at + f.offset + n, &c) && c != 0)
        out[n++] = c >= 32 && c < 127 ? (char)c : '?';
    out[n] = '\0';
    return out;
}

const char *object_unicode(struct object *o, const char *path, char *out, size_t size)
{
    struct type_field f;
    out[0] = '\0';
    if (find(o, path, &f) && !debug_read_unicode(o->d, o->at + f.offset, out, size))
        out[0] = '\0';
    return out;
}

gva_t layout_variable(struct debugger *d, const char *module, const char *name)
{
    const struct machine_image *image;
    for (unsigned i = 0; (image = our_image(d, &i)) != NULL; i++) {
        char own[RD_ABI_NAME];
        type_id type;
        symbols_module_name(image, own);
        if (strcmp(own, module) == 0 && image->loaded)
            return symbols_variable(d->symbols, image, name, &type);
    }
    return 0;
}

uint64_t layout_offset(struct debugger *d, const char *type, const char *path)
{
    struct object o = object_open(d, type, 0);
    return object_field(&o, path);
}

struct list list_open(struct debugger *d, gva_t head)
{
    return (struct list){d, head, head, 0};
}

bool list_next(struct list *l, uint64_t offset, gva_t *out)
{
    gva_t next, back;
    char at[DEBUG_ADDRESS], head[DEBUG_ADDRESS];
    debug_address(l->at, at);
    debug_address(l->head, head);
    if (!debug_read64(l->d, l->at, &next)) {
        debug_print(l->d, "The list at %s cannot be followed: %s is not readable\n", head, at);
        return false;
    }
    if (next == l->head || next == 0) /* 0: never initialised */
        return false;
    /* A cycle that leaves the head out enters one of its entries a second time: that entry's Blink is another. */
    if (!debug_read64(l->d, next + 8, &back) || back != l->at || ++l->count > LIST_LIMIT) {
        debug_print(l->d, "The list at %s is damaged behind %s\n", head, at);
        return false;
    }
    l->at = next;
    *out = next - offset;
    return true;
}

void print_flags(struct debugger *d, uint64_t flags, const struct flag_name *names, size_t count, const char *between)
{
    const char *separator = "";
    for (size_t i = 0; i < count; i++)
        if ((flags & names[i].bit) == names[i].bit) {
            debug_print(d, "%s%s", separator, names[i].name);
            separator = between;
        }
}

struct scene debug_scene(struct debugger *d)
{
    return (struct scene){.machine = d->m, .violation = machine_violation(d->m), .symbols = d->symbols};
}
