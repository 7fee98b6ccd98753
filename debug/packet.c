/* Frames of gdb's remote protocol, and the numbers in them. */
#include "debug/packet.h"

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static void begin(struct packet_reader *r)
{
    r->state = PACKET_DATA;
    r->too_long = r->bad_digit = false;
    r->sum = r->given = 0;
    r->length = 0;
}

static void append(struct packet_reader *r, uint8_t byte)
{
    if (r->length == PACKET_MAX)
        r->too_long = true;
    else
        r->data[r->length++] = (char)byte;
}

static enum packet_event outside(struct packet_reader *r, uint8_t byte)
{
    switch (byte) {
    case '$':
        begin(r);
        return PACKET_NONE;
    case '+':
        return PACKET_ACK;
    case '-':
        return PACKET_NACK;
    case 3:
        return PACKET_INTERRUPT;
    default:
        return PACKET_NONE; /* noise between packets */
    }
}

enum packet_event packet_feed(struct packet_reader *r, uint8_t byte)
{
    switch (r->state) {
    case PACKET_OUTSIDE:
        return outside(r, byte);
    case PACKET_DATA:
    case PACKET_ESCAPED:
        if (byte == '$') { /* the sender gave up and began again */
            begin(r);
        } else if (byte == '#') {
            r->bad_digit = r->state == PACKET_ESCAPED; /* nothing follows the escape */
            r->state = PACKET_SUM_HIGH;
        } else {
            r->sum = (uint8_t)(r->sum + byte);
            if (r->state == PACKET_ESCAPED)
                append(r, byte ^ 0x20);
            else if (byte != '}')
                append(r, byte);
            r->state = r->state == PACKET_DATA && byte == '}' ? PACKET_ESCAPED : PACKET_DATA;
        }
        return PACKET_NONE;
    case PACKET_SUM_HIGH:
    case PACKET_SUM_LOW:
        r->bad_digit |= digit(byte) < 0;
        r->given = (uint8_t)(r->given << 4 | (digit(byte) & 15));
        if (r->state == PACKET_SUM_HIGH) {
            r->state = PACKET_SUM_LOW;
            return PACKET_NONE;
        }
        r->state = PACKET_OUTSIDE;
        r->data[r->length] = '\0';
        return r->bad_digit || r->too_long || r->given != r->sum ? PACKET_BAD : PACKET_READY;
    }
    return PACKET_NONE;
}

size_t packet_frame(const char *data, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t size = 0;
    uint8_t sum = 0;
    out[size++] = '$';
    for (size_t i = 0; i < n; i++) {
        char c = data[i];
        if (c == '$' || c == '#' || c == '}' || c == '*') {
            out[size++] = '}';
            sum = (uint8_t)(sum + '}');
            c ^= 0x20;
        }
        out[size++] = c;
        sum = (uint8_t)(sum + (uint8_t)c);
    }
    out[size++] = '#';
    out[size++] = digits[sum >> 4];
    out[size++] = digits[sum & 15];
    return size;
}

bool packet_hex(const char **p, uint64_t *out)
{
    const char *s = *p;
    uint64_t value = 0;
    while (digit((uint8_t)*s) >= 0) {
        if (s - *p == 16)
            return false;
        value = value << 4 | (uint64_t)digit((uint8_t)*s++);
    }
    if (s == *p)
        return false;
    *p = s;
    *out = value;
    return true;
}

bool packet_bytes(const char *p, uint8_t *out, size_t max, size_t *count)
{
    *count = 0;
    while (*p != '\0') {
        if (digit((uint8_t)p[0]) < 0 || digit((uint8_t)p[1]) < 0 || *count == max)
            return false;
        out[(*count)++] = (uint8_t)(digit((uint8_t)p[0]) << 4 | digit((uint8_t)p[1]));
        p += 2;
    }
    return true;
}
