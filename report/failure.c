/*
 * Failure files. JSON, so that a person can look into one; every 64-bit number is a string of
 * hexadecimal digits, since JSON's numbers are doubles to most readers. Reading is parsing hostile
 * input: sizes are limited before anything is allocated, types are checked, and a hash over the
 * rest of the document tells a damaged file from one that no longer fits its drivers.
 *
 * Shared granules are written as runs, "GAP+LENGTH" in hexadecimal, the gap counted from the end of
 * the run before; decisions as "AGENT", "AGENT*TIMES" and "cAGENT=VALUE" for the answer to a
 * choice.
 */
#include "report/failure.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/address.h"
#include "abi/guest.h"
#include "abi/hypercall.h"
#include "base/file.h"
#include "base/str.h"
#include "base/vec.h"

#define FAILURE_FILE_LIMIT ((size_t)64 << 20)
#define FAILURE_TEXT_LIMIT 4096u
#define FAILURE_IMAGE_LIMIT 32u
#define FAILURE_SHARED_LIMIT ((size_t)4 << 20)
#define FAILURE_DECISION_LIMIT ((size_t)16 << 20)
#define FAILURE_AGENTS 64u
#define GRANULE_LIMIT (1ull << 61)

void failure_free(struct failure *f)
{
    free(f->rule);
    free(f->sentence);
    free(f->bugcheck);
    free(f->notes);
    for (size_t i = 0; i < f->image_count; i++) {
        free(f->images[i].name);
        free(f->images[i].path);
    }
    free(f->images);
    free(f->loader);
    free(f->scenario_path);
    free(f->shared);
    free(f->decisions);
    free(f->strategy);
    *f = (struct failure){0};
}

/* Writing. */

static void set_text(json_t *o, const char *key, const char *text)
{
    /* Names come from scenario files and images: what is not UTF-8 is replaced, never fatal. */
    json_t *value = json_string(text ? text : "");
    if (value == NULL) {
        char *copy = str_dup(text);
        for (char *c = copy; *c != '\0'; c++)
            if ((unsigned char)*c >= 0x80)
                *c = '?';
        value = json_string(copy);
        free(copy);
    }
    RD_ASSERT(value != NULL && json_object_set_new(o, key, value) == 0);
}

static void set_number(json_t *o, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%llx", (unsigned long long)value);
    set_text(o, key, text);
}

static void set_hash(json_t *o, const char *key, struct hash128 h)
{
    char text[HASH_TEXT];
    hash_text(h, text);
    set_text(o, key, text);
}

static void set_bytes(json_t *o, const char *key, const uint8_t *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char *text = malloc(2 * size + 1);
    RD_ASSERT(text != NULL);
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[data[i] >> 4];
        text[2 * i + 1] = digits[data[i] & 15];
    }
    text[2 * size] = '\0';
    set_text(o, key, text);
    free(text);
}

static void set_str(json_t *o, const char *key, struct str *s)
{
    set_text(o, key, s->data ? s->data : "");
    str_free(s);
}

static void set_shared(json_t *o, const struct failure *f)
{
    struct str s = {0};
    uint64_t end = 0;
    for (size_t i = 0; i < f->shared_count;) {
        size_t n = 1;
        while (i + n < f->shared_count && f->shared[i + n] == f->shared[i] + n)
            n++;
        str_addf(&s, "%s%llx+%zx", i ? " " : "", (unsigned long long)(f->shared[i] - end), n);
        end = f->shared[i] + n;
        i += n;
    }
    set_str(o, "shared", &s);
}

static bool same_decision(const struct failure_decision *a, const struct failure_decision *b)
{
    return a->is_choice == b->is_choice && a->agent == b->agent && a->value == b->value;
}

void failure_decisions_text(const struct failure_decision *decisions, size_t count, struct str *out)
{
    for (size_t i = 0; i < count;) {
        const struct failure_decision *d = &decisions[i];
        size_t n = 1;
        if (d->is_choice) {
            str_addf(out, "%sc%u=%u", i ? " " : "", d->agent, d->value);
        } else {
            while (i + n < count && same_decision(d, d + n))
                n++;
            str_addf(out, n > 1 ? "%s%u*%zu" : "%s%u", i ? " " : "", d->agent, n);
        }
        i += n;
    }
}

static void set_decisions(json_t *o, const struct failure *f)
{
    struct str s = {0};
    failure_decisions_text(f->decisions, f->decision_count, &s);
    set_str(o, "decisions", &s);
}

/* Over the document without its "check" member. */
static struct hash128 document_hash(const json_t *o)
{
    char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
    RD_ASSERT(text != NULL);
    struct hash128 h = hash_bytes(text, strlen(text));
    free(text);
    return h;
}

bool failure_write(const char *path, const struct failure *f, struct error *e)
{
    json_t *o = json_object();
    RD_ASSERT(o != NULL);
    json_object_set_new(o, "rundown", json_integer(FAILURE_VERSION));
    set_text(o, "rule", f->rule);
    set_text(o, "sentence", f->sentence);
    set_text(o, "bugcheck", f->bugcheck);
    if (f->notes != NULL)
        set_text(o, "notes", f->notes);
    set_text(o, "scenario", f->scenario_path);
    set_text(o, "strategy", f->strategy);
    set_number(o, "seed", f->seed);
    set_hash(o, "guest", f->guest);
    json_t *images = json_array();
    for (size_t i = 0; i < f->image_count; i++) {
        json_t *image = json_object();
        set_text(image, "name", f->images[i].name);
        set_text(image, "path", f->images[i].path);
        set_hash(image, "content", f->images[i].content);
        json_array_append_new(images, image);
    }
    json_object_set_new(o, "images", images);
    set_number(o, "driver_base", f->driver_base);
    set_bytes(o, "loader", f->loader, f->loader_size);
    set_shared(o, f);
    set_decisions(o, f);
    set_hash(o, "trace", f->trace);
    set_hash(o, "memory", f->memory);
    set_hash(o, "check", document_hash(o));
    char *text = json_dumps(o, JSON_INDENT(1));
    json_decref(o);
    RD_ASSERT(text != NULL);
    struct str s = {0};
    str_addf(&s, "%s\n", text);
    free(text);
    bool ok = file_write(path, s.data, s.count, e);
    str_free(&s);
    return ok;
}

/* Reading. Each function leaves an error that names the member. */

struct reader {
    const char *path;
    struct error *e;
};

static bool bad(const struct reader *r, const char *key, const char *what)
{
    return error_set(r->e, ERROR_INPUT, "%s: not a usable failure file: member \"%s\" %s", r->path,
                     key, what);
}

static const char *get_text(const struct reader *r, const json_t *o, const char *key, size_t limit)
{
    const json_t *v = json_object_get(o, key);
    if (!json_is_string(v)) {
        bad(r, key, v == NULL ? "is missing" : "is not a string");
        return NULL;
    }
    if (json_string_length(v) > limit || strlen(json_string_value(v)) != json_string_length(v)) {
        bad(r, key, "is too long or holds a NUL");
        return NULL;
    }
    return json_string_value(v);
}

static bool copy_text(const struct reader *r, const json_t *o, const char *key, char **out)
{
    const char *text = get_text(r, o, key, FAILURE_TEXT_LIMIT);
    if (text != NULL)
        *out = str_dup(text);
    return text != NULL;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 1 to 16 digits; *at moves behind them. */
static bool parse_hex(const char **at, uint64_t *out)
{
    uint64_t value = 0;
    int n = 0;
    for (; hex_digit(**at) >= 0; (*at)++, n++)
        value = value << 4 | (uint64_t)hex_digit(**at);
    *out = value;
    return n >= 1 && n <= 16;
}

static bool parse_decimal(const char **at, uint64_t limit, uint64_t *out)
{
    uint64_t value = 0;
    const char *start = *at;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        value = value * 10 + (uint64_t)(**at - '0');
        if (value > limit)
            return false;
    }
    *out = value;
    return *at != start;
}

static bool get_number(const struct reader *r, const json_t *o, const char *key, uint64_t *out)
{
    const char *text = get_text(r, o, key, 16);
    if (text == NULL)
        return false;
    return (parse_hex(&text, out) && *text == '\0') || bad(r, key, "is not a hexadecimal number");
}

static bool get_hash(const struct reader *r, const json_t *o, const char *key, struct hash128 *out)
{
    const char *text = get_text(r, o, key, HASH_TEXT - 1);
    return text != NULL && (hash_parse(text, out) || bad(r, key, "is not a hash"));
}

/* Whether [address, address + count * size) lies inside the loader's bytes. */
static bool inside(const struct failure *f, uint64_t address, uint64_t count, uint64_t size)
{
    return address >= RD_LOADER_BLOCK && address - RD_LOADER_BLOCK <= f->loader_size &&
           count <= (f->loader_size - (address - RD_LOADER_BLOCK)) / size;
}

/* A UTF-16 string with its end, or none. */
static bool is_name(const struct failure *f, uint64_t address)
{
    if (address == 0)
        return true;
    for (; inside(f, address, 1, 2); address += 2) {
        uint16_t unit;
        memcpy(&unit, f->loader + (address - RD_LOADER_BLOCK), sizeof unit);
        if (unit == 0)
            return true;
    }
    return false;
}

static bool are_steps(const struct failure *f, uint64_t address, uint32_t count)
{
    if (!inside(f, address, count, sizeof(struct rd_step)))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct rd_step s;
        memcpy(&s, f->loader + (address - RD_LOADER_BLOCK) + i * sizeof s, sizeof s);
        bool text2_is_name = (s.flags & RD_STEP_EXPECT) == 0;
        if (!is_name(f, s.text) || (text2_is_name && !is_name(f, s.text2)) ||
            (s.input_size != 0 && !inside(f, s.input, s.input_size, 1)))
            return false;
    }
    return true;
}

/* The guest kernel trusts its loader block, so what a file brings is checked here. */
static bool is_loader(const struct failure *f, const struct rd_loader_block *block)
{
    if (block->os < RD_OS_WIN7 || block->os > RD_OS_WIN10 || block->cpus > RD_MAX_CPUS ||
        block->max_cpus > RD_MAX_CPUS || block->thread_count > RD_MAX_CPUS ||
        !are_steps(f, block->setup, block->setup_count) ||
        !inside(f, block->threads, block->thread_count, sizeof(struct rd_scenario_thread)))
        return false;
    for (uint32_t i = 0; i < block->thread_count; i++) {
        struct rd_scenario_thread t;
        memcpy(&t, f->loader + (block->threads - RD_LOADER_BLOCK) + i * sizeof t, sizeof t);
        if (memchr(t.name, '\0', sizeof t.name) == NULL || !are_steps(f, t.steps, t.step_count))
            return false;
    }
    return true;
}

static bool get_loader(const struct reader *r, const json_t *o, struct failure *f)
{
    const char *text = get_text(r, o, "loader", 2 * RD_LOADER_SIZE);
    if (text == NULL)
        return false;
    size_t n = strlen(text);
    if (n % 2 != 0 || n / 2 < sizeof(struct rd_loader_block))
        return bad(r, "loader", "has the wrong length");
    f->loader = malloc(n / 2);
    RD_ASSERT(f->loader != NULL);
    f->loader_size = n / 2;
    for (size_t i = 0; i < n / 2; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return bad(r, "loader", "is not hexadecimal");
        f->loader[i] = (uint8_t)(high << 4 | low);
    }
    struct rd_loader_block block;
    memcpy(&block, f->loader, sizeof block);
    if (block.magic != RD_LOADER_MAGIC)
        return bad(r, "loader", "is no loader block");
    if (block.version != RD_ABI_VERSION)
        return bad(r, "loader", "was made by another version of rundown");
    return is_loader(f, &block) || bad(r, "loader", "points outside of itself");
}

static bool get_shared(const struct reader *r, const json_t *o, struct failure *f)
{
    const char *at = get_text(r, o, "shared", FAILURE_FILE_LIMIT);
    if (at == NULL)
        return false;
    VEC(uint64_t) granules = {0};
    uint64_t end = 0;
    bool ok = true;
    while (ok && *at != '\0') {
        uint64_t gap, length;
        ok = parse_hex(&at, &gap) && *at++ == '+' && parse_hex(&at, &length) &&
             (*at == ' ' || *at == '\0');
        /* A gap of 0 behind a run would have been part of the run. */
        ok = ok && (gap > 0 || granules.count == 0) && length > 0 && gap < GRANULE_LIMIT &&
             length <= FAILURE_SHARED_LIMIT - granules.count && end + gap + length <= GRANULE_LIMIT;
        if (!ok)
            break;
        for (uint64_t i = 0; i < length; i++)
            vec_push(&granules, end + gap + i);
        end += gap + length;
        if (*at == ' ')
            at++;
    }
    f->shared = granules.data;
    f->shared_count = granules.count;
    return ok || bad(r, "shared", "is malformed");
}

static bool get_decisions(const struct reader *r, const json_t *o, struct failure *f)
{
    const char *at = get_text(r, o, "decisions", FAILURE_FILE_LIMIT);
    if (at == NULL)
        return false;
    VEC(struct failure_decision) list = {0};
    bool ok = true;
    while (ok && *at != '\0') {
        uint64_t agent, value = 0, times = 1;
        bool choice = *at == 'c';
        if (choice)
            at++;
        ok = parse_decimal(&at, FAILURE_AGENTS - 1, &agent);
        if (ok && choice)
            ok = *at == '=' && (at++, parse_decimal(&at, UINT16_MAX, &value));
        else if (ok && *at == '*')
            ok = (at++, parse_decimal(&at, FAILURE_DECISION_LIMIT, &times)) && times > 0;
        ok = ok && (*at == ' ' || *at == '\0') && times <= FAILURE_DECISION_LIMIT - list.count;
        if (!ok)
            break;
        struct failure_decision d = {choice, (uint8_t)agent, (uint16_t)value};
        for (uint64_t i = 0; i < times; i++)
            vec_push(&list, d);
        if (*at == ' ')
            at++;
    }
    f->decisions = list.data;
    f->decision_count = list.count;
    return ok || bad(r, "decisions", "is malformed");
}

static bool get_images(const struct reader *r, const json_t *o, struct failure *f)
{
    const json_t *list = json_object_get(o, "images");
    if (!json_is_array(list) || json_array_size(list) == 0 ||
        json_array_size(list) > FAILURE_IMAGE_LIMIT)
        return bad(r, "images", "is not a list of 1 to 32 images");
    f->images = calloc(json_array_size(list), sizeof *f->images);
    RD_ASSERT(f->images != NULL);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *image = json_array_get(list, i);
        struct failure_image *out = &f->images[f->image_count++];
        if (!json_is_object(image))
            return bad(r, "images", "holds something that is not an object");
        if (!copy_text(r, image, "name", &out->name) || !copy_text(r, image, "path", &out->path) ||
            !get_hash(r, image, "content", &out->content))
            return false;
        if (out->name[0] == '\0' || strlen(out->name) >= RD_ABI_NAME ||
            strchr(out->name, '/') != NULL)
            return bad(r, "name", "of an image is not a file name");
    }
    return true;
}

static bool read_members(const struct reader *r, json_t *o, struct failure *f)
{
    const json_t *version = json_object_get(o, "rundown");
    if (!json_is_integer(version))
        return bad(r, "rundown", version == NULL ? "is missing" : "is not a number");
    if (json_integer_value(version) != FAILURE_VERSION)
        return error_set(r->e, ERROR_INPUT,
                         "%s: failure file of version %lld, this rundown reads version %d", r->path,
                         (long long)json_integer_value(version), FAILURE_VERSION);
    struct hash128 said;
    if (!get_hash(r, o, "check", &said))
        return false;
    json_object_del(o, "check");
    if (!hash_equal(said, document_hash(o)))
        return error_set(r->e, ERROR_INPUT,
                         "%s: damaged: the content does not match its check hash", r->path);
    return copy_text(r, o, "rule", &f->rule) && copy_text(r, o, "sentence", &f->sentence) &&
           copy_text(r, o, "bugcheck", &f->bugcheck) &&
           (json_object_get(o, "notes") == NULL || copy_text(r, o, "notes", &f->notes)) &&
           copy_text(r, o, "scenario", &f->scenario_path) &&
           copy_text(r, o, "strategy", &f->strategy) && get_number(r, o, "seed", &f->seed) &&
           get_hash(r, o, "guest", &f->guest) && get_images(r, o, f) &&
           get_number(r, o, "driver_base", &f->driver_base) && get_loader(r, o, f) &&
           get_shared(r, o, f) && get_decisions(r, o, f) && get_hash(r, o, "trace", &f->trace) &&
           get_hash(r, o, "memory", &f->memory);
}

bool failure_read(const char *path, struct failure *out, struct error *e)
{
    *out = (struct failure){0};
    struct file_data file;
    if (!file_read(path, FAILURE_FILE_LIMIT, &file, e))
        return false;
    json_error_t where;
    json_t *o = json_loadb((const char *)file.data, file.size, JSON_REJECT_DUPLICATES, &where);
    file_free(&file);
    if (o == NULL) {
        for (char *c = where.text; *c != '\0'; c++)
            if ((unsigned char)*c < 0x20 || *c == 0x7F)
                *c = ' ';
        return error_set(e, ERROR_INPUT, "%s:%d: not a failure file: %s", path, where.line,
                         where.text);
    }
    struct reader r = {path, e};
    bool ok = json_is_object(o)
                  ? read_members(&r, o, out)
                  : error_set(e, ERROR_INPUT, "%s: not a failure file: no object", path);
    json_decref(o);
    if (!ok)
        failure_free(out);
    return ok;
}
