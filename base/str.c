/* A growing string. */
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/vec.h"

void str_addn(struct str *s, const char *text, size_t bytes)
{
    vec_reserve(s, s->count + bytes + 1);
    memcpy(s->data + s->count, text, bytes);
    s->count += bytes;
    s->data[s->count] = '\0';
}

void str_add(struct str *s, const char *text)
{
    str_addn(s, text, strlen(text));
}

void str_vaddf(struct str *s, const char *format, va_list args)
{
    va_list copy;
    va_copy(copy, args);
    int bytes = vsnprintf(NULL, 0, format, copy);
    va_end(copy);
    RD_ASSERT(bytes >= 0);
    vec_reserve(s, s->count + (size_t)bytes + 1);
    vsnprintf(s->data + s->count, (size_t)bytes + 1, format, args);
    s->count += (size_t)bytes;
}

void str_addf(struct str *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str_vaddf(s, format, args);
    va_end(args);
}

void str_free(struct str *s)
{
    free(s->data);
    *s = (struct str){0};
}

char *str_dup(const char *text)
{
    char *copy = strdup(text);
    RD_ASSERT(copy != NULL);
    return copy;
}

char *str_format(const char *format, ...)
{
    struct str s = {0};
    va_list args;
    va_start(args, format);
    str_vaddf(&s, format, args);
    va_end(args);
    return s.data;
}
