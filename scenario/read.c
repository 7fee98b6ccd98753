/*
 * The Lua front end. A scenario is hostile input: only text chunks are read, instructions and
 * memory are limited, and the libraries hold nothing that reaches the host, that runs long inside
 * one library call (pattern matching, table.move), or whose result differs between two runs
 * (addresses in tostring, the order of pairs, random numbers): the same file must build the same
 * steps everywhere.
 */
#include "scenario/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/address.h"
#include "base/file.h"
#include "base/str.h"
#include "scenario/internal.h"

#define SCENARIO_FILE_LIMIT ((size_t)1 << 20)
#define CHUNK_NAME "=scenario"
#define CHUNK_PREFIX "scenario:"

/* Replaces what Lua leaves to chance: pairs goes through keys in order, and a table has no
 * printable address. Gets the library functions it needs as arguments. */
static const char prelude[] =
    "local next, type, sort, tostring, format, select, error, pack, unpack = ...\n"
    "local function show(v)\n"
    "  local t = type(v)\n"
    "  if t == 'number' or t == 'string' or t == 'boolean' or t == 'nil' then return v end\n"
    "  return t\n"
    "end\n"
    "local function before(a, b)\n"
    "  local s, t = type(a), type(b)\n"
    "  if s ~= t then return s < t end\n"
    "  if s == 'boolean' then return not a and b end\n"
    "  return a < b\n"
    "end\n"
    "local function pairs(t)\n"
    "  if type(t) ~= 'table' then error('pairs: expected a table, got ' .. type(t), 2) end\n"
    "  local keys = {}\n"
    "  for k in next, t do\n"
    "    if show(k) ~= k then error('pairs: keys must be numbers, strings or booleans', 2) end\n"
    "    keys[#keys + 1] = k\n"
    "  end\n"
    "  sort(keys, before)\n"
    "  local i = 0\n"
    "  return function()\n"
    "    repeat i = i + 1 until keys[i] == nil or t[keys[i]] ~= nil\n"
    "    return keys[i], t[keys[i]]\n"
    "  end\n"
    "end\n"
    "local function safe_format(f, ...)\n"
    "  local a = pack(...)\n"
    "  for i = 1, a.n do a[i] = show(a[i]) end\n"
    "  return format(f, unpack(a, 1, a.n))\n"
    "end\n"
    "return pairs, function(v) return tostring(show(v)) end, safe_format\n";

struct builder *builder_of(lua_State *L)
{
    return *(struct builder **)lua_getextraspace(L);
}

int builder_line(lua_State *L)
{
    lua_Debug frame;
    for (int level = 0; lua_getstack(L, level, &frame); level++) {
        lua_getinfo(L, "Sl", &frame);
        if (frame.currentline > 0 && strcmp(frame.source, CHUNK_NAME) == 0)
            return frame.currentline;
    }
    return 0;
}

/* One line, whatever the script put into it. */
static void set_error(struct builder *b, int line, const char *text)
{
    char *copy = str_dup(text);
    for (char *c = copy; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = ' ';
    error_set(b->error, ERROR_INPUT, "%s:%d: %s", b->path, line, copy);
    free(copy);
}

_Noreturn void builder_fail(lua_State *L, const char *format, ...)
{
    struct builder *b = builder_of(L);
    struct str text = {0};
    va_list args;
    va_start(args, format);
    str_vaddf(&text, format, args);
    va_end(args);
    set_error(b, builder_line(L), text.data);
    str_free(&text);
    lua_pushliteral(L, "scenario error");
    lua_error(L);
    abort();
}

const char *builder_text(lua_State *L, int index, const char *what)
{
    if (lua_type(L, index) != LUA_TSTRING)
        builder_fail(L, "%s: expected a string, got %s", what, luaL_typename(L, index));
    size_t size;
    const char *text = lua_tolstring(L, index, &size);
    if (strlen(text) != size)
        builder_fail(L, "%s: the string holds a NUL byte", what);
    return text;
}

int64_t builder_integer(lua_State *L, int index, const char *what, int64_t low, int64_t high)
{
    int ok = 0;
    lua_Integer value = lua_type(L, index) == LUA_TNUMBER ? lua_tointegerx(L, index, &ok) : 0;
    if (!ok)
        builder_fail(L, "%s: expected a whole number, got %s", what, luaL_typename(L, index));
    if (value < low || value > high)
        builder_fail(L, "%s: expected a number from %lld to %lld, got %lld", what, (long long)low,
                     (long long)high, (long long)value);
    return value;
}

static void *limited_alloc(void *context, void *old, size_t old_size, size_t size)
{
    struct builder *b = context;
    size_t before = old == NULL ? 0 : old_size; /* without a block, old_size is a type tag */
    if (size == 0) {
        b->memory -= before;
        free(old);
        return NULL;
    }
    if (size > before && b->memory + (size - before) > LUA_MEMORY_LIMIT)
        return NULL;
    void *grown = realloc(old, size);
    if (grown != NULL)
        b->memory += size - before;
    return grown;
}

static void count_hook(lua_State *L, lua_Debug *frame)
{
    (void)frame;
    struct builder *b = builder_of(L);
    b->instructions += 1000;
    if (b->instructions > LUA_INSTRUCTION_LIMIT)
        builder_fail(L, "the scenario runs too long (%d instructions); does a loop end?",
                     LUA_INSTRUCTION_LIMIT);
}

/* Statements that build the scenario as a whole do not belong into a thread's function. */
static struct builder *statement(lua_State *L, const char *name, int arguments_min,
                                 int arguments_max)
{
    struct builder *b = builder_of(L);
    if (b->current >= 0)
        builder_fail(L, "%s: does not belong inside a thread's function", name);
    if (lua_gettop(L) < arguments_min || lua_gettop(L) > arguments_max)
        builder_fail(L, "%s: expected %d%s argument%s, got %d", name, arguments_min,
                     arguments_max > arguments_min ? " or more" : "", arguments_min == 1 ? "" : "s",
                     lua_gettop(L));
    return b;
}

static int say_os_version(lua_State *L)
{
    struct builder *b = statement(L, "os_version", 1, 1);
    const char *name = builder_text(L, 1, "os_version");
    static const char *const names[] = {"win7", "win8", "win10"};
    if (b->os_given)
        builder_fail(L, "os_version: given twice");
    for (uint32_t i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0) {
            b->scenario->os = RD_OS_WIN7 + i;
            b->os_given = true;
            return 0;
        }
    builder_fail(L, "os_version: expected \"win7\", \"win8\" or \"win10\", got \"%s\"", name);
}

static int say_cpus(lua_State *L)
{
    struct builder *b = statement(L, "cpus", 1, 1);
    if (b->cpus_given)
        builder_fail(L, "cpus: given twice");
    b->scenario->cpus = (uint32_t)builder_integer(L, 1, "cpus", 1, RD_MAX_CPUS - 1);
    b->cpus_given = true;
    return 0;
}

static int say_driver(lua_State *L)
{
    struct builder *b = statement(L, "driver", 1, 2);
    const char *name = builder_text(L, 1, "driver");
    bool load = true;
    if (name[0] == '\0' || strchr(name, '/') != NULL || strchr(name, '\\') != NULL)
        builder_fail(L, "driver: expected a file name without folders, got \"%s\"", name);
    if (!text_is_utf8(name))
        builder_fail(L, "driver: the name is not valid UTF-8");
    if (lua_gettop(L) == 2) {
        if (!lua_istable(L, 2))
            builder_fail(L, "driver: expected options such as {load = false}, got %s",
                         luaL_typename(L, 2));
        lua_pushnil(L);
        while (lua_next(L, 2) != 0) {
            if (lua_type(L, -2) != LUA_TSTRING || strcmp(lua_tostring(L, -2), "load") != 0)
                builder_fail(L, "driver: unknown option; the only one is load");
            if (!lua_isboolean(L, -1))
                builder_fail(L, "driver: option load: expected true or false, got %s",
                             luaL_typename(L, -1));
            load = lua_toboolean(L, -1);
            lua_pop(L, 1);
        }
    }
    char *path = scenario_locate(b->path, name);
    if (path == NULL)
        builder_fail(
            L, "driver \"%s\" is neither beside the scenario nor in a folder of RUNDOWN_DRIVERS",
            name);
    struct error e = {0};
    if (!scenario_add_driver(b->scenario, name, path, load, &e))
        builder_fail(L, "%s", e.text);
    return 0;
}

static int say_device(lua_State *L)
{
    struct builder *b = statement(L, "device", 2, 2);
    struct scenario *s = b->scenario;
    const char *instance = builder_text(L, 1, "device");
    if (instance[0] == '\0' || strlen(instance) > 255 || !text_is_utf8(instance) ||
        strchr(instance, ';') != NULL)
        builder_fail(L, "device: expected an instance name of 1 to 255 bytes without ';'");
    for (size_t i = 0; i < s->setup_count; i++)
        if (s->setup[i].op == RD_OP_ADD_DEVICE && strcasecmp(s->setup[i].text, instance) == 0)
            builder_fail(L, "device \"%s\" is given twice", instance);
    if (!lua_istable(L, 2) || lua_rawlen(L, 2) == 0 || lua_rawlen(L, 2) > SCENARIO_MAX_DRIVERS)
        builder_fail(
            L,
            "device \"%s\": expected its drivers from the lowest up, as in {\"lower\", \"upper\"}",
            instance);
    struct str list = {0};
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, 2); i++) {
        lua_rawgeti(L, 2, i);
        const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
        struct scenario_driver *d = name ? scenario_find_driver(s, name) : NULL;
        if (d == NULL || !d->load) {
            str_free(&list);
            builder_fail(L,
                         "device \"%s\": \"%s\" is not the name of a driver that is declared above "
                         "and loaded",
                         instance, name ? name : luaL_typename(L, -1));
        }
        char *service = scenario_service(d->name);
        str_addf(&list, "%s%s", list.count ? ";" : "", service);
        free(service);
        lua_pop(L, 1);
    }
    struct scenario_step *step = scenario_add_step(&s->setup, &s->setup_count, &s->setup_capacity);
    step->op = RD_OP_ADD_DEVICE;
    step->text = str_dup(instance);
    step->text2 = list.data;
    step->line = builder_line(L);
    step->verb = "device";
    return 0;
}

/* The verb `mount`, before the threads start. */
static int say_mount(lua_State *L)
{
    struct builder *b = statement(L, "mount", 0, 1);
    struct scenario *s = b->scenario;
    struct scenario_step *step = scenario_add_step(&s->setup, &s->setup_count, &s->setup_capacity);
    step->op = RD_OP_MOUNT;
    step->line = builder_line(L);
    step->verb = "mount";
    step->flags = RD_STEP_EXPECT; /* success: nothing that follows would make sense */
    if (lua_gettop(L) == 1) {
        if (!lua_istable(L, 1))
            builder_fail(L, "mount: expected options such as {pend = true}, got %s",
                         luaL_typename(L, 1));
        builder_take_mount_options(L, step);
    }
    return 0;
}

static int say_thread(lua_State *L)
{
    struct builder *b = statement(L, "thread", 2, 2);
    struct scenario *s = b->scenario;
    const char *name = builder_text(L, 1, "thread");
    size_t n = strlen(name);
    if (n == 0 || n >= RD_ABI_NAME)
        builder_fail(L, "thread: a name has 1 to %d bytes", RD_ABI_NAME - 1);
    for (size_t i = 0; i < n; i++)
        if (name[i] <= 0x20 || name[i] >= 0x7F)
            builder_fail(L, "thread: a name consists of printable ASCII characters without blanks");
    for (unsigned i = 0; i < s->thread_count; i++)
        if (strcmp(s->threads[i].name, name) == 0)
            builder_fail(L, "thread \"%s\" is given twice", name);
    if (s->thread_count == SCENARIO_MAX_THREADS)
        builder_fail(L, "thread \"%s\": at most %d threads", name, SCENARIO_MAX_THREADS);
    if (!lua_isfunction(L, 2))
        builder_fail(L, "thread \"%s\": expected function (t) ... end, got %s", name,
                     luaL_typename(L, 2));
    b->current = (int)s->thread_count++;
    s->threads[b->current].name = str_dup(name);
    b->slot_count = 0;
    builder_push_thread(L, b->current);
    lua_call(L, 1, 0);
    b->current = -1;
    return 0;
}

static int say_fail_allocations(lua_State *L)
{
    struct builder *b = statement(L, "fail_allocations", 1, 1);
    b->scenario->fault_budget = (uint32_t)builder_integer(L, 1, "fail_allocations", 0, 1000);
    return 0;
}

/* verifier(0x810), verifier("io,misc"), and whom: verifier(0x810, "a.sys", "b.sys"). */
static int say_verifier(lua_State *L)
{
    struct builder *b = statement(L, "verifier", 1, 1 + SCENARIO_MAX_DRIVERS);
    struct scenario *s = b->scenario;
    if (b->verifier_given)
        builder_fail(L, "verifier: given twice");
    struct error e = {0};
    uint32_t left_out = 0;
    if (lua_type(L, 1) == LUA_TNUMBER) {
        s->verifier = (uint32_t)builder_integer(L, 1, "verifier", 0, UINT32_MAX);
        if (!verifier_accept(s->verifier, &e))
            builder_fail(L, "verifier: %s", e.text);
    } else if (!verifier_parse(builder_text(L, 1, "verifier"), s->os, &s->verifier, &left_out, &e)) {
        builder_fail(L, "verifier: %s", e.text);
    }
    struct str list = {0};
    for (int i = 2; i <= lua_gettop(L); i++) {
        const char *name = lua_type(L, i) == LUA_TSTRING ? lua_tostring(L, i) : "";
        const struct scenario_driver *d = scenario_find_driver(s, name);
        /* Of our own drivers the filter manager is the one whose dispatch routine others make fail. */
        bool filter_manager = strcasecmp(name, "fltmgr.sys") == 0;
        if (d == NULL && !filter_manager) {
            str_free(&list);
            builder_fail(L, "verifier: \"%s\" is not the name of a driver that is declared above", name);
        }
        str_addf(&list, "%s%s", i > 2 ? ";" : "", d != NULL ? d->name : "fltmgr.sys");
    }
    s->verifier_drivers = list.data;
    b->verifier_given = true;
    return 0;
}

static void remove_fields(lua_State *L, const char *table, const char *const *names)
{
    lua_getglobal(L, table);
    for (; *names != NULL; names++) {
        lua_pushnil(L);
        lua_setfield(L, -2, *names);
    }
    lua_pop(L, 1);
}

static void open_libraries(lua_State *L)
{
    static const luaL_Reg libraries[] = {{"_G", luaopen_base},
                                         {"string", luaopen_string},
                                         {"table", luaopen_table},
                                         {"math", luaopen_math}};
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
        luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
        lua_pop(L, 1);
    }
    if (luaL_loadbuffer(L, prelude, sizeof prelude - 1, "=prelude") != LUA_OK)
        lua_error(L);
    static const char *const wanted[][2] = {
        {"_G", "next"},     {"_G", "type"},       {"table", "sort"},
        {"_G", "tostring"}, {"string", "format"}, {"_G", "select"},
        {"_G", "error"},    {"table", "pack"},    {"table", "unpack"}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        lua_getglobal(L, wanted[i][0]);
        lua_getfield(L, -1, wanted[i][1]);
        lua_remove(L, -2);
    }
    lua_call(L, sizeof wanted / sizeof wanted[0], 3);
    lua_getglobal(L, "string");
    lua_insert(L, -2);
    lua_setfield(L, -2, "format");
    lua_pop(L, 1);
    lua_setglobal(L, "tostring");
    lua_setglobal(L, "pairs");
    remove_fields(L, "_G",
                  (const char *const[]){"collectgarbage", "dofile", "getmetatable", "load",
                                        "loadfile", "next", "pcall", "print", "setmetatable",
                                        "warn", "xpcall", NULL});
    remove_fields(L, "string",
                  (const char *const[]){"dump", "find", "gmatch", "gsub", "match", NULL});
    remove_fields(L, "table", (const char *const[]){"move", NULL});
    remove_fields(L, "math", (const char *const[]){"random", "randomseed", NULL});
    static const luaL_Reg statements[] = {
        {"os_version", say_os_version}, {"cpus", say_cpus},
        {"driver", say_driver},         {"device", say_device},
        {"mount", say_mount},
        {"thread", say_thread},         {"fail_allocations", say_fail_allocations},
        {"verifier", say_verifier}};
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
        lua_register(L, statements[i].name, statements[i].func);
    builder_register_types(L);
}

/* Errors that Lua itself raised: "scenario:LINE: text"; any other value has at least a line. */
static int message_handler(lua_State *L)
{
    struct builder *b = builder_of(L);
    if (b->error->kind != ERROR_NONE)
        return 1;
    const char *text =
        lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : "error called without a text";
    int line = builder_line(L);
    size_t n = strlen(CHUNK_PREFIX);
    if (strncmp(text, CHUNK_PREFIX, n) == 0) {
        char *end;
        long said = strtol(text + n, &end, 10);
        if (end[0] == ':' && end[1] == ' ' && said > 0 && said < INT32_MAX) {
            line = (int)said;
            text = end + 2;
        }
    }
    set_error(b, line, text);
    return 1;
}

static int build(lua_State *L)
{
    const struct file_data *file = lua_touserdata(L, 1);
    open_libraries(L);
    lua_sethook(L, count_hook, LUA_MASKCOUNT, 1000);
    if (luaL_loadbufferx(L, (const char *)file->data, file->size, CHUNK_NAME, "t") != LUA_OK)
        lua_error(L);
    lua_call(L, 0, 0);
    return 0;
}

static void finish(struct builder *b)
{
    struct scenario *s = b->scenario;
    struct error e = {0};
    int line = 1;
    if (s->driver_count == 0) {
        set_error(b, line, "the scenario has no driver; add: driver \"NAME.sys\"");
        return;
    }
    if (!scenario_finish(s, &line, &e))
        set_error(b, line, e.text);
}

bool scenario_read(const char *path, struct scenario *out, struct error *e)
{
    scenario_init(out);
    struct file_data file;
    if (!file_read(path, SCENARIO_FILE_LIMIT, &file, e))
        return false;
    struct error own = {0};
    struct builder b = {.scenario = out, .error = &own, .path = path, .current = -1};
    out->path = str_dup(path);
    lua_State *L = lua_newstate(limited_alloc, &b);
    RD_ASSERT(L != NULL);
    *(struct builder **)lua_getextraspace(L) = &b;
    lua_pushcfunction(L, message_handler);
    lua_pushcfunction(L, build);
    lua_pushlightuserdata(L, &file);
    int status = lua_pcall(L, 1, 0, 1);
    if (status == LUA_ERRMEM)
        set_error(&b, 0, "the scenario takes too much memory");
    else if (status != LUA_OK)
        set_error(&b, 0, "the scenario failed");
    else
        finish(&b);
    lua_close(L);
    file_free(&file);
    if (own.kind != ERROR_NONE) {
        scenario_free(out);
        return error_set(e, own.kind, "%s", own.text);
    }
    return true;
}
