/* Test results in the Test Anything Protocol: one line a test, details as comment lines before it.
 */
#ifndef TESTS_ISA_SUPPORT_TAP_H
#define TESTS_ISA_SUPPORT_TAP_H

#include <stdbool.h>

void tap_ok(bool ok, const char *format, ...) __attribute__((format(printf, 2, 3)));
void tap_skip(const char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A comment line. */
void tap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints the plan and returns the process's exit status. */
int tap_finish(void);

/* Inside a test: when `x` is false the test's outcome is false and the place is printed. The
 * enclosing test ends with tap_end("name as a sentence"). */
void tap_begin(void);
/* The current test may fail: known breakage, which is shown but is no failure. */
void tap_known(const char *why);
bool tap_check(bool ok, const char *expression, const char *file, int line);
bool tap_equal(unsigned long long got, unsigned long long expected, const char *expression,
               const char *file, int line);
void tap_end(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define CHECK(x) tap_check((x), #x, __FILE__, __LINE__)
#define EQUAL(got, expected) tap_equal((got), (expected), #got, __FILE__, __LINE__)

#endif
