/*
 * Errors as values: bad input and missing features travel upwards as one line of text and the exit
 * status that the command line owes for them. A bug of ours is never an error value: it is RD_ASSERT,
 * compiled in always.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

enum error_kind {
    ERROR_NONE = 0,
    ERROR_INPUT = 2,         /* bad usage or input: file, place, remedy */
    ERROR_UNIMPLEMENTED = 3, /* the driver needs something that is not there: its name */
    ERROR_INTERNAL = 4       /* ours */
};

struct error {
    enum error_kind kind;
    char text[512];
};

/* Fills *e (may be NULL) and returns false, so that a failing function ends in `return error_set(...)`.
 * The first error stays: a later one does not overwrite it. */
bool error_set(struct error *e, enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Called by a failing assertion before abort: prints the decision list, for instance. */
typedef void (*assert_hook_fn)(void *context);
void assert_set_hook(assert_hook_fn hook, void *context);
_Noreturn void assert_fail(const char *expression, const char *file, int line);

#define RD_ASSERT(x) ((x) ? (void)0 : assert_fail(#x, __FILE__, __LINE__))

#endif
