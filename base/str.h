/* A growing string for text that is built piece by piece (reports, messages). */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stddef.h>

struct str {
    char *data; /* NUL-terminated once anything was appended; NULL before */
    size_t count;
    size_t capacity;
};

void str_addf(struct str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void str_vaddf(struct str *s, const char *format, va_list args);
void str_add(struct str *s, const char *text);
void str_addn(struct str *s, const char *text, size_t bytes);
void str_free(struct str *s);

/* malloc'ed copies that never return NULL. */
char *str_dup(const char *text);
char *str_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
