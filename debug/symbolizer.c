/*
 * The conversation with llvm-symbolizer, which reads DWARF, PDB and COFF symbols: a line with path
 * and address to it, a line of JSON back. A missing or dying tool is no error: callers fall back to
 * exports.
 *
 * The child gets a socket as its standard input and output (so that its death is an error code here
 * and not SIGPIPE), no shell, and an environment of two variables, since some versions would fetch
 * debug information from the network when the environment names a server. RUNDOWN_SYMBOLIZER names
 * another program; empty: none.
 */
#include "debug/symbolizer.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "base/vec.h"

#define ANSWER_LIMIT (1u << 20)

static bool spawn_child(const char *program, bool debug_names, int fd, pid_t *pid)
{
    const char *path = getenv("PATH");
    char *path_variable = str_format("PATH=%s", path ? path : "/usr/bin:/bin");
    char *const environment[] = {path_variable, "LC_ALL=C", NULL};
    char *const arguments[] = {(char *)program, "--output-style=JSON",
                               debug_names ? "--functions=short" : "--functions=linkage", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd, 0);
    posix_spawn_file_actions_adddup2(&actions, fd, 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    int error = posix_spawnp(pid, program, &actions, NULL, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    free(path_variable);
    return error == 0;
}

static bool start(struct symbolizer *z)
{
    if (z->broken || z->pid != 0)
        return !z->broken;
    const char *program = getenv("RUNDOWN_SYMBOLIZER");
    if (program == NULL)
        program = "llvm-symbolizer";
    int pair[2];
    z->broken = true;
    if (program[0] == 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    bool ok = spawn_child(program, z->debug_names, pair[1], &z->pid);
    close(pair[1]);
    if (!ok) {
        close(pair[0]);
        z->pid = 0;
        return false;
    }
    z->fd = pair[0];
    z->broken = false;
    return true;
}

void symbolizer_stop(struct symbolizer *z)
{
    if (z->pid != 0) {
        close(z->fd); /* end of its input: it exits */
        while (waitpid(z->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    free(z->buffer);
    *z = (struct symbolizer){.broken = true};
}

static bool send_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t put = send(fd, text, size, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        text += put;
        size -= (size_t)put;
    }
    return true;
}

/* Reads up to a newline into z->buffer, NUL-terminated without it. */
static bool read_line(struct symbolizer *z)
{
    z->count = 0;
    for (;;) {
        if (z->count + 4096 > z->capacity)
            vec_grow((void **)&z->buffer, &z->capacity, z->count + 4096, 1);
        ssize_t got = read(z->fd, z->buffer + z->count, z->capacity - z->count - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        z->count += (size_t)got;
        if (z->buffer[z->count - 1] == '\n') {
            z->buffer[z->count - 1] = 0;
            return true;
        }
        if (z->count > ANSWER_LIMIT)
            return false;
    }
}

static void parse_frame(const json_t *frame, struct symbolizer_answer *out)
{
    const char *function = json_string_value(json_object_get(frame, "FunctionName"));
    const char *file = json_string_value(json_object_get(frame, "FileName"));
    const char *from = json_string_value(json_object_get(frame, "StartAddress"));
    *out = (struct symbolizer_answer){0};
    if (function != NULL && strcmp(function, "??") != 0)
        snprintf(out->function, sizeof out->function, "%s", function);
    json_int_t line = json_integer_value(json_object_get(frame, "Line"));
    if (file != NULL && strcmp(file, "??") != 0 && line > 0) {
        snprintf(out->file, sizeof out->file, "%s", file);
        out->line = (unsigned)line;
    }
    if (from != NULL)
        out->start = strtoull(from, NULL, 16);
}

static bool question(struct symbolizer *z, const char *path, uint64_t address)
{
    char quote = strchr(path, '"') == NULL ? '"' : '\'';
    if (strchr(path, quote) != NULL || strchr(path, '\n') != NULL || !start(z))
        return false; /* the tool's line format has no escapes */
    char *line = str_format("CODE %c%s%c 0x%llx\n", quote, path, quote, (unsigned long long)address);
    bool ok = send_all(z->fd, line, strlen(line)) && read_line(z);
    free(line);
    if (!ok)
        symbolizer_stop(z);
    return ok;
}

unsigned symbolizer_chain(struct symbolizer *z, const char *path, uint64_t address,
                          struct symbolizer_answer out[SYMBOLIZER_CHAIN])
{
    if (!question(z, path, address))
        return 0;
    json_t *root = json_loads(z->buffer, 0, NULL);
    json_t *frames = json_object_get(root, "Symbol");
    size_t count = json_array_size(frames);
    size_t skip = count > SYMBOLIZER_CHAIN ? count - SYMBOLIZER_CHAIN : 0; /* the outermost stay */
    for (size_t i = skip; i < count; i++)
        parse_frame(json_array_get(frames, i), &out[i - skip]);
    json_decref(root);
    return (unsigned)(count - skip);
}

/* The outermost frame of those that inlining made of one address: the function that has the
 * address, at the line it has come to. */
bool symbolizer_ask(struct symbolizer *z, const char *path, uint64_t address,
                    struct symbolizer_answer *out)
{
    struct symbolizer_answer chain[SYMBOLIZER_CHAIN];
    unsigned count = symbolizer_chain(z, path, address, chain);
    if (count == 0)
        return false;
    *out = chain[count - 1];
    return out->function[0] != 0;
}
