/*
 * dt: types by debug information, the kernel's and every driver's. `dt nt!_KTHREAD`, `dt _IRP fffffa80...`,
 * `dt upper!EXTENSION 0n..`, `dt nt!_K*`, `dt nt!_KTHREAD KernelApcDisable @$thread`.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "debug/layout.h"

#define MATCH_LIMIT 200u
#define DEPTH_LIMIT 3u

struct shown {
    struct debugger *d;
    struct types *types;
    bool has_address;
    unsigned recurse;
    const char *field; /* only this one; "": all */
};

static void type_text(struct types *t, type_id type, unsigned nest, char *out, size_t size)
{
    struct type_info i;
    char inner[160];
    types_describe(t, type, &i);
    switch (i.kind) {
    case TYPE_VOID:
        snprintf(out, size, "Void");
        break;
    case TYPE_INTEGER:
        if (i.size == 1 || i.is_character)
            snprintf(out, size, "%s", i.size > 1 ? "Wchar" : i.is_signed ? "Char" : "UChar");
        else
            snprintf(out, size, "%s%" PRIu64 "B", i.is_signed ? "Int" : "Uint", i.size);
        break;
    case TYPE_FLOAT:
        snprintf(out, size, "%s", i.size == 4 ? "Float" : "Double");
        break;
    case TYPE_ENUM:
    case TYPE_STRUCT:
        snprintf(out, size, "%s", i.name[0] != '\0' ? i.name : i.kind == TYPE_ENUM ? "<unnamed-enum>" : "<unnamed-tag>");
        break;
    case TYPE_POINTER:
    case TYPE_ARRAY:
        if (nest < 8)
            type_text(t, i.target, nest + 1, inner, sizeof inner);
        else
            snprintf(inner, sizeof inner, "...");
        if (i.kind == TYPE_POINTER)
            snprintf(out, size, "Ptr64 %s", inner);
        else
            snprintf(out, size, "[%" PRIu64 "] %s", i.count, inner);
        break;
    case TYPE_FUNCTION:
        snprintf(out, size, "Void");
        break;
    case TYPE_UNKNOWN:
        snprintf(out, size, "<unknown type>");
        break;
    }
}

static void print_list_entry(struct shown *s, const struct type_info *i, gva_t at)
{
    uint64_t flink, blink;
    if (strcmp(i->name, "_LIST_ENTRY") == 0 && debug_read64(s->d, at, &flink) && debug_read64(s->d, at + 8, &blink))
        debug_print(s->d, " [ 0x%016" PRIx64 " - 0x%016" PRIx64 " ]", flink, blink);
    char text[256];
    if (strcmp(i->name, "_UNICODE_STRING") == 0 && debug_read_unicode(s->d, at, text, sizeof text))
        debug_print(s->d, " \"%s\"", text);
}

static void print_scalar(struct shown *s, const struct type_info *i, const struct type_field *f, gva_t at)
{
    uint64_t value = 0;
    if (i->size == 0 || i->size > 8 || !debug_read(s->d, at, &value, i->size)) {
        debug_print(s->d, "????");
        return;
    }
    unsigned bits = f->bit_count != 0 ? f->bit_count : 8 * (unsigned)i->size;
    if (f->bit_count != 0)
        value = value >> f->bit_position;
    if (bits < 64)
        value &= (1ull << bits) - 1;
    int64_t number = bits < 64 && i->is_signed ? (int64_t)(value << (64 - bits)) >> (64 - bits) : (int64_t)value;
    const char *name = i->kind == TYPE_ENUM ? types_enumerator(s->types, f->type, number) : NULL;
    if (f->bit_count != 0) {
        debug_print(s->d, "0y");
        for (unsigned b = bits; b-- > 0;)
            debug_print(s->d, "%u", (unsigned)(value >> b & 1));
    } else if (name != NULL) {
        debug_print(s->d, "%" PRId64 " ( %s )", number, name);
    } else if (i->kind == TYPE_ENUM || (i->is_signed && !i->is_character && i->size > 1)) {
        debug_print(s->d, "0n%" PRId64, number);
    } else {
        debug_print(s->d, "0x%" PRIx64, value);
        if (i->size == 1 && value >= 0x20 && value < 0x7F)
            debug_print(s->d, " '%c'", (char)value);
        else if (i->size == 1)
            debug_print(s->d, " ''");
    }
}

static void print_pointer(struct shown *s, const struct type_info *i, gva_t at)
{
    uint64_t value;
    char inner[160], symbol[DEBUG_SYMBOL];
    struct type_info target;
    if (!debug_read64(s->d, at, &value)) {
        debug_print(s->d, "????");
        return;
    }
    types_describe(s->types, i->target, &target);
    type_text(s->types, i->target, 0, inner, sizeof inner);
    if (value == 0)
        debug_print(s->d, "(null)");
    else if (target.kind == TYPE_FUNCTION)
        debug_print(s->d, "0x%016" PRIx64 "     %s", value, debug_symbol(s->d, value, symbol));
    else
        debug_print(s->d, "0x%016" PRIx64 " %s", value, inner);
}

static void print_fields(struct shown *s, type_id type, gva_t at, unsigned depth);

static void print_field(struct shown *s, const struct type_field *f, gva_t at, unsigned depth)
{
    char text[200];
    struct type_info i;
    types_describe(s->types, f->type, &i);
    debug_print(s->d, "%*s+0x%03" PRIx64 " %-16s : ", 3 * (int)depth + 3, "", f->offset, f->name);
    type_text(s->types, f->type, 0, text, sizeof text);
    if (!s->has_address) {
        if (f->bit_count != 0)
            debug_print(s->d, "Pos %u, %u Bit%s", f->bit_position, f->bit_count, f->bit_count > 1 ? "s" : "");
        else
            debug_print(s->d, "%s", text);
    } else if (i.kind == TYPE_POINTER) {
        print_pointer(s, &i, at + f->offset);
    } else if (i.kind == TYPE_STRUCT) {
        debug_print(s->d, "%s", text);
        print_list_entry(s, &i, at + f->offset);
    } else if (i.kind == TYPE_ARRAY) {
        struct type_info element;
        types_describe(s->types, i.target, &element);
        char content[64];
        size_t n = 0;
        uint8_t c;
        while (element.kind == TYPE_INTEGER && element.size == 1 && n + 1 < sizeof content && n < i.count &&
               debug_read8(s->d, at + f->offset + n, &c) && c >= 0x20 && c < 0x7F)
            content[n++] = (char)c;
        content[n] = '\0';
        debug_print(s->d, n > 0 ? "%s  \"%s\"" : "%s", text, content);
    } else {
        print_scalar(s, &i, f, at + f->offset);
    }
    debug_print(s->d, "\n");
    if (i.kind == TYPE_STRUCT && depth < s->recurse)
        print_fields(s, f->type, at + f->offset, depth + 1);
}

static void print_fields(struct shown *s, type_id type, gva_t at, unsigned depth)
{
    struct type_field f;
    bool any = false;
    if (depth == 0 && s->field[0] != '\0' && types_path(s->types, type, s->field, &f)) {
        snprintf(f.name, sizeof f.name, "%s", s->field);
        print_field(s, &f, at, depth);
        return;
    }
    for (unsigned i = 0; types_field(s->types, type, i, &f); i++) {
        size_t n = strlen(s->field);
        if (depth == 0 && n > 0 && (s->field[n - 1] != '.' || strncmp(f.name, s->field, n - 1) != 0))
            continue;
        any = true;
        print_field(s, &f, at, depth);
    }
    if (!any && s->field[0] != '\0')
        debug_error(s->d, "Cannot find specified field members");
}

/* The image whose module name is `name`; NULL name: the next one that knows the type. */
static bool find_type(struct debugger *d, const char *module, const char *name, struct shown *s, type_id *type, gva_t *variable)
{
    bool known = false;
    for (unsigned i = 0; i < machine_image_count(d->m); i++) {
        char own[RD_ABI_NAME];
        const struct machine_image *image = machine_image(d->m, i);
        symbols_module_name(image, own);
        if (module[0] != '\0' && strcasecmp(own, module) != 0)
            continue;
        known = true;
        s->types = symbols_types(d->symbols, image);
        *type = types_find(s->types, name);
        if (*type == 0)
            *variable = symbols_variable(d->symbols, image, name, type);
        if (*type != 0 || (module[0] != '\0' && !types_any(s->types)))
            break;
    }
    if (!known)
        debug_error(d, "Module %s is not loaded", module);
    else if (*type == 0 && module[0] != '\0' && !types_any(s->types))
        debug_error(d, "Module %s has no debug information", module);
    else if (*type == 0)
        debug_error(d, "Symbol %s not found.", name);
    return *type != 0;
}

static void list_matches(struct debugger *d, const char *module, const char *pattern)
{
    unsigned count = 0;
    for (unsigned i = 0; i < machine_image_count(d->m); i++) {
        char own[RD_ABI_NAME];
        const char *name;
        const struct machine_image *image = machine_image(d->m, i);
        symbols_module_name(image, own);
        if (module[0] != '\0' && strcasecmp(own, module) != 0)
            continue;
        struct types *t = symbols_types(d->symbols, image);
        for (unsigned k = 0; (name = types_match(t, pattern, k)) != NULL && count < MATCH_LIMIT; k++, count++)
            debug_print(d, "          %s!%s\n", own, name);
    }
    if (count == 0)
        debug_error(d, "Symbol %s not found.", pattern);
    else if (count == MATCH_LIMIT)
        debug_print(d, "(the first %u)\n", MATCH_LIMIT);
}

static size_t word(const char **text, char *out, size_t size)
{
    *text += strspn(*text, " \t");
    size_t n = strcspn(*text, " \t");
    snprintf(out, size, "%.*s", (int)n, *text);
    *text += n + strspn(*text + n, " \t");
    return n;
}

/* A word that is a field and not an address: it does not begin like a number or a register. */
static bool is_field(struct shown *s, type_id type, const char *text)
{
    struct type_field f;
    char name[80];
    const char *rest = text;
    size_t n = word(&rest, name, sizeof name);
    if (n == 0 || strchr("@$(`", name[0]) != NULL)
        return false;
    if (types_path(s->types, type, name, &f))
        return true;
    return (name[0] >= 'G' && name[0] <= 'Z') || name[n - 1] == '.';
}

static void run(struct debugger *d, const char *name, const char *args)
{
    char whole[160], module[RD_ABI_NAME] = "", field[80] = "";
    struct shown s = {.d = d, .field = field};
    type_id type = 0;
    uint64_t at = 0;
    gva_t variable = 0;
    (void)name;
    while (args[0] == '-') {
        char option[8];
        word(&args, option, sizeof option);
        if (option[1] == 'r')
            s.recurse = option[2] >= '1' && option[2] <= '9' ? (unsigned)(option[2] - '0') : DEPTH_LIMIT;
    }
    if (word(&args, whole, sizeof whole) == 0) {
        debug_error(d, "dt: which type?");
        return;
    }
    char *mark = strchr(whole, '!');
    const char *type_name = mark != NULL ? mark + 1 : whole;
    if (mark != NULL)
        snprintf(module, sizeof module, "%.*s", (int)(mark - whole), whole);
    if (strchr(type_name, '*') != NULL) {
        list_matches(d, module, type_name);
        return;
    }
    if (!find_type(d, module, type_name, &s, &type, &variable))
        return;
    if (variable != 0) {
        at = variable;
        s.has_address = true;
    }
    if (*args != '\0' && is_field(&s, type, args))
        word(&args, field, sizeof field);
    if (*args != '\0') {
        if (!debug_eval(d, &args, &at))
            return;
        s.has_address = true;
        if (field[0] == '\0' && *args != '\0')
            word(&args, field, sizeof field);
    }
    struct type_info i;
    types_describe(s.types, type, &i);
    if (i.kind == TYPE_STRUCT) {
        print_fields(&s, type, at, 0);
        return;
    }
    struct type_field f = {.type = type};
    char text[200];
    type_text(s.types, type, 0, text, sizeof text);
    debug_print(d, "%s", text);
    if (s.has_address && i.kind != TYPE_ARRAY) {
        debug_print(d, " ");
        if (i.kind == TYPE_POINTER)
            print_pointer(&s, &i, at);
        else
            print_scalar(&s, &i, &f, at);
    }
    debug_print(d, "\n");
}

const struct debug_command debug_command_dt = {
    .names = "dt",
    .syntax = "[-rN] [MODULE!]TYPE [FIELD] [ADDRESS]",
    .help = "a structure by debug information, with its contents at an address; * lists types",
    .run = run,
};
