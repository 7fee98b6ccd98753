/* Test results in the Test Anything Protocol. Output is flushed a line at a time, so that a crash
 * of the engine under test leaves the name of the last test that passed. */
#include "tests/isa/support/tap.h"

#include <stdarg.h>
#include <stdio.h>

static unsigned tests, failures;
static bool current_ok;
static const char *current_known; /* why the current test may fail; NULL: it may not */

static void result(bool ok, const char *suffix, const char *format, va_list args)
{
    printf("%sok %u - ", ok ? "" : "not ", ++tests);
    vprintf(format, args);
    printf("%s\n", suffix);
    fflush(stdout);
    failures += !ok;
}

void tap_ok(bool ok, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    result(ok, "", format, args);
    va_end(args);
}

void tap_skip(const char *why, const char *format, ...)
{
    char suffix[128];
    snprintf(suffix, sizeof suffix, " # SKIP %s", why);
    va_list args;
    va_start(args, format);
    result(true, suffix, format, args);
    va_end(args);
}

void tap_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("# ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
    fflush(stdout);
}

int tap_finish(void)
{
    printf("1..%u\n", tests);
    if (failures)
        printf("# %u of %u failed\n", failures, tests);
    return failures != 0;
}

void tap_begin(void)
{
    current_ok = true;
    current_known = NULL;
}

void tap_known(const char *why)
{
    current_known = why;
}

bool tap_check(bool ok, const char *expression, const char *file, int line)
{
    if (!ok)
        tap_note("%s:%d: expected %s", file, line, expression);
    current_ok = current_ok && ok;
    return ok;
}

bool tap_equal(unsigned long long got, unsigned long long expected, const char *expression,
               const char *file, int line)
{
    bool ok = got == expected;
    if (!ok)
        tap_note("%s:%d: %s: expected %#llx, got %#llx", file, line, expression, expected, got);
    current_ok = current_ok && ok;
    return ok;
}

void tap_end(const char *format, ...)
{
    char suffix[128] = "";
    bool known = current_known && !current_ok;
    if (known)
        snprintf(suffix, sizeof suffix, " # TODO %s", current_known);
    va_list args;
    va_start(args, format);
    result(current_ok, suffix, format, args);
    va_end(args);
    failures -= known;
}
