/*
 * The frame of gdb's remote protocol: "$data#sum", acknowledgements, the interrupt byte. What comes in is a stranger's:
 * every byte is accepted at any time, and nothing grows with what is sent. ("GDB Remote Serial Protocol" in gdb's manual.)
 */
#ifndef DEBUG_PACKET_H
#define DEBUG_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_MAX 4096u /* bytes of data in a packet, both ways; gdb is told */

enum packet_event {
    PACKET_NONE,     /* more bytes are needed */
    PACKET_READY,    /* data[0..length), NUL behind it */
    PACKET_BAD,      /* wrong sum, or too long: to be sent again */
    PACKET_ACK,
    PACKET_NACK,
    PACKET_INTERRUPT /* stop running */
};

struct packet_reader {
    enum { PACKET_OUTSIDE, PACKET_DATA, PACKET_ESCAPED, PACKET_SUM_HIGH, PACKET_SUM_LOW } state;
    bool too_long, bad_digit;
    uint8_t sum, given;
    size_t length;
    char data[PACKET_MAX + 1];
};

enum packet_event packet_feed(struct packet_reader *r, uint8_t byte);

/* A whole packet around data; bytes that frame packets are escaped. Returns its size; `out` holds 2 * n + 4. */
size_t packet_frame(const char *data, size_t n, char *out);

/* Hexadecimal digits from *p on: a number of at most 16 digits. False: none there, or more; *p stays. */
bool packet_hex(const char **p, uint64_t *out);
/* Pairs of digits; the number of bytes, at most max. False: no pairs, or too many. */
bool packet_bytes(const char *p, uint8_t *out, size_t max, size_t *count);

#endif
