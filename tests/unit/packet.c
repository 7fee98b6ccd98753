/* gdb's packets: what is framed comes back, and whatever else comes in does no harm. */
#include "debug/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum packet_event feed(struct packet_reader *r, const char *bytes, size_t n)
{
    enum packet_event last = PACKET_NONE;
    for (size_t i = 0; i < n; i++)
        last = packet_feed(r, (uint8_t)bytes[i]);
    return last;
}

static enum packet_event feed_text(struct packet_reader *r, const char *text)
{
    return feed(r, text, strlen(text));
}

static void a_packet_with_the_right_sum_is_ready(void **state)
{
    struct packet_reader r = {0};
    (void)state;
    assert_int_equal(feed_text(&r, "$g#67"), PACKET_READY);
    assert_string_equal(r.data, "g");
    assert_int_equal(feed_text(&r, "noise$qC#b4"), PACKET_READY);
    assert_string_equal(r.data, "qC");
}

static void a_wrong_sum_is_refused(void **state)
{
    struct packet_reader r = {0};
    (void)state;
    assert_int_equal(feed_text(&r, "$g#68"), PACKET_BAD);
    assert_int_equal(feed_text(&r, "$g#6z"), PACKET_BAD);
    assert_int_equal(feed_text(&r, "$g}#e4"), PACKET_BAD); /* an escape of nothing */
    assert_int_equal(feed_text(&r, "$g#67"), PACKET_READY);
}

static void a_packet_that_begins_again_is_the_later_one(void **state)
{
    struct packet_reader r = {0};
    (void)state;
    assert_int_equal(feed_text(&r, "$mff$g#67"), PACKET_READY);
    assert_string_equal(r.data, "g");
}

static void bytes_between_packets_are_acknowledgements_and_the_interrupt(void **state)
{
    struct packet_reader r = {0};
    (void)state;
    assert_int_equal(packet_feed(&r, '+'), PACKET_ACK);
    assert_int_equal(packet_feed(&r, '-'), PACKET_NACK);
    assert_int_equal(packet_feed(&r, 3), PACKET_INTERRUPT);
}

static void what_is_too_long_is_refused_and_forgotten(void **state)
{
    static struct packet_reader r;
    (void)state;
    memset(&r, 0, sizeof r);
    char *text = malloc(PACKET_MAX + 5);
    assert_non_null(text);
    for (size_t n = PACKET_MAX - 1; n <= PACKET_MAX + 1; n++) {
        memset(text, 0, n + 1);
        text[0] = '$';
        memcpy(text + n + 1, "#00", 3);
        assert_int_equal(feed(&r, text, n + 4), n <= PACKET_MAX ? PACKET_READY : PACKET_BAD);
    }
    free(text);
    assert_int_equal(feed_text(&r, "$g#67"), PACKET_READY);
}

static void any_data_comes_back_from_its_frame(void **state)
{
    static struct packet_reader r;
    char data[512], framed[2 * sizeof data + 4];
    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)i;
    assert_int_equal(feed(&r, framed, packet_frame(data, sizeof data, framed)), PACKET_READY);
    assert_int_equal(r.length, sizeof data);
    assert_memory_equal(r.data, data, sizeof data);
}

static void any_bytes_are_survived(void **state)
{
    static struct packet_reader r;
    uint32_t random = 1;
    (void)state;
    memset(&r, 0, sizeof r);
    for (unsigned i = 0; i < 3000000; i++) {
        random = random * 1664525u + 1013904223u;
        static const char likely[] = "$#}+-\x03g0123456789abcdef";
        uint8_t byte = random >> 31 ? (uint8_t)(random >> 20) : (uint8_t)likely[(random >> 20) % (sizeof likely - 1)];
        if (packet_feed(&r, byte) == PACKET_READY)
            assert_true(r.length <= PACKET_MAX && r.data[r.length] == '\0');
    }
}

static void numbers_have_at_most_sixteen_digits(void **state)
{
    uint64_t value;
    const char *p = "fFfff80000000010,";
    (void)state;
    assert_true(packet_hex(&p, &value));
    assert_true(value == 0xfffff80000000010ull && *p == ',');
    p = "10000000000000000";
    assert_false(packet_hex(&p, &value));
    p = "x";
    assert_false(packet_hex(&p, &value));
}

static void bytes_come_in_pairs_of_digits(void **state)
{
    uint8_t out[2];
    size_t n;
    (void)state;
    assert_true(packet_bytes("6bFF", out, 2, &n));
    assert_true(n == 2 && out[0] == 0x6b && out[1] == 0xff);
    assert_false(packet_bytes("6bF", out, 2, &n));
    assert_false(packet_bytes("6bFF00", out, 2, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_with_the_right_sum_is_ready),
        cmocka_unit_test(a_wrong_sum_is_refused),
        cmocka_unit_test(a_packet_that_begins_again_is_the_later_one),
        cmocka_unit_test(bytes_between_packets_are_acknowledgements_and_the_interrupt),
        cmocka_unit_test(what_is_too_long_is_refused_and_forgotten),
        cmocka_unit_test(any_data_comes_back_from_its_frame),
        cmocka_unit_test(any_bytes_are_survived),
        cmocka_unit_test(numbers_have_at_most_sixteen_digits),
        cmocka_unit_test(bytes_come_in_pairs_of_digits),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("packet", tests, NULL, NULL);
}
