/* q, .echo, .logopen, .logclose, .help: the session itself. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "debug/debugger.h"

static void log_open(struct debugger *d, const char *name, const char *args)
{
    bool append = strncmp(args, "/a ", 3) == 0; /* any other slash begins a path */
    if (append)
        args += 3 + strspn(args + 3, " ");
    if (args[0] == '\0') {
        debug_error(d, "%s: which file?", name);
        return;
    }
    FILE *log = fopen(args, append ? "a" : "w");
    if (log == NULL) {
        debug_error(d, "Cannot open '%s': %s", args, strerror(errno));
        return;
    }
    debugger_close_log(d);
    d->log = log;
    debug_print(d, "Opened log file '%s'\n", args);
}

static void help(struct debugger *d, const char *args)
{
    for (size_t i = 0; debug_commands[i] != NULL; i++) {
        const struct debug_command *c = debug_commands[i];
        char left[96];
        if (*args != '\0' && c != debug_command_find(args))
            continue;
        snprintf(left, sizeof left, "%s %s", c->names, c->syntax);
        debug_print(d, "%-38s %s\n", left, c->help);
    }
    if (*args != '\0' && debug_command_find(args) == NULL)
        debug_error(d, "Unknown command '%s'; .help lists them", args);
}

static void run(struct debugger *d, const char *name, const char *args)
{
    if (strcmp(name, "q") == 0 || strcmp(name, "qd") == 0) {
        d->quit = true;
    } else if (strcmp(name, ".echo") == 0) {
        size_t n = strlen(args);
        bool quoted = n >= 2 && args[0] == '"' && args[n - 1] == '"';
        debug_print(d, "%.*s\n", (int)(quoted ? n - 2 : n), args + quoted);
    } else if (strcmp(name, ".logopen") == 0) {
        log_open(d, name, args);
    } else if (strcmp(name, ".logclose") == 0) {
        if (d->log == NULL)
            debug_error(d, "No log file is open");
        else
            debug_print(d, "Closing open log file\n");
        debugger_close_log(d);
    } else {
        help(d, args);
    }
}

const struct debug_command debug_command_session = {
    .names = ".help q qd .echo .logopen .logclose",
    .syntax = "[TEXT | FILE]",
    .help = "help; quit; print a text; keep the output in a file too",
    .run = run,
};
