/*
 * `rundown merge`: the results of the parts of one check (`check --shard I/N --json`), added up. The parts did not speak to each other, so
 * what they may claim together is decided here: everything, only if all parts of the same check are there, each went to its
 * end, and all agreed on what is shared, since that is how the whole was divided.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/vec.h"
#include "cli/cli.h"

#define RESULT_LIMIT ((size_t)256 << 20)
#define MAX_SHARDS 99999

struct part {
    json_t *object; /* the first of its file; it has what all have in common */
    bool finished;
};

struct found {
    const char *key;
    json_t *object; /* the first that met it */
    json_int_t count;
};

struct merging {
    VEC(json_t *) objects; /* owned */
    struct part *parts;    /* by number - 1 */
    size_t shards;
    VEC(struct found) found;
    json_t *first;
};

static const char *text_of(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));
    return s != NULL ? s : "";
}

static json_int_t number_of(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

static bool same_text(const json_t *a, const json_t *b, const char *name)
{
    return strcmp(text_of(a, name), text_of(b, name)) == 0;
}

static bool is_result(const json_t *o)
{
    return json_is_object(o) && text_of(o, "check")[0] != '\0' && json_is_boolean(json_object_get(o, "finished")) &&
           number_of(o, "shard") >= 1 && number_of(o, "shards") >= number_of(o, "shard") &&
           number_of(o, "shards") <= MAX_SHARDS && number_of(o, "executions") >= 0 &&
           (json_object_get(o, "key") == NULL || number_of(o, "count") >= 0);
}

static void add_found(struct merging *m, json_t *o)
{
    const char *key = text_of(o, "key");
    if (key[0] == '\0')
        return;
    size_t i = 0;
    while (i < m->found.count && strcmp(m->found.data[i].key, key) != 0)
        i++;
    if (i == m->found.count)
        vec_push(&m->found, (struct found){key, o, 0});
    m->found.data[i].count += number_of(o, "count");
}

/* One report; a part's further violations come in reports of their own, which repeat what is common. */
static bool take(struct merging *m, const char *path, json_t *o, bool first_of_file, struct error *e)
{
    if (!is_result(o))
        return error_set(e, ERROR_INPUT, "%s: not a result of `rundown check --json`", path);
    if (m->first == NULL) {
        m->first = o;
        m->shards = (size_t)number_of(o, "shards");
        m->parts = calloc(m->shards, sizeof *m->parts);
        RD_ASSERT(m->parts != NULL);
    }
    if (!same_text(o, m->first, "check"))
        return error_set(e, ERROR_INPUT, "%s: a result of another check than the files before it", path);
    if ((size_t)number_of(o, "shards") != m->shards)
        return error_set(e, ERROR_INPUT, "%s: one of %lld parts, not of %zu as the files before it", path,
                         (long long)number_of(o, "shards"), m->shards);
    struct part *p = &m->parts[number_of(o, "shard") - 1];
    if (first_of_file && p->object != NULL)
        return error_set(e, ERROR_INPUT, "%s: part %lld is there twice", path, (long long)number_of(o, "shard"));
    if (first_of_file)
        *p = (struct part){o, json_is_true(json_object_get(o, "finished"))};
    else if (p->object == NULL)
        return error_set(e, ERROR_INPUT, "%s: reports of several parts in one file", path);
    add_found(m, o);
    return true;
}

static bool read_file(struct merging *m, const char *path, struct error *e)
{
    struct file_data f;
    if (!file_read(path, RESULT_LIMIT, &f, e))
        return false;
    bool ok = true;
    size_t at = 0, count = 0;
    for (;;) {
        while (at < f.size && strchr(" \t\r\n", (char)f.data[at]) != NULL && f.data[at] != '\0')
            at++;
        if (at == f.size)
            break;
        json_error_t why;
        json_t *o = json_loadb((const char *)f.data + at, f.size - at, JSON_DISABLE_EOF_CHECK, &why);
        if (o == NULL) {
            ok = error_set(e, ERROR_INPUT, "%s: not a result of `rundown check --json`", path);
            break;
        }
        at += (size_t)why.position;
        vec_push(&m->objects, o);
        ok = take(m, path, o, count++ == 0, e);
        if (!ok)
            break;
    }
    if (ok && count == 0)
        ok = error_set(e, ERROR_INPUT, "%s: empty", path);
    file_free(&f);
    return ok;
}

/* Why there is no claim; NULL: all has been explored. */
static const char *what_is_missing(const struct merging *m, char *out, size_t size)
{
    for (size_t i = 0; i < m->shards; i++)
        if (m->parts[i].object == NULL) {
            snprintf(out, size, "part %zu of %zu is missing", i + 1, m->shards);
            return out;
        }
    for (size_t i = 0; i < m->shards; i++)
        if (!m->parts[i].finished) {
            snprintf(out, size, "part %zu of %zu: %s", i + 1, m->shards, text_of(m->parts[i].object, "claim"));
            return out;
        }
    for (size_t i = 1; i < m->shards; i++)
        if (!same_text(m->parts[i].object, m->parts[0].object, "sharing")) {
            snprintf(out, size,
                     "part %zu found other shared locations than part 1, so the parts may not fit together; "
                     "check it without --shard",
                     i + 1);
            return out;
        }
    return NULL;
}

static int conclude(const struct merging *m)
{
    json_int_t executions = 0, redundant = 0;
    size_t there = 0;
    char why[400];
    for (size_t i = 0; i < m->shards; i++)
        if (m->parts[i].object != NULL) {
            executions += number_of(m->parts[i].object, "executions");
            redundant += number_of(m->parts[i].object, "redundant");
            there++;
        }
    const char *missing = what_is_missing(m, why, sizeof why);
    for (size_t i = 0; i < m->found.count; i++) {
        const struct found *f = &m->found.data[i];
        printf("%8lld times  rule: %s  culprit: %s  (%s)\n", (long long)f->count, text_of(f->object, "rule"),
               text_of(f->object, "symbol"), text_of(f->object, "failure_file"));
    }
    printf("covered: %s\n", text_of(m->first, "covered"));
    printf("%s: %zu of %zu parts, %lld executions and %lld abandoned as redundant\n", text_of(m->first, "subject"),
           there, m->shards, (long long)executions, (long long)redundant);
    if (m->found.count > 0)
        printf("%zu distinct violation%s", m->found.count, m->found.count == 1 ? "" : "s");
    else
        printf("no violation");
    if (missing != NULL)
        printf(" in %lld executions: exploration not finished: %s\n", (long long)executions, missing);
    else /* the bounds belong to the check, so all parts have the same */
        printf(" in %lld executions: every interleaving explored%s\n", (long long)executions, text_of(m->first, "bounds"));
    return m->found.count > 0 ? EXIT_VIOLATION : EXIT_CLEAN;
}

static int merge(int argc, char **argv)
{
    struct options o;
    struct error e = {0};
    struct merging m = {.shards = 0};
    int first, status;
    if (!options_parse(argc, argv, "h", &o, &first, &e))
        return cli_fail(&e);
    if (o.help)
        return cli_help(&command_merge, "h");
    bool ok = first < argc || error_set(&e, ERROR_INPUT, "nothing to merge: give the results of the parts");
    for (int i = first; i < argc && ok; i++)
        ok = read_file(&m, argv[i], &e);
    status = ok ? conclude(&m) : cli_fail(&e);
    for (size_t i = 0; i < m.objects.count; i++)
        json_decref(m.objects.data[i]);
    vec_free(&m.objects);
    vec_free(&m.found);
    free(m.parts);
    return status;
}

const struct command command_merge = {
    .name = "merge",
    .synopsis = "RESULT.json...",
    .help = "Adds up the results of the parts of one check, each written by `rundown check --shard I/N --json`.",
    .run = merge,
};
