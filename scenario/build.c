/* A scenario as data: drivers, setup steps and threads, and what is completed when everything has
 * been said. No Lua here, so that a scenario made from bare drivers goes the same way. */
#include "scenario/scenario.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "base/vec.h"
#include "scenario/internal.h"

void scenario_init(struct scenario *s)
{
    *s = (struct scenario){.os = RD_OS_WIN10};
}

static void free_steps(struct scenario_step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(steps[i].text);
        free(steps[i].text2);
        free(steps[i].input);
    }
    free(steps);
}

void scenario_free(struct scenario *s)
{
    free(s->path);
    free(s->verifier_drivers);
    for (unsigned i = 0; i < s->driver_count; i++) {
        free(s->drivers[i].name);
        free(s->drivers[i].path);
    }
    free_steps(s->setup, s->setup_count);
    for (unsigned i = 0; i < s->thread_count; i++) {
        free(s->threads[i].name);
        free_steps(s->threads[i].steps, s->threads[i].count);
    }
    *s = (struct scenario){0};
}

struct scenario_step *scenario_add_step(struct scenario_step **steps, size_t *count,
                                        size_t *capacity)
{
    if (*count == *capacity)
        vec_grow((void **)steps, capacity, *count + 1, sizeof **steps);
    struct scenario_step *step = &(*steps)[(*count)++];
    *step = (struct scenario_step){.slot = NO_SLOT};
    return step;
}

static size_t service_length(const char *name)
{
    size_t n = strlen(name);
    return n > 4 && strcasecmp(name + n - 4, ".sys") == 0 ? n - 4 : n;
}

char *scenario_service(const char *driver)
{
    return str_format("%.*s", (int)service_length(driver), driver);
}

struct scenario_driver *scenario_find_driver(struct scenario *s, const char *name)
{
    size_t n = service_length(name);
    for (unsigned i = 0; i < s->driver_count; i++)
        if (service_length(s->drivers[i].name) == n &&
            strncasecmp(s->drivers[i].name, name, n) == 0)
            return &s->drivers[i];
    return NULL;
}

bool scenario_add_driver(struct scenario *s, const char *name, char *path, bool load,
                         struct error *e)
{
    size_t n = strlen(name);
    bool ok = true;
    if (n < 5 || strcasecmp(name + n - 4, ".sys") != 0)
        ok = error_set(e, ERROR_INPUT, "driver \"%s\": a driver's file name ends in .sys", name);
    else if (n >= RD_ABI_NAME)
        ok = error_set(e, ERROR_INPUT, "driver \"%s\": the name is longer than %d bytes", name,
                       RD_ABI_NAME - 1);
    else if (scenario_find_driver(s, name) != NULL)
        ok = error_set(e, ERROR_INPUT, "driver \"%s\" is given twice", name);
    else if (s->driver_count == SCENARIO_MAX_DRIVERS)
        ok = error_set(e, ERROR_INPUT, "driver \"%s\": at most %d drivers", name,
                       SCENARIO_MAX_DRIVERS);
    if (!ok) {
        free(path);
        return false;
    }
    s->drivers[s->driver_count++] = (struct scenario_driver){str_dup(name), path, load};
    return true;
}

char *scenario_locate(const char *scenario_path, const char *name)
{
    char *directory = file_directory(scenario_path);
    char *path = file_join(directory, name);
    free(directory);
    if (file_exists(path))
        return path;
    free(path);
    const char *list = getenv("RUNDOWN_DRIVERS");
    while (list != NULL && *list != '\0') {
        size_t n = strcspn(list, ":");
        path = str_format("%.*s/%s", (int)n, list, name);
        if (n > 0 && file_exists(path))
            return path;
        free(path);
        list += n + (list[n] == ':');
    }
    return NULL;
}

static bool resolve_thread(struct scenario *s, struct scenario_step *step, struct error *e)
{
    for (unsigned i = 0; i < s->thread_count; i++)
        if (strcmp(s->threads[i].name, step->text) == 0) {
            step->value = i;
            free(step->text);
            step->text = NULL;
            return true;
        }
    return error_set(e, ERROR_INPUT, "%s: no thread \"%s\" in this scenario", step->verb,
                     step->text);
}

static bool is_device(const struct scenario *s, const char *name)
{
    for (size_t i = 0; i < s->setup_count; i++)
        if (s->setup[i].op == RD_OP_ADD_DEVICE && strcasecmp(s->setup[i].text, name) == 0)
            return true;
    return false;
}

/* Volumes first, then loads, then devices, whatever the order of the statements: a driver may find
 * the volume there when it is loaded. */
static void order_setup(struct scenario *s)
{
    struct scenario_step *devices = s->setup;
    size_t said = s->setup_count, device_count = 0;
    for (size_t i = 0; i < said; i++)
        device_count += devices[i].op == RD_OP_ADD_DEVICE;
    s->setup = NULL;
    s->setup_count = s->setup_capacity = 0;
    char *last = NULL;
    char *list = NULL;
    for (size_t i = 0; i < said; i++)
        if (devices[i].op == RD_OP_MOUNT)
            *scenario_add_step(&s->setup, &s->setup_count, &s->setup_capacity) = devices[i];
    for (unsigned i = 0; i < s->driver_count; i++) {
        if (!s->drivers[i].load)
            continue;
        struct scenario_step *step =
            scenario_add_step(&s->setup, &s->setup_count, &s->setup_capacity);
        step->op = RD_OP_LOAD;
        step->text = scenario_service(s->drivers[i].name);
        step->verb = "driver";
        char *longer = list == NULL ? str_dup(step->text) : str_format("%s;%s", list, step->text);
        free(list);
        list = longer;
        last = step->text;
    }
    for (size_t i = 0; i < said; i++)
        if (devices[i].op == RD_OP_ADD_DEVICE)
            *scenario_add_step(&s->setup, &s->setup_count, &s->setup_capacity) = devices[i];
    free(devices);
    if (device_count == 0 && last != NULL) {
        /* The kernel leaves out drivers that have no AddDevice routine, so this says nothing to
         * them. */
        char *instance = str_dup(last);
        struct scenario_step *step =
            scenario_add_step(&s->setup, &s->setup_count, &s->setup_capacity);
        step->op = RD_OP_ADD_DEVICE;
        step->text = instance;
        step->text2 = list;
        step->verb = "device";
        list = NULL;
    }
    free(list);
}

bool scenario_finish(struct scenario *s, int *line, struct error *e)
{
    order_setup(s);
    for (unsigned t = 0; t < s->thread_count; t++)
        for (size_t i = 0; i < s->threads[t].count; i++) {
            struct scenario_step *step = &s->threads[t].steps[i];
            *line = step->line;
            switch (step->op) {
            case RD_OP_SUSPEND:
            case RD_OP_RESUME:
            case RD_OP_TERMINATE:
            case RD_OP_ALERT:
            case RD_OP_QUEUE_APC:
                if (!resolve_thread(s, step, e))
                    return false;
                break;
            case RD_OP_START_DEVICE:
            case RD_OP_QUERY_REMOVE:
            case RD_OP_CANCEL_REMOVE:
            case RD_OP_REMOVE_DEVICE:
            case RD_OP_SURPRISE_REMOVE:
            case RD_OP_POWER:
            case RD_OP_QUERY_CAPABILITIES:
            case RD_OP_QUERY_POWER:
                if (!is_device(s, step->text) && scenario_find_driver(s, step->text) == NULL)
                    return error_set(e, ERROR_INPUT,
                                     "%s: no device or driver \"%s\" in this scenario", step->verb,
                                     step->text);
                break;
            default:
                break;
            }
        }
    return true;
}

static void insert_step(struct scenario_step **steps, size_t *count, size_t *capacity, size_t at,
                        struct scenario_step step)
{
    scenario_add_step(steps, count, capacity);
    memmove(*steps + at + 1, *steps + at, (*count - 1 - at) * sizeof **steps);
    (*steps)[at] = step;
}

void scenario_load_first(struct scenario *s, const char *driver)
{
    insert_step(&s->setup, &s->setup_count, &s->setup_capacity, 0,
                (struct scenario_step){.slot = NO_SLOT,
                                       .op = RD_OP_LOAD,
                                       .text = scenario_service(driver),
                                       .verb = "driver"});
}

void scenario_default_filter(struct scenario *s, const char *driver)
{
    struct scenario_thread *unloader = &s->threads[s->thread_count - 1];
    insert_step(&s->setup, &s->setup_count, &s->setup_capacity, 0,
                (struct scenario_step){.slot = NO_SLOT, .op = RD_OP_MOUNT, .verb = "mount"});
    insert_step(&unloader->steps, &unloader->count, &unloader->capacity, 0,
                (struct scenario_step){.slot = NO_SLOT,
                                       .op = RD_OP_UNLOAD_FILTER,
                                       .text = scenario_service(driver),
                                       .verb = "unload_filter"});
}

bool scenario_uses_filters(const struct scenario *s)
{
    for (unsigned t = 0; t < s->thread_count; t++)
        for (size_t i = 0; i < s->threads[t].count; i++)
            switch (s->threads[t].steps[i].op) {
            case RD_OP_ATTACH_FILTER:
            case RD_OP_DETACH_FILTER:
            case RD_OP_UNLOAD_FILTER:
                return true;
            default:
                break;
            }
    return false;
}

static struct scenario_thread *default_thread(struct scenario *s, const char *name)
{
    struct scenario_thread *t = &s->threads[s->thread_count++];
    t->name = str_dup(name);
    return t;
}

bool scenario_default(char *const *drivers, unsigned count, struct scenario *out, struct error *e)
{
    scenario_init(out);
    for (unsigned i = 0; i < count; i++) {
        struct file_data probe;
        /* Reading tells a missing file from a directory and from one that may not be read. */
        if (!file_read(drivers[i], (size_t)64 << 20, &probe, e)) {
            scenario_free(out);
            return false;
        }
        file_free(&probe);
        if (!scenario_add_driver(out, file_name(drivers[i]), str_dup(drivers[i]), true, e)) {
            scenario_free(out);
            return false;
        }
    }
    static const char *const clients[] = {"client-1", "client-2"};
    for (unsigned i = 0; i < 2; i++) {
        struct scenario_thread *t = default_thread(out, clients[i]);
        struct scenario_step *step = scenario_add_step(&t->steps, &t->count, &t->capacity);
        step->op = RD_OP_EXERCISE;
        step->verb = "exercise";
    }
    struct scenario_thread *t = default_thread(out, "unloader");
    /* A PnP driver goes with its device; for a legacy driver there is none, and the request says so. */
    struct scenario_step *removal = scenario_add_step(&t->steps, &t->count, &t->capacity);
    removal->op = RD_OP_REMOVE_DEVICE;
    removal->text = scenario_service(out->drivers[out->driver_count - 1].name);
    removal->verb = "remove_device";
    for (unsigned i = out->driver_count; i-- > 0;) {
        struct scenario_step *step = scenario_add_step(&t->steps, &t->count, &t->capacity);
        step->op = RD_OP_UNLOAD;
        step->text = scenario_service(out->drivers[i].name);
        step->verb = "unload";
    }
    int line;
    return scenario_finish(out, &line, e);
}
