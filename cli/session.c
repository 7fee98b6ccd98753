/*
 * From what the user gave (a scenario, drivers, a failure file) to a booted machine, and from a
 * schedule to its replay. check, run and replay differ only in what they do with it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/vec.h"
#include "check/check.h"
#include "cli/cli.h"
#include "machine/dbt/dbt.h"
#include "machine/pe/pe.h"

#define IMAGE_FILE_LIMIT ((size_t)64 << 20)
/* Instructions of one step. A step without a shared access is a computation on private data; this
 * is far more than a driver does at once, and little enough that an endless loop is told within
 * seconds. */
#define STEP_BUDGET 50000000u
#define REPAIR_ROUNDS 8

/* All are part of the guest, so of its hash. The guest itself loads the file system when a volume is mounted. */
static const char *const system_drivers[SESSION_SYSTEM] = {"fltmgr.sys", "memfs.sys"};

/* The folder of the guest images: RUNDOWN_GUEST, else where a build tree or an installation has it.
 */
static char *find_kernel(struct error *e)
{
    const char *folder = getenv("RUNDOWN_GUEST");
    if (folder != NULL && folder[0] != '\0')
        return str_format("%s/ntoskrnl.exe", folder);
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n > 0) {
        self[n] = '\0';
        char *here = file_directory(self);
        static const char *const places[] = {"guest", "../guest", "../lib/rundown/guest"};
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
            char *path = str_format("%s/%s/ntoskrnl.exe", here, places[i]);
            if (file_exists(path)) {
                free(here);
                return path;
            }
            free(path);
        }
        free(here);
    }
    error_set(
        e, ERROR_INPUT,
        "no guest kernel beside the program: build it with `make guest`, or give --kernel FILE");
    return NULL;
}

bool session_read_kernel(const struct options *o, char **path, struct file_data *file,
                         struct error *e)
{
    *path = o->kernel != NULL ? str_dup(o->kernel) : find_kernel(e);
    return *path != NULL && file_read(*path, IMAGE_FILE_LIMIT, file, e);
}

/* The machine trusts its kernel, so any other image is refused here: ours has a section of export
 * records. */
static bool is_our_kernel(const char *path, const struct file_data *file, struct error *e)
{
    struct pe pe;
    if (!pe_parse(path, file->data, file->size, &pe, e))
        return false;
    for (unsigned i = 0; i < pe.section_count; i++)
        if (strcmp(pe.sections[i].name, ".rdexp") == 0)
            return true;
    return error_set(e, ERROR_INPUT, "%s: not rundown's kernel: no section .rdexp", path);
}

static bool read_guest(struct session *s, const struct options *o, struct error *e)
{
    if (!session_read_kernel(o, &s->kernel_path, &s->kernel, e) ||
        !is_our_kernel(s->kernel_path, &s->kernel, e))
        return false;
    char *folder = file_directory(s->kernel_path);
    s->hal_path = file_join(folder, "hal.dll");
    bool ok = file_read(s->hal_path, IMAGE_FILE_LIMIT, &s->hal, e);
    for (unsigned i = 0; i < SESSION_SYSTEM && ok; i++) {
        s->system_paths[i] = file_join(folder, system_drivers[i]);
        ok = file_read(s->system_paths[i], IMAGE_FILE_LIMIT, &s->system_data[i], e);
        s->system[i] = (struct machine_file){system_drivers[i], s->system_data[i].data,
                                             s->system_data[i].size, s->system_paths[i]};
    }
    free(folder);
    return ok;
}

struct import_search {
    const char *module;
    bool found;
};

static bool look_at_import(void *context, const char *module, const char *symbol, uint16_t ordinal,
                           uint64_t *out, struct error *e)
{
    struct import_search *search = context;
    (void)symbol;
    (void)ordinal;
    (void)e;
    search->found |= strcasecmp(module, search->module) == 0;
    *out = 0;
    return true;
}

static bool imports_from(const struct machine_file *file, const char *module)
{
    struct pe pe;
    struct error ignored = {0}; /* a file that cannot be read as an image is refused elsewhere */
    if (!pe_parse(file->path, file->data, file->size, &pe, &ignored))
        return false;
    uint8_t *memory = malloc(pe.image_size);
    struct import_search search = {module, false};
    RD_ASSERT(memory != NULL);
    if (pe_map(&pe, file->path, pe.preferred_base, memory, &ignored))
        pe_bind(&pe, file->path, memory, look_at_import, &search, &ignored);
    free(memory);
    return search.found;
}

/* The filter manager is loaded before anything else when a driver of the scenario imports from it, or a step asks for it. */
static void load_filter_manager(struct session *s)
{
    bool needed = scenario_uses_filters(&s->scenario);
    for (unsigned d = 0; d < s->file_count; d++) {
        if (!imports_from(&s->files[d], system_drivers[0]))
            continue;
        if (s->scenario.path == NULL && !scenario_uses_filters(&s->scenario))
            scenario_default_filter(&s->scenario, s->file_names[d]);
        needed = true;
    }
    if (needed)
        scenario_load_first(&s->scenario, system_drivers[0]);
}

/* Takes both strings. */
static bool read_driver(struct session *s, char *name, char *path, struct error *e)
{
    unsigned i = s->file_count++;
    s->file_names[i] = name;
    s->file_paths[i] = path;
    if (!file_read(path, IMAGE_FILE_LIMIT, &s->file_data[i], e))
        return false;
    s->files[i] = (struct machine_file){name, s->file_data[i].data, s->file_data[i].size, path};
    return true;
}

static void judge_nothing(void *context, const struct machine *m, const struct trouble *t,
                          struct violation *out)
{
    (void)context;
    (void)m;
    (void)t;
    (void)out;
    RD_ASSERT(!"check_observer sets the judge");
}

static struct observer quiet_observer(void)
{
    struct observer o = {.judge = judge_nothing};
    check_observer(&o);
    return o;
}

static bool create(struct session *s, struct error *e)
{
    struct machine_config config = {
        .kernel = {"ntoskrnl.exe", s->kernel.data, s->kernel.size, s->kernel_path},
        .hal = {"hal.dll", s->hal.data, s->hal.size, s->hal_path},
        .system = s->system,
        .system_count = SESSION_SYSTEM,
        .drivers = s->files,
        .driver_count = s->file_count,
        .loader_block = s->loader.data,
        .loader_size = s->loader.size,
        .checks = DBT_SHADOW | DBT_DIRTY | DBT_BUDGETS | DBT_COVERAGE,
        .step_budget = STEP_BUDGET,
        .driver_base = s->driver_base,
        .observer = quiet_observer(),
    };
    s->machine = machine_create(&config, e);
    return s->machine != NULL;
}

static bool ends_in(const char *path, const char *ending)
{
    size_t n = strlen(path), k = strlen(ending);
    return n > k && strcasecmp(path + n - k, ending) == 0;
}

static bool read_operands(struct session *s, char **operands, int count, struct error *e)
{
    if (count == 0)
        return error_set(e, ERROR_INPUT,
                         "nothing to run: give a scenario (.lua) or drivers (.sys)");
    for (int i = 0; i < count; i++) {
        if (!ends_in(operands[i], ".lua") && !ends_in(operands[i], ".sys"))
            return error_set(e, ERROR_INPUT, "%s: neither a scenario (.lua) nor a driver (.sys)",
                             operands[i]);
        if (ends_in(operands[i], ".lua") && count > 1)
            return error_set(e, ERROR_INPUT, "%s: a scenario names its drivers; give it alone",
                             operands[i]);
    }
    if (count > SCENARIO_MAX_DRIVERS)
        return error_set(e, ERROR_INPUT, "at most %d drivers", SCENARIO_MAX_DRIVERS);
    if (ends_in(operands[0], ".lua")
            ? !scenario_read(operands[0], &s->scenario, e)
            : !scenario_default(operands, (unsigned)count, &s->scenario, e))
        return false;
    s->has_scenario = true;
    struct str subject = {0};
    for (int i = 0; i < count; i++)
        str_addf(&subject, "%s%s", i ? " " : "", operands[i]);
    s->subject = subject.data;
    return true;
}

static bool choose_verifier(struct session *s, const char *text, struct error *e)
{
    uint32_t left_out = 0;
    if (!verifier_parse(text, s->scenario.os, &s->scenario.verifier, &left_out, e))
        return false;
    if (left_out != 0) {
        char *names = verifier_names(left_out);
        fprintf(stderr, "rundown: --verifier %s: without %s, which are not implemented\n", text, names);
        free(names);
    }
    return true;
}

bool session_open(struct session *s, const struct options *o, char **operands, int count,
                  struct error *e)
{
    *s = (struct session){0};
    if (!read_operands(s, operands, count, e))
        return false;
    s->scenario.tso = o->tso;
    if (o->cpus != 0)
        s->scenario.cpus = o->cpus;
    if (o->os != 0)
        s->scenario.os = o->os;
    if (o->faults >= 0)
        s->scenario.fault_budget = (uint32_t)o->faults;
    if (o->verifier != NULL && !choose_verifier(s, o->verifier, e))
        return false;
    for (unsigned i = 0; i < s->scenario.driver_count; i++)
        if (!read_driver(s, str_dup(s->scenario.drivers[i].name),
                         str_dup(s->scenario.drivers[i].path), e))
            return false;
    s->driver_base = o->base;
    s->bounds = o->bounds;
    load_filter_manager(s);
    if (!scenario_lower(&s->scenario, &s->loader, e) || !read_guest(s, o, e) || !create(s, e))
        return false;
    machine_set_bounds(s->machine, &s->bounds);
    return true;
}

/* Where a failure's driver is now: at its path, seen from the failure file; else beside the failure
 * file. */
static char *find_image(const char *failure_path, const struct failure_image *image)
{
    char *folder = file_directory(failure_path);
    char *path = file_join(folder, image->path);
    if (!file_exists(path)) {
        char *beside = file_join(folder, image->name);
        if (file_exists(beside)) {
            free(path);
            path = beside;
        } else {
            free(beside);
        }
    }
    free(folder);
    return path;
}

bool session_open_failure(struct session *s, const struct options *o, const char *path,
                          const struct failure *f, struct error *e)
{
    *s = (struct session){0};
    s->subject = str_dup(f->scenario_path);
    s->driver_base = f->driver_base;
    if (f->image_count > SCENARIO_MAX_DRIVERS)
        return error_set(e, ERROR_INPUT, "%s: more than %d images", path, SCENARIO_MAX_DRIVERS);
    for (size_t i = 0; i < f->image_count; i++) {
        if (!read_driver(s, str_dup(f->images[i].name), find_image(path, &f->images[i]), e))
            return false;
        if (!hash_equal(hash_bytes(s->file_data[i].data, s->file_data[i].size),
                        f->images[i].content))
            return error_set(e, ERROR_INPUT,
                             "%s: %s has changed since the failure was found; check it again", path,
                             s->file_paths[i]);
    }
    s->loader.data = malloc(f->loader_size);
    RD_ASSERT(s->loader.data != NULL);
    memcpy(s->loader.data, f->loader, f->loader_size);
    s->loader.size = f->loader_size;
    if (!read_guest(s, o, e))
        return false;
    if (!hash_equal(session_guest_hash(s), f->guest))
        return error_set(e, ERROR_INPUT, "%s: found with another build of the guest kernel than %s",
                         path, s->kernel_path);
    return create(s, e);
}

struct hash128 session_guest_hash(const struct session *s)
{
    struct hash128 h = hash_chain(hash_bytes(s->kernel.data, s->kernel.size), s->hal.data, s->hal.size);
    for (unsigned i = 0; i < SESSION_SYSTEM; i++)
        h = hash_chain(h, s->system_data[i].data, s->system_data[i].size);
    return h;
}

struct hash128 session_hash(const struct session *s)
{
    struct hash128 h = session_guest_hash(s);
    for (unsigned i = 0; i < s->file_count; i++) {
        h = hash_chain(h, s->file_names[i], strlen(s->file_names[i]) + 1);
        h = hash_chain(h, s->file_data[i].data, s->file_data[i].size);
    }
    h = hash_chain(h, s->loader.data, s->loader.size);
    h = hash_chain(h, &s->driver_base, sizeof s->driver_base);
    const struct machine_bounds *b = &s->bounds;
    uint64_t bounds[] = {b->timers.on, b->timers.most, b->interrupts.on, b->interrupts.most};
    return hash_chain(h, bounds, sizeof bounds);
}

bool session_boot(struct session *s, print_fn print, struct error *e)
{
    struct observer o = quiet_observer();
    o.print = print;
    machine_set_observer(s->machine, &o);
    s->symbols = symbols_open(s->machine);
    if (!machine_boot(s->machine, e))
        return false;
    s->booted = true;
    s->root = machine_push(s->machine);
    return true;
}

void session_close(struct session *s)
{
    if (s->symbols != NULL)
        symbols_close(s->symbols);
    machine_destroy(s->machine);
    if (s->has_scenario)
        scenario_free(&s->scenario);
    free(s->loader.data);
    file_free(&s->kernel);
    file_free(&s->hal);
    for (unsigned i = 0; i < SESSION_SYSTEM; i++) {
        file_free(&s->system_data[i]);
        free(s->system_paths[i]);
    }
    free(s->kernel_path);
    free(s->hal_path);
    for (unsigned i = 0; i < s->file_count; i++) {
        file_free(&s->file_data[i]);
        free(s->file_names[i]);
        free(s->file_paths[i]);
    }
    free(s->subject);
    *s = (struct session){0};
}

const char *session_verb_name(uint32_t op)
{
    if (op == RD_OP_ADD_DEVICE)
        return "device";
    if (op == RD_OP_EXERCISE)
        return "exercise";
    for (size_t i = 0; scenario_verbs[i] != NULL; i++)
        if (scenario_verbs[i]->op == op)
            return scenario_verbs[i]->name;
    return NULL;
}

enum machine_stop session_replay(struct session *s, const struct schedule *schedule,
                                 struct recording **recording, struct error *e)
{
    struct subject subject = explore_machine(s->machine);
    struct observer o = quiet_observer();
    *recording = recording_open(s->symbols, session_verb_name, scenario_status_name);
    machine_restore(s->machine, s->root);
    recording_observe(*recording, &o);
    machine_set_observer(s->machine, &o);
    enum machine_stop stop = explore_replay(&subject, schedule, false, e);
    o = quiet_observer();
    machine_set_observer(s->machine, &o);
    return stop;
}

/* A subject that writes down the decisions taken: what a tolerant replay really did. */
struct taker {
    struct machine *machine;
    struct subject inner;
    const struct decider *decider;
    struct schedule taken;
};

static void take(struct taker *t, struct decision d)
{
    if (t->taken.count == t->taken.capacity)
        vec_grow((void **)&t->taken.data, &t->taken.capacity, t->taken.count + 1,
                 sizeof *t->taken.data);
    t->taken.data[t->taken.count++] = d;
}

static uint32_t taking_choose(void *context, unsigned agent, uint32_t kind, uint32_t n)
{
    struct taker *t = context;
    uint32_t value = t->decider->choose(t->decider->context, agent, kind, n);
    take(t, (struct decision){1, (uint8_t)agent, (uint16_t)value});
    return value;
}

static struct step_result taking_step(void *context, unsigned agent, const struct decider *decider)
{
    struct taker *t = context;
    struct decider own = {t, taking_choose};
    t->decider = decider;
    take(t, (struct decision){0, (uint8_t)agent, 0});
    return t->inner.step(t->machine, agent, &own);
}

static uint64_t taking_enabled(void *context)
{
    return machine_enabled(((struct taker *)context)->machine);
}

static enum machine_stop taking_quiescent(void *context)
{
    return machine_quiescent(((struct taker *)context)->machine);
}

bool session_repair(struct session *s, struct schedule *schedule, const char *key)
{
    for (int round = 0; round < REPAIR_ROUNDS; round++) {
        struct taker t = {.machine = s->machine, .inner = explore_machine(s->machine)};
        struct subject subject = {.context = &t,
                                  .enabled = taking_enabled,
                                  .step = taking_step,
                                  .quiescent = taking_quiescent};
        machine_restore(s->machine, s->root);
        machine_begin_execution(s->machine);
        enum machine_stop stop = explore_replay(&subject, schedule, true, NULL);
        char got[512] = "";
        if (stop == STOP_VIOLATION)
            t.inner.violation_key(s->machine, got, sizeof got);
        bool good = strcmp(got, key) == 0;
        if (good) {
            free(schedule->data);
            *schedule = t.taken;
        } else {
            free(t.taken.data);
        }
        if (good && !machine_sharing_grew(s->machine))
            return true;
        if (!good && !machine_sharing_grew(s->machine))
            return false;
    }
    return false;
}

int session_stopped(struct session *s, enum machine_stop stop)
{
    struct error e = {0};
    /* The explorer has gone back to the root since, which leaves the error's text but not its kind.
     */
    const char *text = machine_error(s->machine)->text;
    if (stop == STOP_LIMIT)
        error_set(&e, ERROR_UNIMPLEMENTED,
                  "a step ran %u instructions without an access to shared memory: endless "
                  "computations are not supported",
                  STEP_BUDGET);
    else
        error_set(&e, stop == STOP_UNIMPLEMENTED ? ERROR_UNIMPLEMENTED : ERROR_INTERNAL, "%s",
                  text[0] != '\0' ? text : "the machine stopped without saying why");
    return cli_fail(&e);
}
