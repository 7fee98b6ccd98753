/* UTF-8 from scenario files into the UTF-16 that NT's names are. Strict: overlong forms, surrogates
 * and values above 10FFFF are refused when the scenario is read, so that lowering cannot fail on
 * them. */
#include "scenario/internal.h"

/* Decodes one character; 0 bytes on malformed input. */
static unsigned decode(const unsigned char *s, uint32_t *out)
{
    if (s[0] < 0x80) {
        *out = s[0];
        return 1;
    }
    unsigned n = s[0] >= 0xF0 && s[0] < 0xF8   ? 4
                 : s[0] >= 0xE0 && s[0] < 0xF0 ? 3
                 : s[0] >= 0xC2 && s[0] < 0xE0 ? 2
                                               : 0;
    if (n == 0)
        return 0;
    uint32_t c = s[0] & (0x7Fu >> n);
    for (unsigned i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3F);
    }
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
        return 0;
    *out = c;
    return n;
}

bool text_is_utf8(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    uint32_t c;
    while (*s != 0) {
        unsigned n = decode(s, &c);
        if (n == 0)
            return false;
        s += n;
    }
    return true;
}

size_t text_to_utf16(const char *text, uint16_t *out)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t units = 0;
    while (*s != 0) {
        uint32_t c;
        unsigned n = decode(s, &c);
        RD_ASSERT(n != 0);
        s += n;
        if (c >= 0x10000) {
            if (out != NULL) {
                out[units] = (uint16_t)(0xD800 + ((c - 0x10000) >> 10));
                out[units + 1] = (uint16_t)(0xDC00 + (c & 0x3FF));
            }
            units += 2;
            continue;
        }
        if (out != NULL)
            out[units] = (uint16_t)c;
        units++;
    }
    if (out != NULL)
        out[units] = 0;
    return units + 1;
}
