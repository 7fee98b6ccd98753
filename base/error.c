/* Errors as values, and the always-on assertion that stands for a bug of ours (exit status 4). */
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static assert_hook_fn assert_hook;
static void *assert_context;

bool error_set(struct error *e, enum error_kind kind, const char *format, ...)
{
    if (e == NULL || e->kind != ERROR_NONE)
        return false;
    va_list args;
    va_start(args, format);
    e->kind = kind;
    vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    return false;
}

void assert_set_hook(assert_hook_fn hook, void *context)
{
    assert_hook = hook;
    assert_context = context;
}

_Noreturn void assert_fail(const char *expression, const char *file, int line)
{
    fprintf(stderr, "rundown: internal error: %s (%s:%d)\n", expression, file, line);
    if (assert_hook != NULL) {
        assert_hook_fn hook = assert_hook;
        assert_hook = NULL; /* a failing hook must not recurse */
        hook(assert_context);
    }
    fflush(NULL);
    _exit(4);
}
