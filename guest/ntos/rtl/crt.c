/* The C library's string routines that drivers import from the kernel. */
#define _CRTIMP
#include "guest/include/rtlp.h"

/* NTEXPORT lines stand beside their definitions; both character sizes come from one body. */
#define STRING_FAMILY(Char, Len, Cpy, Ncpy, Cat, Ncat, Cmp, Ncmp, Chr, Rchr, Str)                      \
    size_t __cdecl Len(const Char *s)                                                                  \
    {                                                                                                  \
        size_t n = 0;                                                                                  \
        while (s[n] != 0)                                                                              \
        {                                                                                              \
            n++;                                                                                       \
        }                                                                                              \
        return n;                                                                                      \
    }                                                                                                  \
    Char *__cdecl Cpy(Char *d, const Char *s)                                                          \
    {                                                                                                  \
        memcpy(d, s, (Len(s) + 1) * sizeof(Char));                                                     \
        return d;                                                                                      \
    }                                                                                                  \
    Char *__cdecl Ncpy(Char *d, const Char *s, size_t n)                                               \
    {                                                                                                  \
        size_t i = 0;                                                                                  \
        for (; i < n && s[i] != 0; i++)                                                                \
        {                                                                                              \
            d[i] = s[i];                                                                               \
        }                                                                                              \
        for (; i < n; i++)                                                                             \
        {                                                                                              \
            d[i] = 0;                                                                                  \
        }                                                                                              \
        return d;                                                                                      \
    }                                                                                                  \
    Char *__cdecl Cat(Char *d, const Char *s)                                                          \
    {                                                                                                  \
        Cpy(d + Len(d), s);                                                                            \
        return d;                                                                                      \
    }                                                                                                  \
    Char *__cdecl Ncat(Char *d, const Char *s, size_t n)                                               \
    {                                                                                                  \
        Char *e = d + Len(d);                                                                          \
        for (; n > 0 && *s != 0; n--)                                                                  \
        {                                                                                              \
            *e++ = *s++;                                                                               \
        }                                                                                              \
        *e = 0;                                                                                        \
        return d;                                                                                      \
    }                                                                                                  \
    int __cdecl Ncmp(const Char *a, const Char *b, size_t n)                                           \
    {                                                                                                  \
        for (; n > 0; n--, a++, b++)                                                                   \
        {                                                                                              \
            if (*a != *b || *a == 0)                                                                   \
            {                                                                                          \
                return (sizeof(Char) == 1 ? (UCHAR)*a : (USHORT)*a) -                                  \
                       (sizeof(Char) == 1 ? (UCHAR)*b : (USHORT)*b);                                   \
            }                                                                                          \
        }                                                                                              \
        return 0;                                                                                      \
    }                                                                                                  \
    int __cdecl Cmp(const Char *a, const Char *b)                                                      \
    {                                                                                                  \
        return Ncmp(a, b, (size_t)-1);                                                                 \
    }                                                                                                  \
    Char *__cdecl Rchr(const Char *s, int c)                                                           \
    {                                                                                                  \
        const Char *Found = NULL;                                                                      \
        for (;; s++)                                                                                   \
        {                                                                                              \
            if (*s == (Char)c)                                                                         \
            {                                                                                          \
                Found = s;                                                                             \
            }                                                                                          \
            if (*s == 0)                                                                               \
            {                                                                                          \
                return (Char *)Found;                                                                  \
            }                                                                                          \
        }                                                                                              \
    }                                                                                                  \
    Char *__cdecl Chr(const Char *s, int c)                                                            \
    {                                                                                                  \
        for (;; s++)                                                                                   \
        {                                                                                              \
            if (*s == (Char)c)                                                                         \
            {                                                                                          \
                return (Char *)s;                                                                      \
            }                                                                                          \
            if (*s == 0)                                                                               \
            {                                                                                          \
                return NULL;                                                                           \
            }                                                                                          \
        }                                                                                              \
    }                                                                                                  \
    Char *__cdecl Str(const Char *s, const Char *w)                                                    \
    {                                                                                                  \
        size_t n = Len(w);                                                                             \
        for (;; s++)                                                                                   \
        {                                                                                              \
            if (Ncmp(s, w, n) == 0)                                                                    \
            {                                                                                          \
                return (Char *)s;                                                                      \
            }                                                                                          \
            if (*s == 0)                                                                               \
            {                                                                                          \
                return NULL;                                                                           \
            }                                                                                          \
        }                                                                                              \
    }

NTEXPORT(strlen, ANY_LEVEL, "");
NTEXPORT(strcpy, ANY_LEVEL, "");
NTEXPORT(strncpy, ANY_LEVEL, "");
NTEXPORT(strcat, ANY_LEVEL, "");
NTEXPORT(strncat, ANY_LEVEL, "");
NTEXPORT(strcmp, ANY_LEVEL, "");
NTEXPORT(strncmp, ANY_LEVEL, "");
NTEXPORT(strchr, ANY_LEVEL, "");
NTEXPORT(strrchr, ANY_LEVEL, "");
NTEXPORT(strstr, ANY_LEVEL, "");
STRING_FAMILY(char, strlen, strcpy, strncpy, strcat, strncat, strcmp, strncmp, strchr, strrchr, strstr)

/* wcschr and wcsrchr take a wchar_t, which is passed as an int is. */
#define wcschr RtlpWcschr
#define wcsrchr RtlpWcsrchr
NTEXPORT(wcslen, ANY_LEVEL, "");
NTEXPORT(wcscpy, ANY_LEVEL, "");
NTEXPORT(wcsncpy, ANY_LEVEL, "");
NTEXPORT(wcscat, ANY_LEVEL, "");
NTEXPORT(wcsncat, ANY_LEVEL, "");
NTEXPORT(wcscmp, ANY_LEVEL, "");
NTEXPORT(wcsncmp, ANY_LEVEL, "");
NTEXPORT(wcsstr, ANY_LEVEL, "");
WCHAR *__cdecl RtlpWcschr(const WCHAR *s, int c);
WCHAR *__cdecl RtlpWcsrchr(const WCHAR *s, int c);
STRING_FAMILY(WCHAR, wcslen, wcscpy, wcsncpy, wcscat, wcsncat, wcscmp, wcsncmp, RtlpWcschr, RtlpWcsrchr, wcsstr)
#undef wcschr
#undef wcsrchr

NTEXPORT(wcschr, ANY_LEVEL, "");
wchar_t *__cdecl wcschr(const wchar_t *s, wchar_t c)
{
    return RtlpWcschr(s, c);
}

NTEXPORT(wcsrchr, ANY_LEVEL, "");
wchar_t *__cdecl wcsrchr(const wchar_t *s, wchar_t c)
{
    return RtlpWcsrchr(s, c);
}

NTEXPORT(strnlen, ANY_LEVEL, "");
size_t __cdecl strnlen(const char *s, size_t Limit)
{
    size_t n = 0;
    while (n < Limit && s[n] != 0)
    {
        n++;
    }
    return n;
}

NTEXPORT(wcsnlen, ANY_LEVEL, "");
size_t __cdecl wcsnlen(const wchar_t *s, size_t Limit)
{
    size_t n = 0;
    while (n < Limit && s[n] != 0)
    {
        n++;
    }
    return n;
}

NTEXPORT(tolower, ANY_LEVEL, "");
int __cdecl tolower(int c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

NTEXPORT(toupper, ANY_LEVEL, "");
int __cdecl toupper(int c)
{
    return c >= 'a' && c <= 'z' ? c - 32 : c;
}

NTEXPORT(towlower, ANY_LEVEL, "");
wint_t __cdecl towlower(wint_t c)
{
    return c < 128 ? (wint_t)tolower(c) : c;
}

NTEXPORT(towupper, ANY_LEVEL, "");
wint_t __cdecl towupper(wint_t c)
{
    return RtlUpcaseUnicodeChar(c);
}

NTEXPORT(_strnicmp, ANY_LEVEL, "");
int __cdecl _strnicmp(const char *a, const char *b, size_t n)
{
    for (; n > 0; n--, a++, b++)
    {
        int Difference = tolower((UCHAR)*a) - tolower((UCHAR)*b);
        if (Difference != 0 || *a == 0)
        {
            return Difference;
        }
    }
    return 0;
}

NTEXPORT(_stricmp, ANY_LEVEL, "");
int __cdecl _stricmp(const char *a, const char *b)
{
    return _strnicmp(a, b, (size_t)-1);
}

NTEXPORT(_wcsnicmp, ANY_LEVEL, "");
int __cdecl _wcsnicmp(const wchar_t *a, const wchar_t *b, size_t n)
{
    for (; n > 0; n--, a++, b++)
    {
        int Difference = towlower(*a) - towlower(*b);
        if (Difference != 0 || *a == 0)
        {
            return Difference;
        }
    }
    return 0;
}

NTEXPORT(_wcsicmp, ANY_LEVEL, "");
int __cdecl _wcsicmp(const wchar_t *a, const wchar_t *b)
{
    return _wcsnicmp(a, b, (size_t)-1);
}

NTEXPORT(bsearch, ANY_LEVEL, "");
void *__cdecl bsearch(const void *Key, const void *Base, size_t Count, size_t Size,
    int(__cdecl *Compare)(const void *, const void *))
{
    const char *Low = Base;
    while (Count > 0)
    {
        const char *Middle = Low + Count / 2 * Size;
        int Order = Compare(Key, Middle);
        if (Order == 0)
        {
            return (void *)Middle;
        }
        if (Order > 0)
        {
            Low = Middle + Size;
            Count -= Count / 2 + 1;
        }
        else
        {
            Count /= 2;
        }
    }
    return NULL;
}

/* Insertion sort: stable and free of recursion, for the short tables that drivers sort. */
NTEXPORT(qsort, ANY_LEVEL, "");
void __cdecl qsort(void *Base, size_t Count, size_t Size, int(__cdecl *Compare)(const void *, const void *))
{
    for (size_t i = 1; i < Count; i++)
    {
        for (char *p = (char *)Base + i * Size; p > (char *)Base && Compare(p - Size, p) > 0; p -= Size)
        {
            for (size_t k = 0; k < Size; k++)
            {
                char Byte = p[k];
                p[k] = p[k - Size];
                p[k - Size] = Byte;
            }
        }
    }
}
