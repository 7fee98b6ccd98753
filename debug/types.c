/* What does not depend on the kind of debug information: names as people write them, and paths through fields. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debug/types_reader.h"

#define FIELD_LIMIT 4096u

void types_close(struct types *t)
{
    if (t != NULL)
        t->reader->close(t);
}

bool types_any(struct types *t)
{
    return t->reader->any(t);
}

type_id types_find(struct types *t, const char *name)
{
    static const char *const words[] = {"struct ", "union ", "enum ", "class "};
    char underscored[128];
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strncmp(name, words[i], strlen(words[i])) == 0)
            name += strlen(words[i]);
    snprintf(underscored, sizeof underscored, "_%s", name);
    type_id found = t->reader->find(t, name);
    if (found == 0)
        found = t->reader->find(t, underscored);
    if (found == 0 && name[0] == '_')
        found = t->reader->find(t, name + 1);
    return found;
}

void types_describe(struct types *t, type_id type, struct type_info *out)
{
    t->reader->describe(t, type, out);
}

bool types_field(struct types *t, type_id type, unsigned index, struct type_field *out)
{
    return t->reader->field(t, type, index, out);
}

bool types_path(struct types *t, type_id type, const char *path, struct type_field *out)
{
    *out = (struct type_field){.type = type};
    while (*path != '\0') {
        char name[80];
        struct type_field f = {0};
        size_t n = strcspn(path, ".[");
        if (n == 0 || n >= sizeof name)
            return false;
        memcpy(name, path, n);
        name[n] = '\0';
        unsigned i = 0;
        while (types_field(t, out->type, i, &f) && strcmp(f.name, name) != 0)
            if (++i == FIELD_LIMIT)
                return false;
        if (!types_field(t, out->type, i, &f))
            return false;
        f.offset += out->offset;
        *out = f;
        path += n;
        while (*path == '[') {
            char *end;
            struct type_info array, element;
            uint64_t index = strtoull(path + 1, &end, 0);
            types_describe(t, out->type, &array);
            types_describe(t, array.target, &element);
            if (*end != ']' || array.kind != TYPE_ARRAY || index >= 1u << 24)
                return false;
            out->offset += index * element.size;
            out->type = array.target;
            path = end + 1;
        }
        if (*path == '.')
            path++;
        else if (*path != '\0')
            return false;
    }
    return true;
}

const char *types_enumerator(struct types *t, type_id type, int64_t value)
{
    return t->reader->enumerator(t, type, value);
}

bool types_variable(struct types *t, const char *name, uint64_t *address, type_id *type)
{
    return t->reader->variable(t, name, address, type);
}

const char *types_match(struct types *t, const char *pattern, unsigned index)
{
    return t->reader->match(t, pattern, index);
}
