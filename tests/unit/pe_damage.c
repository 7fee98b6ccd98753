/*
 * Damaged images: a table of what a wrong header word must be called, and thousands of random
 * damages that must only ever end in one line of text. (A sanitizer build sees the rest: make
 * MODE=asan check T=pe_damage.)
 */
#include <stdlib.h>

#include "base/rng.h"
#include "tests/unit/pe/exercise.h"
#include "tests/unit/pe_support.h"

enum place {
    AT_FILE,
    AT_COFF, /* the COFF file header, behind "PE\0\0" */
    AT_OPTIONAL,
    AT_DIRECTORY, /* data directories */
    AT_SECTION    /* section headers */
};

struct damage {
    const char *what;
    enum place place;
    uint32_t offset, bytes, value;
    const char *expected;
};

#define SECTION(n) ((n)*40u)

static const struct damage damages[] = {
    {"MZ gone", AT_FILE, 0, 2, 0, "not a PE image (no MZ signature)"},
    {"an ELF file", AT_FILE, 0, 4, 0x464C457F, "an ELF file"},
    {"PE header far away", AT_FILE, 60, 4, 0xFFFFFFFF, "truncated: the PE header at 0xffffffff"},
    {"PE header at the end", AT_FILE, 60, 4, 0x2FF0, "truncated: the PE header"},
    {"PE signature gone", AT_COFF, (uint32_t)-4, 4, 0x4550FF, "no PE signature"},
    {"x86", AT_COFF, 0, 2, 0x14C, "32-bit x86 (machine 0x14c); build the driver for x64"},
    {"ARM64", AT_COFF, 0, 2, 0xAA64, "built for ARM64"},
    {"ARM", AT_COFF, 0, 2, 0x1C4, "32-bit ARM"},
    {"Itanium", AT_COFF, 0, 2, 0x200, "Itanium"},
    {"unknown machine", AT_COFF, 0, 2, 0x1234, "an unknown processor (machine 0x1234)"},
    {"no sections", AT_COFF, 2, 2, 0, "0 sections"},
    {"too many sections", AT_COFF, 2, 2, 97, "97 sections; 1 to 96"},
    {"section table outside the headers", AT_COFF, 2, 2, 90, "do not hold the section table"},
    {"optional header outside the file", AT_COFF, 16, 2, 0xFFFF,
     "optional header is outside the file"},
    {"optional header too small", AT_COFF, 16, 2, 100, "optional header of 100 bytes"},
    {"optional header smaller than its directories", AT_COFF, 16, 2, 120,
     "16 directories do not fit"},
    {"no optional header", AT_COFF, 16, 2, 0, "optional header magic 0x0"},
    {"not executable", AT_COFF, 18, 2, 0, "not an executable image"},
    {"PE32", AT_OPTIONAL, 0, 2, 0x10B, "a 32-bit image (PE32); build the driver for x64"},
    {"ROM image", AT_OPTIONAL, 0, 2, 0x107, "optional header magic 0x107"},
    {"odd entry point", AT_OPTIONAL, 16, 4, 0x7FFFFFFF,
     "entry point 0x7fffffff lies in no executable section"},
    {"entry point in data", AT_OPTIONAL, 16, 4, 0x2000, "lies in no executable section"},
    {"odd base", AT_OPTIONAL, 24, 4, 0x1234, "a multiple of 64 KiB"},
    {"small section alignment", AT_OPTIONAL, 32, 4, 0x20, "section alignment 0x20"},
    {"odd section alignment", AT_OPTIONAL, 32, 4, 0x1800, "section alignment 0x1800"},
    {"large section alignment", AT_OPTIONAL, 32, 4, 0x80000000, "is unaligned in the image"},
    {"zero section alignment", AT_OPTIONAL, 32, 4, 0, "section alignment 0x0"},
    {"odd file alignment", AT_OPTIONAL, 36, 4, 3, "file alignment 0x3"},
    {"huge file alignment", AT_OPTIONAL, 36, 4, 0x20000, "file alignment 0x20000"},
    {"image too large", AT_OPTIONAL, 56, 4, PE_MAX_IMAGE + 1, "32 MiB"},
    {"image of no size", AT_OPTIONAL, 56, 4, 0, "an image of 0x0 bytes"},
    {"image smaller than its sections", AT_OPTIONAL, 56, 4, 0x4000,
     "outside the image of 0x4000 bytes"},
    {"image smaller than its headers", AT_OPTIONAL, 56, 4, 0x100, "headers of 0x400 bytes"},
    {"headers larger than the file", AT_OPTIONAL, 60, 4, 0x7FFFFFFF, "headers of 0x7fffffff bytes"},
    {"headers over the first section", AT_OPTIONAL, 60, 4, 0x1200, "overlaps the headers"},
    {"headers of no size", AT_OPTIONAL, 60, 4, 0, "do not hold the section table"},
    {"export directory outside", AT_DIRECTORY, 0, 4, 0xFFFFF000, "directory 0 (0xfffff000"},
    {"import directory outside", AT_DIRECTORY, 12, 4, 0xFFFFFFFF, "directory 1 ("},
    {"exception directory outside", AT_DIRECTORY, 24, 4, 0x7FFFFFFF, "directory 3 (0x7fffffff"},
    {"exception table not in the file", AT_DIRECTORY, 28, 4, 0x800,
     "lies in no section's file data"},
    {"exception table in the part that the file lacks", AT_SECTION, SECTION(3) + 16, 4, 0,
     "lies in no section's file data"},
    {"relocation directory outside", AT_DIRECTORY, 44, 4, 0x7FFFFFFF, "directory 5 ("},
    {"first section outside the file", AT_SECTION, 20, 4, 0xFFFFFE00,
     "section .text (0x200 bytes at 0xfffffe00)"},
    {"section longer than the file", AT_SECTION, 16, 4, 0xFFFFFFFF, "is outside the file"},
    {"section unaligned in the file", AT_SECTION, 20, 4, 0x404, "unaligned in the file (0x404)"},
    {"section unaligned in the image", AT_SECTION, 12, 4, 0x1010,
     "unaligned in the image (0x1010)"},
    {"section outside the image", AT_SECTION, 12, 4, 0xFFFFF000, "is outside the image"},
    {"section longer than the image", AT_SECTION, 8, 4, 0xFFFFFFFF, "is outside the image"},
    {"section over the headers", AT_SECTION, 12, 4, 0, "overlaps the headers"},
    {"sections overlap", AT_SECTION, 8, 4, 0x1001, "sections .text and .data overlap at 0x2000"},
    {"sections at one place", AT_SECTION, SECTION(1) + 12, 4, 0x1000,
     "sections .text and .data overlap"},
    {"sections out of order", AT_SECTION, SECTION(1) + 12, 4, 0x4000, "ascending order"},
    {"section name unprintable", AT_SECTION, 20, 4, 0xFFFFFE00, "section .text "},
};

static size_t place_offset(const uint8_t *file, enum place place)
{
    uint32_t pe;
    uint16_t optional;
    memcpy(&pe, file + 60, 4);
    memcpy(&optional, file + pe + 4 + 16, 2);
    size_t coff = pe + 4u;
    switch (place) {
    case AT_COFF:
        return coff;
    case AT_OPTIONAL:
        return coff + 20;
    case AT_DIRECTORY:
        return coff + 20 + 112;
    case AT_SECTION:
        return coff + 20 + optional;
    default:
        return 0;
    }
}

static void every_damage_is_named(void **state)
{
    (void)state;
    struct file_data original = fixture_read("importer.sys");
    for (unsigned n = 0; n < sizeof damages / sizeof damages[0]; n++) {
        const struct damage *d = &damages[n];
        uint8_t *copy = malloc(original.size);
        memcpy(copy, original.data, original.size);
        memcpy(copy + place_offset(copy, d->place) + (int32_t)d->offset, &d->value, d->bytes);
        struct pe pe;
        struct error e = {0};
        if (pe_parse("x.sys", copy, original.size, &pe, &e))
            fail_msg("%s: was accepted", d->what);
        if (strncmp(e.text, "x.sys: ", 7) != 0 || strstr(e.text, d->expected) == NULL ||
            strchr(e.text, '\n'))
            fail_msg("%s: got \"%s\", expected \"%s\"", d->what, e.text, d->expected);
        assert_int_equal(e.kind, ERROR_INPUT);
        free(copy);
    }
    file_free(&original);
}

/* The format allows for more directories than are defined. */
static void further_directories_are_ignored(void **state)
{
    (void)state;
    struct file_data f = fixture_read("importer.sys");
    uint32_t count = 0x20;
    memcpy(f.data + place_offset(f.data, AT_OPTIONAL) + 108, &count, 4);
    struct pe pe;
    struct error e = {0};
    if (!pe_parse("x.sys", f.data, f.size, &pe, &e))
        fail_msg("%s", e.text);
    file_free(&f);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    struct file_data original = fixture_read("importer.sys");
    struct pe pe;
    struct error e = {0};
    assert_true(pe_parse("x.sys", original.data, original.size, &pe, &e));
    size_t end = 0;
    for (unsigned i = 0; i < pe.section_count; i++)
        if (pe.sections[i].file_offset + pe.sections[i].file_size > end)
            end = pe.sections[i].file_offset + pe.sections[i].file_size;
    for (size_t size = 0; size < end; size++) {
        uint8_t *copy = malloc(size + 1);
        memcpy(copy, original.data, size);
        e = (struct error){0};
        if (pe_parse("x.sys", copy, size, &pe, &e))
            fail_msg("%zu of %zu bytes were accepted", size, end);
        assert_int_equal(strncmp(e.text, "x.sys: ", 7), 0);
        free(copy);
    }
    file_free(&original);
}

static void parsing_keeps_what_the_headers_say(void **state)
{
    (void)state;
    struct file_data f = fixture_read("importer.sys");
    struct pe pe;
    struct error e = {0};
    assert_true(pe_parse("x.sys", f.data, f.size, &pe, &e));
    assert_int_equal(e.kind, ERROR_NONE);
    assert_int_equal(pe.subsystem, 1);
    assert_int_equal(pe.section_alignment, 0x1000);
    assert_string_equal(pe.sections[0].name, ".text");
    assert_true(pe.sections[0].executable && pe.sections[0].readable && !pe.sections[0].writable);
    assert_true(pe.sections[1].writable && !pe.sections[1].executable);
    assert_true(pe.sections[pe.section_count - 1].discardable);
    assert_true(pe.entry_rva >= pe.sections[0].rva);
    file_free(&f);
}

/* Tables may overlap at will, so a small file could ask for billions of imports. */
static void too_many_imports_are_refused(void **state)
{
    (void)state;
    enum {
        BYTES = 0x100000,
        DESCRIPTOR = 0x11000,
        NAME = 0x20000,
        SLOTS = 0x30000,
        LOOKUP = 0x70000
    };
    struct file_data f = fixture_read("importer.sys");
    struct pe pe;
    struct error e = {0};
    assert_true(pe_parse("x.sys", f.data, f.size, &pe, &e));
    uint8_t *memory = calloc(1, BYTES);
    uint32_t name = NAME, descriptor[5] = {LOOKUP, 0, 0, NAME + 2, SLOTS};
    memcpy(memory + NAME + 2, "Name", 5);
    memcpy(memory + DESCRIPTOR, descriptor, sizeof descriptor);
    for (uint32_t at = LOOKUP; at < BYTES; at += 8)
        memcpy(memory + at, &name, 4);
    pe.image_size = BYTES;
    pe.directories[1] = (struct pe_directory){DESCRIPTOR, 40};
    struct exercise x = {&pe, 1, 0};
    bool bound = pe_bind(&pe, "x.sys", memory, exercise_import, &x, &e);
    free(memory);
    file_free(&f);
    assert_false(bound);
    assert_string_equal(e.text, "x.sys: more than 65536 imports");
}

/* --- random damage -----------------------------------------------------------------------------
 */

#define CASES 20000u

static void random_damage_is_survived(void **state)
{
    (void)state;
    static const char *const fixtures[] = {"importer.sys", "exporter.sys", "odd.sys", "cookie.sys"};
    static const uint64_t favourites[] = {0,          1,          0x7FFFFFFF, 0x80000000,
                                          0xFFFFFFFF, 0xFFFFFFFC, 0x1000,     0xFFFFF000};
    enum { FIXTURES = sizeof fixtures / sizeof fixtures[0] };
    struct file_data f[FIXTURES];
    struct pe pe[FIXTURES];
    struct error e = {0};
    for (unsigned i = 0; i < FIXTURES; i++) {
        f[i] = fixture_read(fixtures[i]);
        assert_true(pe_parse(fixtures[i], f[i].data, f[i].size, &pe[i], &e));
        assert_int_equal(exercise_image(f[i].data, f[i].size, 1), 3);
    }
    struct rng r = {20};
    unsigned reached[4] = {0};
    for (unsigned n = 0; n < CASES; n++) {
        unsigned which = (unsigned)rng_below(&r, FIXTURES);
        size_t size = f[which].size;
        if (rng_below(&r, 16) == 0)
            size = (size_t)rng_below(&r, size + 1);
        uint8_t *copy = malloc(size + 1);
        memcpy(copy, f[which].data, size);
        for (uint64_t k = rng_below(&r, 4) + 1; k > 0 && size > 8; k--) {
            /* Headers a third of the time, else one section's contents. */
            const struct pe_section *s =
                &pe[which].sections[rng_below(&r, pe[which].section_count)];
            uint64_t low = 0, high = pe[which].header_size;
            if (rng_below(&r, 3) != 0 && s->file_size > 0) {
                low = s->file_offset;
                high = low + (s->file_size < s->virtual_size ? s->file_size : s->virtual_size);
            }
            uint64_t at = low + rng_below(&r, high - low);
            uint64_t value = rng_below(&r, 2) ? rng_next(&r) : favourites[rng_below(&r, 8)];
            size_t bytes = (size_t)1 << rng_below(&r, 3);
            if (at + bytes <= size)
                memcpy(copy + at, &value, bytes);
        }
        reached[exercise_image(copy, size, n)]++;
        free(copy);
    }
    /* The damage is neither always noticed nor never. */
    for (unsigned i = 0; i < 4; i++)
        if (reached[i] < CASES / 500)
            fail_msg("only %u cases reached stage %u", reached[i], i);
    for (unsigned i = 0; i < FIXTURES; i++)
        file_free(&f[i]);
}

#define T(function, sentence)                                                                      \
    {                                                                                              \
        sentence, function, NULL, NULL, NULL                                                       \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(parsing_keeps_what_the_headers_say, "parsing keeps what the headers say"),
        T(every_damage_is_named, "every damage is named"),
        T(further_directories_are_ignored, "further directories are ignored"),
        T(every_truncation_is_refused, "every truncation is refused"),
        T(too_many_imports_are_refused, "too many imports are refused"),
        T(random_damage_is_survived, "random damage is survived"),
    };
    return cmocka_run_group_tests_name("pe_damage", tests, NULL, NULL);
}
