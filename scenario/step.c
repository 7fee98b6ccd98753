/*
 * Verbs: `t:verb(...)` checks its arguments against the verb's table entry and appends a step.
 * Every verb goes through the one function here, so that all of them refuse bad arguments in the
 * same words.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "scenario/internal.h"

#define SECONDS_LIMIT 1e9
/* CreateOptions, as the kit's headers have them. */
#define FILE_DIRECTORY_FILE 0x00000001u
#define FILE_NON_DIRECTORY_FILE 0x00000040u
#define FILE_DELETE_ON_CLOSE 0x00001000u
/* What t:list asks for unless it says otherwise. */
#define LIST_CLASS 1u
#define LIST_OUTPUT 1024u
#define VOLUME_NAME_LIMIT 63
#define TICKS_PER_SECOND 1e7

/* What the positional arguments of one call said, before it becomes a step. */
struct call {
    struct scenario_step step;
    struct slot_value *request;
    bool has_expect;
    int32_t expect;
};

static int32_t status_at(lua_State *L, int index, const char *what)
{
    if (lua_type(L, index) == LUA_TSTRING) {
        int32_t status;
        const char *name = builder_text(L, index, what);
        if (!scenario_status(name, &status))
            builder_fail(L, "%s: unknown status \"%s\"; give its number", what, name);
        return status;
    }
    return (int32_t)(uint32_t)builder_integer(L, index, what, INT32_MIN, UINT32_MAX);
}

static const struct slot_value *own_slot(lua_State *L, int index, const char *type,
                                         const char *what, int thread)
{
    const struct slot_value *v = luaL_testudata(L, index, type);
    if (v == NULL)
        builder_fail(L, "%s: expected %s, got %s", what,
                     strcmp(type, HANDLE_TYPE) == 0 ? "a handle that t:open gave"
                                                    : "a request of a verb with {async = true}",
                     luaL_typename(L, index));
    if (v->thread != thread)
        builder_fail(L, "%s: belongs to another thread; handles and requests are not shared", what);
    return v;
}

/* A copy of a name as the guest gets it; device names may have any character. Win32 programs say
 * \\.\ where NT's namespace says \??\, and so may scenarios. */
static char *name_at(lua_State *L, int index, const char *what)
{
    const char *name = builder_text(L, index, what);
    if (name[0] == '\0' || strlen(name) > 255)
        builder_fail(L, "%s: a name has 1 to 255 bytes", what);
    if (!text_is_utf8(name))
        builder_fail(L, "%s: the name is not valid UTF-8", what);
    if (strncmp(name, "\\\\.\\", 4) == 0)
        return str_format("\\??\\%s", name + 4);
    return str_dup(name);
}

static void bytes_at(lua_State *L, int index, const char *what, struct scenario_step *step)
{
    size_t size;
    if (lua_type(L, index) != LUA_TSTRING)
        builder_fail(L, "%s: expected a string, got %s", what, luaL_typename(L, index));
    const char *data = lua_tolstring(L, index, &size);
    if (size > SCENARIO_MAX_INPUT)
        builder_fail(L, "%s: %zu bytes, at most %d", what, size, SCENARIO_MAX_INPUT);
    step->input = malloc(size + 1);
    RD_ASSERT(step->input != NULL);
    memcpy(step->input, data, size);
    step->input_size = (uint32_t)size;
}

/* A volume's DOS name goes as input: a second text would stand where the expected status does. */
static void link_at(lua_State *L, int index, const char *what, struct scenario_step *step)
{
    const char *name = builder_text(L, index, what);
    size_t n = strlen(name);
    if (n == 0 || n > VOLUME_NAME_LIMIT)
        builder_fail(L, "%s: a link has 1 to %d bytes", what, VOLUME_NAME_LIMIT);
    for (size_t i = 0; i < n; i++)
        if (name[i] < 0x20 || name[i] >= 0x7F)
            builder_fail(L, "%s: a link consists of ASCII characters", what);
    free(step->input);
    step->input = str_dup(name);
    step->input_size = (uint32_t)n + 1;
}

static int64_t seconds_at(lua_State *L, int index, const char *what)
{
    if (lua_type(L, index) != LUA_TNUMBER)
        builder_fail(L, "%s: expected seconds, got %s", what, luaL_typename(L, index));
    double seconds = lua_tonumber(L, index);
    if (!(seconds >= 0 && seconds <= SECONDS_LIMIT))
        builder_fail(L, "%s: expected seconds from 0 to 1e9", what);
    return -(int64_t)llround(seconds * TICKS_PER_SECOND);
}

static uint32_t power_at(lua_State *L, int index, const char *what)
{
    const char *state = builder_text(L, index, what);
    if (state[0] != 'D' || state[1] < '0' || state[1] > '3' || state[2] != '\0')
        builder_fail(L, "%s: expected \"D0\", \"D1\", \"D2\" or \"D3\", got \"%s\"", what, state);
    return (uint32_t)(state[1] - '0') + 1; /* DEVICE_POWER_STATE begins with Unspecified */
}

/* One word, or a number. */
static uint32_t word_at(lua_State *L, int index, const char *what, enum word_kind kind)
{
    if (lua_type(L, index) == LUA_TNUMBER)
        return (uint32_t)builder_integer(L, index, what, 0, UINT32_MAX);
    const char *name = builder_text(L, index, what);
    uint32_t value;
    if (!word_value(kind, name, strlen(name), &value))
        builder_fail(L, "%s: unknown name \"%s\"; give its number", what, name);
    return value;
}

/* Words that add up, as in "read delete". */
static uint32_t words_at(lua_State *L, int index, const char *what, enum word_kind kind)
{
    const char *at = builder_text(L, index, what);
    uint32_t all = 0, value;
    at += strspn(at, " ");
    if (*at == '\0')
        builder_fail(L, "%s: expected words", what);
    while (*at != '\0') {
        size_t n = strcspn(at, " ");
        if (!word_value(kind, at, n, &value)) {
            struct str known = {0};
            word_list(kind, &known);
            char text[160];
            snprintf(text, sizeof text, "%s", known.data);
            str_free(&known);
            builder_fail(L, "%s: unknown word \"%.*s\"; the words are: %s", what,
                         (int)(n > 40 ? 40 : n), at, text);
        }
        all |= value;
        at += n;
        at += strspn(at, " ");
    }
    return all;
}

static uint32_t disposition_at(lua_State *L, int index, const char *what)
{
    const char *word = builder_text(L, index, what);
    if (strchr(word, ' ') != NULL)
        builder_fail(L, "%s: expected one word, got \"%s\"", what, word);
    return words_at(L, index, what, WORD_DISPOSITION);
}

static void take_open_flag(lua_State *L, int value, const char *what, uint32_t option,
                           struct call *c)
{
    if (!lua_isboolean(L, value))
        builder_fail(L, "%s: expected true or false, got %s", what, luaL_typename(L, value));
    if (lua_toboolean(L, value))
        c->step.code |= RD_OPEN_OPTIONS(option);
}

static void take_argument(lua_State *L, const struct scenario_verb *verb, char letter, int index,
                          int thread, struct call *c)
{
    struct builder *b = builder_of(L);
    char what[64];
    snprintf(what, sizeof what, "%s: argument %d", verb->name, index - 1);
    switch (letter) {
    case 'n':
    case 'D':
    case 'T':
        c->step.text = name_at(L, index, what);
        break;
    case 'd': {
        const char *name = builder_text(L, index, what);
        const struct scenario_driver *d = scenario_find_driver(b->scenario, name);
        if (d == NULL)
            builder_fail(
                L,
                "%s: driver \"%s\" is not declared above; add: driver(\"%s.sys\", {load = false})",
                verb->name, name, name);
        c->step.text = scenario_service(d->name);
        break;
    }
    case 'V': {
        /* Behind the text that an earlier argument has given. */
        char *volume = name_at(L, index, what);
        char *both = str_format("%s;%s", c->step.text, volume);
        free(volume);
        free(c->step.text);
        c->step.text = both;
        break;
    }
    case 'h': {
        const struct slot_value *v = own_slot(L, index, HANDLE_TYPE, what, thread);
        if (b->slots[v->slot].closed_line != 0)
            builder_fail(L, "%s: the handle was closed in line %d", what,
                         b->slots[v->slot].closed_line);
        c->step.slot = v->slot;
        break;
    }
    case 'r': {
        c->request = (struct slot_value *)own_slot(L, index, REQUEST_TYPE, what, thread);
        if (c->request->taken_line != 0)
            builder_fail(L, "%s: the request was waited for in line %d", what,
                         c->request->taken_line);
        c->step.slot = c->request->slot;
        break;
    }
    case 'u':
        c->step.code = (uint32_t)builder_integer(L, index, what, 0, UINT32_MAX);
        break;
    case 'q':
        c->step.code = word_at(L, index, what, WORD_FILE_CLASS);
        break;
    case 'w':
        c->step.code = word_at(L, index, what, WORD_VOLUME_CLASS);
        break;
    case 'v':
        c->step.value = builder_integer(L, index, what, 0, INT32_MAX);
        break;
    case 't':
        c->step.value = seconds_at(L, index, what);
        break;
    case 's':
        bytes_at(L, index, what, &c->step);
        break;
    case 'p':
        c->step.code = power_at(L, index, what);
        break;
    case 'x':
        c->expect = status_at(L, index, what);
        c->has_expect = true;
        break;
    default:
        RD_ASSERT(!"letter of a verb's argument table");
    }
}

/* The letter of option `key` in a verb's option list; 0: it has no such option. */
static char option_letter(const char *options, const char *key)
{
    size_t n = strlen(key);
    for (const char *at = options; *at != '\0';) {
        size_t length = strcspn(at, ":");
        RD_ASSERT(at[length] == ':' && at[length + 1] != '\0');
        if (length == n && memcmp(at, key, n) == 0)
            return at[length + 1];
        at += length + 2;
        at += strspn(at, " ");
    }
    return 0;
}

static void take_option(lua_State *L, const struct scenario_verb *verb, const char *key, int value,
                        struct call *c)
{
    char what[96];
    snprintf(what, sizeof what, "%s: option %.60s", verb->name, key);
    char letter = option_letter(verb->options, key);
    switch (letter) {
    case 0:
        if (verb->options[0] == '\0')
            builder_fail(L, "%s: unknown option \"%s\"; it takes none", verb->name, key);
        builder_fail(L, "%s: unknown option \"%s\"; syntax: %s", verb->name, key, verb->syntax);
    case 's':
        bytes_at(L, value, what, &c->step);
        break;
    case 'o':
        c->step.output_size = (uint32_t)builder_integer(L, value, what, 0, 65536);
        break;
    case 'v':
        c->step.value = builder_integer(L, value, what, 0, INT64_MAX);
        break;
    case 'x':
        c->expect = status_at(L, value, what);
        c->has_expect = true;
        break;
    case 'n':
        c->step.text = name_at(L, value, what);
        if (strlen(c->step.text) > VOLUME_NAME_LIMIT || c->step.text[0] != '\\')
            builder_fail(L, "%s: a device name begins with \\ and has at most %d bytes", what,
                         VOLUME_NAME_LIMIT);
        break;
    case 'm':
        link_at(L, value, what, &c->step);
        break;
    case 'q':
        c->step.code = word_at(L, value, what, WORD_FILE_CLASS);
        break;
    case 'c':
        c->step.code |= RD_OPEN_DISPOSITION(disposition_at(L, value, what));
        break;
    case 'a':
        c->step.value = words_at(L, value, what, WORD_ACCESS);
        break;
    case 'h':
        c->step.code |= RD_OPEN_SHARE(words_at(L, value, what, WORD_SHARE));
        break;
    case 'd':
        take_open_flag(L, value, what, FILE_DIRECTORY_FILE, c);
        break;
    case 'f':
        take_open_flag(L, value, what, FILE_NON_DIRECTORY_FILE, c);
        break;
    case 'e':
        take_open_flag(L, value, what, FILE_DELETE_ON_CLOSE, c);
        break;
    case 'R':
        if (!lua_isboolean(L, value))
            builder_fail(L, "%s: expected true or false, got %s", what, luaL_typename(L, value));
        c->step.value = lua_toboolean(L, value);
        break;
    case 'K':
    case 'A':
    case 'L':
    case 'P':
        if (!lua_isboolean(L, value))
            builder_fail(L, "%s: expected true or false, got %s", what, luaL_typename(L, value));
        if (lua_toboolean(L, value))
            c->step.flags |= letter == 'K'   ? RD_STEP_KERNEL
                             : letter == 'A' ? RD_STEP_ASYNC
                             : letter == 'P' ? RD_STEP_MAY_PEND
                                             : RD_STEP_ALERTABLE;
        break;
    default:
        RD_ASSERT(!"letter of a verb's option table");
    }
}

static void take_options(lua_State *L, const struct scenario_verb *verb, int table, struct call *c)
{
    lua_pushnil(L);
    while (lua_next(L, table) != 0) {
        if (lua_type(L, -2) != LUA_TSTRING)
            builder_fail(L, "%s: options are named, as in {expect = \"STATUS_SUCCESS\"}",
                         verb->name);
        take_option(L, verb, lua_tostring(L, -2), lua_gettop(L), c);
        lua_pop(L, 1);
    }
}

static void push_slot(lua_State *L, const char *type, int thread, uint32_t slot)
{
    struct slot_value *v = lua_newuserdatauv(L, sizeof *v, 0);
    *v = (struct slot_value){thread, slot, 0};
    luaL_setmetatable(L, type);
}

/* What a step does to the slots, and what the verb gives back. */
static int account(lua_State *L, const struct scenario_verb *verb, int line, int thread,
                   struct call *c)
{
    struct builder *b = builder_of(L);
    if (verb->op == RD_OP_OPEN) {
        if (b->slot_count == SCENARIO_MAX_SLOTS)
            builder_fail(L, "open: a thread opens at most %d handles", SCENARIO_MAX_SLOTS);
        c->step.slot = b->slot_count++;
        b->slots[c->step.slot] =
            (struct slot_state){.kernel = (c->step.flags & RD_STEP_KERNEL) != 0};
        push_slot(L, HANDLE_TYPE, thread, c->step.slot);
        return 1;
    }
    struct slot_state *slot = c->step.slot != NO_SLOT ? &b->slots[c->step.slot] : NULL;
    if (slot != NULL && slot->kernel)
        c->step.flags |= RD_STEP_KERNEL;
    if (verb->op == RD_OP_LIST) {
        c->step.code = c->step.code != 0 ? c->step.code : LIST_CLASS;
        c->step.output_size = c->step.output_size != 0 ? c->step.output_size : LIST_OUTPUT;
    }
    if (verb->op == RD_OP_CLOSE)
        slot->closed_line = line;
    if (verb->op == RD_OP_WAIT) {
        slot->pending_line = 0;
        c->request->taken_line = line;
    }
    if (c->step.flags & RD_STEP_ASYNC) {
        if (slot->pending_line != 0)
            builder_fail(L,
                         "%s: the request of line %d on this handle is still to be waited for; "
                         "open a second handle",
                         verb->name, slot->pending_line);
        slot->pending_line = line;
        push_slot(L, REQUEST_TYPE, thread, c->step.slot);
        return 1;
    }
    return 0;
}

static void free_call(struct call *c)
{
    free(c->step.text);
    free(c->step.text2);
    free(c->step.input);
}

/* __gc and __close of the holder that owns a call's memory while arguments can still raise errors.
 */
static int release_call(lua_State *L)
{
    struct call *c = lua_touserdata(L, 1);
    free_call(c);
    *c = (struct call){0};
    return 0;
}

static int run_verb(lua_State *L)
{
    const struct scenario_verb *verb = lua_touserdata(L, lua_upvalueindex(1));
    struct builder *b = builder_of(L);
    const struct thread_value *self = luaL_testudata(L, 1, THREAD_TYPE);
    if (self == NULL)
        builder_fail(L, "%s: call it as t:%s(...), with a colon", verb->name, verb->name);
    if (self->thread != b->current)
        builder_fail(L, "%s: called outside of the function of thread \"%s\"", verb->name,
                     b->scenario->threads[self->thread].name);
    struct scenario_thread *thread = &b->scenario->threads[self->thread];
    int top = lua_gettop(L), index = 2, line = builder_line(L);
    struct call *c = lua_newuserdatauv(L, sizeof *c, 0);
    *c = (struct call){.step = {.slot = NO_SLOT, .op = verb->op, .line = line, .verb = verb->name}};
    luaL_setmetatable(L, "rundown call");
    bool optional = false;
    for (const char *a = verb->arguments; *a != '\0'; a++) {
        if (*a == '?') {
            optional = true;
            continue;
        }
        if (index > top || (optional && lua_istable(L, index))) {
            if (optional)
                break;
            builder_fail(L, "%s: an argument is missing; syntax: %s", verb->name, verb->syntax);
        }
        take_argument(L, verb, *a, index++, self->thread, c);
    }
    if (index <= top && lua_istable(L, index))
        take_options(L, verb, index++, c);
    if (index <= top)
        builder_fail(L, "%s: too many arguments; syntax: %s", verb->name, verb->syntax);
    if (verb->op == 0) {
        if (thread->count == 0)
            builder_fail(L, "%s: there is no step before it", verb->name);
        struct scenario_step *before = &thread->steps[thread->count - 1];
        before->flags |= RD_STEP_EXPECT;
        before->expect = c->expect;
        return 0;
    }
    if (thread->count == SCENARIO_MAX_STEPS)
        builder_fail(L, "%s: a thread takes at most %d steps", verb->name, SCENARIO_MAX_STEPS);
    int results = account(L, verb, line, self->thread, c);
    if (c->has_expect) {
        c->step.flags |= RD_STEP_EXPECT;
        c->step.expect = c->expect;
    }
    *scenario_add_step(&thread->steps, &thread->count, &thread->capacity) = c->step;
    *c = (struct call){0}; /* the step owns the memory now */
    return results;
}

void builder_take_mount_options(lua_State *L, struct scenario_step *step)
{
    const struct scenario_verb *verb = NULL;
    for (size_t i = 0; scenario_verbs[i] != NULL; i++)
        if (scenario_verbs[i]->op == RD_OP_MOUNT)
            verb = scenario_verbs[i];
    RD_ASSERT(verb != NULL);
    struct call *c = lua_newuserdatauv(L, sizeof *c, 0);
    *c = (struct call){.step = {.slot = NO_SLOT}};
    luaL_setmetatable(L, "rundown call");
    take_options(L, verb, 1, c);
    step->text = c->step.text;
    step->input = c->step.input;
    step->input_size = c->step.input_size;
    step->flags |= c->step.flags;
    if (c->has_expect)
        step->expect = c->expect;
    *c = (struct call){0};
}

static int find_verb(lua_State *L)
{
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
    for (size_t i = 0; scenario_verbs[i] != NULL; i++)
        if (strcmp(scenario_verbs[i]->name, name) == 0) {
            lua_pushlightuserdata(L, (void *)scenario_verbs[i]);
            lua_pushcclosure(L, run_verb, 1);
            return 1;
        }
    builder_fail(L, "unknown verb \"%s\"; `rundown list verbs` names them", name);
}

void builder_register_types(lua_State *L)
{
    luaL_newmetatable(L, THREAD_TYPE);
    lua_pushcfunction(L, find_verb);
    lua_setfield(L, -2, "__index");
    luaL_newmetatable(L, HANDLE_TYPE);
    luaL_newmetatable(L, REQUEST_TYPE);
    luaL_newmetatable(L, "rundown call");
    lua_pushcfunction(L, release_call);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 4);
}

void builder_push_thread(lua_State *L, int thread)
{
    struct thread_value *v = lua_newuserdatauv(L, sizeof *v, 0);
    v->thread = thread;
    luaL_setmetatable(L, THREAD_TYPE);
}
