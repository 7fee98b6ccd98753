/* A race in words. Only what the search has established is said; every name is looked up here, in the state of the violation. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "debug/race.h"

#define WIDTH 100u
#define TEXT 400

static void add_source(const struct symbol *y, struct str *out)
{
    const char *file = strrchr(y->file, '/');
    if (y->file[0] != '\0')
        str_addf(out, " [%s @ %u]", file != NULL ? file + 1 : y->file, y->line);
}

static void add_name(const struct scene *s, gva_t address, bool is_return, struct str *out)
{
    char name[160];
    struct symbol y;
    fact_name(s->symbols, address, is_return, name, sizeof name);
    symbols_find(s->symbols, is_return ? address - 1 : address, is_return, &y);
    str_add(out, name);
    add_source(&y, out);
}

/* "IoReleaseRemoveLockEx": without the kernel's name, but with other modules'. */
static void routine_name(const struct scene *s, gva_t address, char *out, size_t size)
{
    char name[160];
    fact_name(s->symbols, address, false, name, sizeof name);
    snprintf(out, size, "%s", strncmp(name, "nt!", 3) == 0 ? name + 3 : name);
}

static void function_name(const struct scene *s, gva_t address, bool is_return, char *out, size_t size)
{
    fact_name(s->symbols, address, is_return, out, size);
    char *plus = strrchr(out, '+');
    if (plus != NULL && strchr(out, '!') != NULL)
        *plus = '\0';
}

/* Threads of one name are told apart by their numbers. */
static void thread_text(const struct scene *s, const struct race *r, unsigned thread, char *out, size_t size)
{
    char name[RD_ABI_NAME], other[RD_ABI_NAME];
    unsigned second = thread == r->use.thread ? r->teardown.thread : r->use.thread;
    struct rd_thread t;
    fact_thread_name(s, thread, name);
    fact_thread_name(s, second, other);
    if (thread != NO_THREAD && machine_thread(s->machine, thread, &t) && strcmp(name, "idle") == 0) {
        /* It runs nothing but interrupts and deferred calls. */
        snprintf(out, size, "processor %u", t.cpu);
        return;
    }
    if (strcmp(name, other) == 0 && thread != second && thread != NO_THREAD && machine_thread(s->machine, thread, &t))
        snprintf(out, size, "%s %04x", name, (unsigned)(uint32_t)t.id);
    else
        snprintf(out, size, "%s", name);
}

static void add_data(const struct scene *s, gva_t address, struct str *out)
{
    char data[160];
    fact_data(s, address, data, sizeof data);
    str_add(out, data);
}

/* "KeSetEvent, called at upper!UpperUnload+0x1c [upper.c @ 88]". */
static void add_place(const struct scene *s, const struct race_place *p, struct str *out)
{
    char name[160];
    if (p->target != 0) {
        routine_name(s, p->target, name, sizeof name);
        str_addf(out, "%s, called at ", name);
        add_name(s, p->pc, p->is_return, out);
    } else if (p->data != 0) {
        str_add(out, p->write ? "write to " : "read of ");
        add_data(s, p->data, out);
        str_add(out, " at ");
        add_name(s, p->pc, p->is_return, out);
    } else if (p->pc != 0) {
        add_name(s, p->pc, p->is_return, out);
    } else if (p->verb != 0) {
        str_addf(out, "step %u of its scenario", p->verb);
    } else {
        str_add(out, "what it does in the kernel");
    }
}

/* The same in a few words. */
static void place_short(const struct scene *s, const struct race_place *p, char *out, size_t size)
{
    if (p->target != 0)
        routine_name(s, p->target, out, size);
    else if (p->data != 0)
        snprintf(out, size, "%s", p->write ? "write" : "read");
    else
        snprintf(out, size, "step");
}

/* The instruction that broke the rule, and whose it is when it is the kernel's. */
static void add_use(const struct scene *s, const struct race *r, struct str *out)
{
    struct stack_frame frames[STACK_MAX];
    const struct machine_image *image = machine_image_at(s->machine, r->use.pc);
    add_name(s, r->use.pc, false, out);
    if (image == NULL || !stack_is_ours(image))
        return;
    unsigned n = fact_stack(s, r->use.thread, frames);
    int driver = stack_culprit(s->machine, frames, n);
    if (driver < 0)
        return;
    str_add(out, ", called at ");
    add_name(s, frames[driver].pc, !frames[driver].interrupt, out);
}

static const char *image_name(const struct scene *s, gva_t base)
{
    const struct machine_image *image = machine_image_at(s->machine, base);
    return image != NULL ? image->name : "?";
}

static void add_object(const struct scene *s, const struct race *r, struct str *out)
{
    struct machine_pool_block block;
    char name[160];
    switch (r->kind) {
    case RACE_IMAGE:
        str_add(out, image_name(s, r->object));
        break;
    case RACE_POOL:
        if (!machine_pool_block(s->machine, r->object, &block))
            break;
        fact_data(s, r->object, name, sizeof name);
        *(strrchr(name, '+') != NULL ? strrchr(name, '+') : name + strlen(name)) = '\0';
        str_addf(out, "%s (allocated at ", name);
        add_name(s, block.allocated_by, true, out);
        str_add(out, ")");
        break;
    case RACE_FRAME:
        function_name(s, r->teardown.pc, r->teardown.is_return, name, sizeof name);
        str_addf(out, "the stack frame of %s", name);
        break;
    case RACE_DATA:
        add_data(s, r->object, out);
        break;
    case RACE_NONE:
        break;
    }
}

static void add_events(const struct scene *s, const struct race *r, const char *tearer, const char *user, struct str *out)
{
    const struct trouble *t = &s->violation->trouble;
    char name[160];
    str_addf(out, "%s ", tearer);
    switch (r->kind) {
    case RACE_IMAGE:
        str_add(out, "unloads ");
        add_object(s, r, out);
        if (r->routine != 0) {
            str_add(out, " when ");
            add_name(s, r->routine, false, out);
            str_add(out, " has returned");
        }
        str_addf(out, ", and %s %s ", user, t->kind == TROUBLE_EXECUTE ? "executes" : t->write ? "writes there at" : "reads there at");
        break;
    case RACE_POOL:
        str_add(out, "frees ");
        add_object(s, r, out);
        str_add(out, r->teardown.target != 0 ? " by " : " at ");
        add_place(s, &r->teardown, out);
        str_addf(out, ", and %s %s there at ", user, t->write ? "writes" : "reads");
        break;
    case RACE_FRAME:
        function_name(s, r->teardown.pc, r->teardown.is_return, name, sizeof name);
        str_addf(out, "returns from %s, and %s uses that stack frame at ", name, user);
        break;
    case RACE_DATA:
        str_add(out, "writes ");
        add_object(s, r, out);
        str_add(out, r->teardown.target != 0 ? " by " : " at ");
        if (r->teardown.target != 0)
            add_place(s, &r->teardown, out);
        else
            add_name(s, r->teardown.pc, r->teardown.is_return, out);
        str_addf(out, ", and %s reads it at ", user);
        break;
    case RACE_NONE:
        break;
    }
    add_use(s, r, out);
    if (r->kind == RACE_DATA)
        str_addf(out, r->late_write ? " before that has come" : " when that has come");
    str_add(out, ": unordered, either can come first. ");
}

/* What the one who tears down waits for, and why that is not enough. */
static void add_waits(const struct scene *s, const struct race *r, const char *tearer, const char *user, struct str *out)
{
    if (!r->waits_known)
        return;
    if (r->release.thread == NO_THREAD) {
        str_addf(out, "Nothing that %s does on its way there is waited for by %s. ", user, tearer);
        return;
    }
    if (r->wait.thread == NO_THREAD) {
        str_addf(out, "%s cannot get there before ", tearer);
    } else if (r->wait_type == RD_WAIT_NONE) {
        str_addf(out, "%s goes on (", tearer);
        add_place(s, &r->wait, out);
        str_add(out, ") only behind ");
    } else {
        str_addf(out, "%s waits for %s", tearer, fact_wait_name(r->wait_type));
        if (r->wait_object != 0) {
            str_add(out, " at ");
            add_data(s, r->wait_object, out);
        }
        str_add(out, " (");
        add_place(s, &r->wait, out);
        str_add(out, ") until ");
    }
    str_addf(out, "%s's ", user);
    add_place(s, &r->release, out);
    str_addf(out, ": that orders what %s did up to there, not what it does behind it. ", user);
}

static void add_expired(const struct scene *s, const struct race *r, const char *tearer, const char *user, struct str *out)
{
    if (r->expired.thread == NO_THREAD)
        return;
    if (r->expired_type == RD_WAIT_DELAY) {
        str_addf(out, "%s lets time pass (", tearer);
        add_place(s, &r->expired, out);
        str_add(out, "), which orders nothing. ");
        return;
    }
    str_addf(out, "The wait of %s for %s", tearer, fact_wait_name(r->expired_type));
    if (r->expired_object != 0) {
        str_add(out, " at ");
        add_data(s, r->expired_object, out);
    }
    str_add(out, " (");
    add_place(s, &r->expired, out);
    str_add(out, ") ended because its time was over, which orders nothing");
    if (r->late.thread != NO_THREAD) {
        str_addf(out, "; %s signals it later, by ", user);
        add_place(s, &r->late, out);
    }
    str_add(out, ". ");
}

/* The routine of the image that the user is in, and who called it: that one knows when it has left the image. */
static void add_caller(const struct scene *s, const struct race *r, struct str *out)
{
    struct stack_frame frames[STACK_MAX];
    char inner[160], outer[160];
    unsigned n = fact_stack(s, r->use.thread, frames), i = 0;
    const struct machine_image *image;
    while (i < n && (image = machine_image_at(s->machine, frames[i].pc)) != NULL && image->base == r->object)
        i++;
    if (i == 0 || i == n)
        return;
    bool exact = i == 1 || frames[i - 1].interrupt;
    function_name(s, frames[i - 1].pc, !exact, inner, sizeof inner);
    function_name(s, frames[i].pc, !frames[i].interrupt, outer, sizeof outer);
    str_addf(out, ": when %s has got back from %s", outer, inner);
}

static void add_remedy(const struct scene *s, const struct race *r, const char *tearer, const char *user, struct str *out)
{
    char what[160];
    if (r->release.thread != NO_THREAD && r->waits_known) {
        place_short(s, &r->release, what, sizeof what);
        str_addf(out, "To order them, that %s of %s", what, user);
        if (r->wait.thread == NO_THREAD) /* it makes the teardown possible, meant as a sign or not */
            str_addf(out, ", or something else that %s waits for,", tearer);
        str_add(out, " would have to come behind ");
    } else {
        str_addf(out, "To order them, %s would have to wait, without a time limit, for something that %s does behind ", tearer, user);
    }
    switch (r->kind) {
    case RACE_IMAGE:
        if (s->violation->trouble.kind == TROUBLE_EXECUTE) {
            str_addf(out, "its last instruction in %s, so from outside of it", image_name(s, r->object));
            add_caller(s, r, out);
        } else {
            str_addf(out, "its last access to %s", image_name(s, r->object));
        }
        break;
    case RACE_POOL:
        str_addf(out, "its last access to the block");
        break;
    case RACE_FRAME:
        str_addf(out, "its last use of the frame");
        break;
    case RACE_DATA:
    case RACE_NONE:
        break;
    }
    str_add(out, ".");
}

void race_text(const struct scene *s, const struct race *r, struct str *out)
{
    char tearer[80], user[80];
    if (r == NULL || r->kind == RACE_NONE)
        return;
    thread_text(s, r, r->teardown.thread, tearer, sizeof tearer);
    thread_text(s, r, r->use.thread, user, sizeof user);
    add_events(s, r, tearer, user, out);
    if (r->kind == RACE_DATA) {
        str_addf(out, "The other order does no harm: to have it, %s would have to wait for something that %s does behind its %s.",
                 r->late_write ? user : tearer, r->late_write ? tearer : user, r->late_write ? "write" : "last use of what it read");
        return;
    }
    add_waits(s, r, tearer, user, out);
    add_expired(s, r, tearer, user, out);
    add_remedy(s, r, tearer, user, out);
}

const char *race_reason(const struct race *r)
{
    if (r->kind == RACE_DATA)
        return r->late_write ? "read too early" : "read too late";
    if (r->waits_known && r->release.thread != NO_THREAD)
        return "released too early";
    if (r->expired.thread != NO_THREAD)
        return "only time was waited for";
    return r->waits_known ? "not waited for" : "not known";
}

void race_print(const struct scene *s, const struct race *r, FILE *out)
{
    struct str text = {0};
    race_text(s, r, &text);
    for (const char *p = text.data != NULL ? text.data : ""; *p != '\0';) {
        size_t n = strlen(p);
        if (n > WIDTH)
            for (n = WIDTH; n > WIDTH / 2 && p[n] != ' '; n--) {
            }
        fprintf(out, "%.*s\n", (int)n, p);
        p += n;
        p += strspn(p, " ");
    }
    str_free(&text);
}
