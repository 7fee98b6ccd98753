/* Mapping, relocation, binding and exports of images that linkers made. */
#include "tests/unit/pe_support.h"

#define BASE 0xFFFFF80001230000ull

struct image {
    struct file_data file;
    struct pe pe;
    uint8_t *memory;
};

static struct image *open_image(const char *fixture, uint64_t base)
{
    struct image *i = calloc(1, sizeof *i);
    struct error e = {0};
    i->file = fixture_read(fixture);
    if (!pe_parse(fixture, i->file.data, i->file.size, &i->pe, &e))
        fail_msg("%s", e.text);
    i->memory = malloc(i->pe.image_size);
    memset(i->memory, 0xCC, i->pe.image_size); /* pe_map must leave nothing of it */
    if (!pe_map(&i->pe, fixture, base ? base : i->pe.preferred_base, i->memory, &e))
        fail_msg("%s", e.text);
    return i;
}

static void close_image(struct image *i)
{
    file_free(&i->file);
    free(i->memory);
    free(i);
}

static uint64_t get64(const struct image *i, uint32_t rva)
{
    uint64_t v;
    assert_true(rva + 8u <= i->pe.image_size);
    memcpy(&v, i->memory + rva, 8);
    return v;
}
static uint32_t get32(const struct image *i, uint32_t rva)
{
    uint32_t v;
    memcpy(&v, i->memory + rva, 4);
    return v;
}
static void put32(struct image *i, uint32_t rva, uint32_t v)
{
    memcpy(i->memory + rva, &v, 4);
}

static uint32_t export_of(const struct image *i, const char *symbol)
{
    uint32_t rva;
    const char *forward;
    if (!pe_export(&i->pe, i->memory, symbol, 0, &rva, &forward))
        fail_msg("no export %s", symbol);
    assert_null(forward);
    return rva;
}

/* --- mapping -----------------------------------------------------------------------------------
 */

static void sections_land_at_their_places_and_gaps_are_zero(void **state)
{
    (void)state;
    struct image *i = open_image("importer.sys", 0);
    uint8_t *seen = calloc(1, i->pe.image_size);
    assert_memory_equal(i->memory, i->file.data, i->pe.header_size);
    memset(seen, 1, i->pe.header_size);
    for (unsigned n = 0; n < i->pe.section_count; n++) {
        const struct pe_section *s = &i->pe.sections[n];
        uint32_t bytes = s->file_size < s->virtual_size ? s->file_size : s->virtual_size;
        assert_memory_equal(i->memory + s->rva, i->file.data + s->file_offset, bytes);
        memset(seen + s->rva, 1, bytes);
    }
    for (uint32_t n = 0; n < i->pe.image_size; n++)
        if (!seen[n])
            assert_int_equal(i->memory[n], 0);
    free(seen);
    close_image(i);
}

static void relocations_move_pointers_by_the_difference_of_bases(void **state)
{
    (void)state;
    struct image *preferred = open_image("importer.sys", 0),
                 *moved = open_image("importer.sys", BASE);
    uint32_t table = export_of(moved, "Pointers");
    uint64_t own = get64(preferred, table) - preferred->pe.preferred_base;
    assert_true(own < preferred->pe.image_size);
    assert_int_equal(get64(moved, table), BASE + own);
    assert_int_equal(get64(moved, table + 8), 0);
    assert_int_equal(get64(moved, table + 16), BASE + own);
    unsigned different = 0;
    for (uint32_t n = 0; n < moved->pe.image_size; n += 8)
        different += memcmp(moved->memory + n, preferred->memory + n, 8) != 0;
    assert_int_equal(different, 2);
    close_image(preferred);
    close_image(moved);
}

static void mapping_twice_gives_the_same_bytes(void **state)
{
    (void)state;
    struct image *a = open_image("cookie.sys", BASE), *b = open_image("cookie.sys", BASE);
    assert_memory_equal(a->memory, b->memory, a->pe.image_size);
    close_image(a);
    close_image(b);
}

static void security_cookie_is_set_unless_the_image_has_its_own(void **state)
{
    (void)state;
    struct image *i = open_image("cookie.sys", BASE);
    const struct pe_section *data = NULL;
    for (unsigned n = 0; n < i->pe.section_count; n++)
        if (strcmp(i->pe.sections[n].name, ".data") == 0)
            data = &i->pe.sections[n];
    assert_non_null(data);
    uint64_t cookie = get64(i, data->rva), own = 0x1122334455ull;
    assert_int_not_equal(cookie, 0x00002B992DDFA232ull);
    assert_int_not_equal(cookie, 0);
    assert_int_equal(cookie >> 48, 0);
    memcpy(i->file.data + data->file_offset, &own, 8);
    struct error e = {0};
    assert_true(pe_map(&i->pe, "cookie.sys", BASE, i->memory, &e));
    assert_int_equal(get64(i, data->rva), own);
    close_image(i);
}

static void stripped_image_loads_at_its_preferred_base_only(void **state)
{
    (void)state;
    struct image *i = open_image("importer.sys", 0);
    struct error e = {0};
    i->pe.characteristics |= 1;
    assert_true(pe_map(&i->pe, "x.sys", i->pe.preferred_base, i->memory, &e));
    assert_false(pe_map(&i->pe, "x.sys", BASE, i->memory, &e));
    assert_non_null(strstr(e.text, "x.sys: has no relocations"));
    close_image(i);
}

/* One word of the relocation table replaced. */
static void bad_relocations_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        uint32_t offset, bytes, value;
        const char *expected;
    } cases[] = {
        {8, 2, 0x3000, "relocation type 3 at 0x2000"},
        {8, 2, 0x1FFF, "relocation type 1 at"},
        {0, 4, 0x00FFF000, "outside the image"},
        {0, 4, 0xFFFFFFFF, "outside the image"},
        {4, 4, 0, "says 0x0 bytes"},
        {4, 4, 7, "says 0x7 bytes"},
        {4, 4, 0xFFFFFFF0, "says 0xfffffff0 bytes"},
    };
    for (unsigned n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        struct image *i = open_image("importer.sys", 0);
        const struct pe_section *reloc = &i->pe.sections[i->pe.section_count - 1];
        assert_string_equal(reloc->name, ".reloc");
        memcpy(i->file.data + reloc->file_offset + cases[n].offset, &cases[n].value,
               cases[n].bytes);
        struct error e = {0};
        assert_false(pe_map(&i->pe, "x.sys", BASE, i->memory, &e));
        if (strstr(e.text, cases[n].expected) == NULL || strncmp(e.text, "x.sys: ", 7) != 0)
            fail_msg("got: %s, expected: %s", e.text, cases[n].expected);
        close_image(i);
    }
}

/* --- binding -----------------------------------------------------------------------------------
 */

struct imports {
    struct str text;
    unsigned fail_at;
    unsigned count;
};

static bool import(void *context, const char *module, const char *symbol, uint16_t ordinal,
                   uint64_t *out, struct error *e)
{
    struct imports *x = context;
    if (symbol != NULL)
        str_addf(&x->text, "%s!%s ", module, symbol);
    else
        str_addf(&x->text, "%s!#%u ", module, ordinal);
    *out = 0xAAAA0000u + x->count++;
    return x->count != x->fail_at || error_set(e, ERROR_INPUT, "no such import");
}

static void check_bound(struct image *i)
{
    struct imports x = {0};
    struct error e = {0};
    uint32_t descriptor = i->pe.directories[1].rva, slots = get32(i, descriptor + 16);
    if (!pe_bind(&i->pe, "importer.sys", i->memory, import, &x, &e))
        fail_msg("%s", e.text);
    assert_string_equal(x.text.data, "exporter.sys!Alpha exporter.sys!#9 ");
    assert_int_equal(get64(i, slots), 0xAAAA0000u);
    assert_int_equal(get64(i, slots + 8), 0xAAAA0001u);
    assert_int_equal(get64(i, slots + 16), 0);
    str_free(&x.text);
}

static void imports_bind_by_name_and_by_ordinal(void **state)
{
    (void)state;
    struct image *i = open_image("importer.sys", BASE);
    check_bound(i);
    check_bound(i); /* the look-up table is intact: binding again gives the same */
    close_image(i);
}

static void imports_bind_without_a_lookup_table(void **state)
{
    (void)state;
    struct image *i = open_image("importer.sys", BASE);
    put32(i, i->pe.directories[1].rva, 0);
    check_bound(i);
    close_image(i);
}

static void image_without_imports_binds(void **state)
{
    (void)state;
    struct image *i = open_image("cookie.sys", BASE);
    struct error e = {0};
    assert_true(pe_bind(&i->pe, "cookie.sys", i->memory, import, NULL, &e));
    close_image(i);
}

static void failing_import_ends_binding(void **state)
{
    (void)state;
    struct image *i = open_image("importer.sys", BASE);
    struct imports x = {.fail_at = 1};
    struct error e = {0};
    assert_false(pe_bind(&i->pe, "importer.sys", i->memory, import, &x, &e));
    assert_string_equal(e.text, "no such import");
    assert_int_equal(x.count, 1);
    str_free(&x.text);
    close_image(i);
}

/* Offsets count from the import descriptor (20 bytes a module), or from its look-up table. */
static void bad_imports_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        bool lookup;
        uint32_t offset, value;
        const char *expected;
    } cases[] = {
        {false, 0, 0xFFFFFFF0, "run out of the image"},
        {false, 12, 0xFFFFFFF0, "module has no readable name"},
        {false, 12, 0x7FFFFFFF, "module has no readable name"},
        {false, 16, 0xFFFFFFF8, "run out of the image"},
        {true, 0, 0xFFFFFFF0, "no readable name at 0xfffffff0"},
        {true, 4, 0x00000001, "no readable name"},
        {true, 4, 0x80000001, "by ordinal"},
    };
    for (unsigned n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        struct image *i = open_image("importer.sys", BASE);
        uint32_t at = i->pe.directories[1].rva;
        if (cases[n].lookup)
            at = get32(i, at);
        put32(i, at + cases[n].offset, cases[n].value);
        struct imports x = {0};
        struct error e = {0};
        assert_false(pe_bind(&i->pe, "x.sys", i->memory, import, &x, &e));
        if (strstr(e.text, cases[n].expected) == NULL || strncmp(e.text, "x.sys: ", 7) != 0)
            fail_msg("got: %s, expected: %s", e.text, cases[n].expected);
        str_free(&x.text);
        close_image(i);
    }
}

/* Names go into messages and into buffers of a fixed size. */
static void unprintable_and_endless_names_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"a\x1b[2Jb", "with space", "caf\xc3\xa9"};
    char *endless = calloc(1, 5001);
    memset(endless, 'n', 5000);
    for (unsigned n = 0; n < 8; n++) {
        const char *name = n < 6 ? names[n / 2] : endless;
        struct image *i = open_image("importer.sys", BASE);
        uint32_t descriptor = i->pe.directories[1].rva, place = 0x40;
        uint32_t size = i->pe.image_size;
        i->memory = realloc(i->memory, size + 0x2000);
        memset(i->memory + size, 0, 0x2000);
        i->pe.image_size = size + 0x2000;
        strcpy((char *)i->memory + size + place, name);
        if (n & 1)
            put32(i, descriptor + 12, size + place); /* the module's */
        else
            put32(i, get32(i, descriptor),
                  size + place - 2); /* the first symbol's, behind its hint */
        struct imports x = {0};
        struct error e = {0};
        assert_false(pe_bind(&i->pe, "x.sys", i->memory, import, &x, &e));
        assert_non_null(strstr(e.text, "no readable name"));
        str_free(&x.text);
        close_image(i);
    }
    free(endless);
}

/* --- exports -----------------------------------------------------------------------------------
 */

static void exports_are_found_by_name_and_ordinal(void **state)
{
    (void)state;
    struct image *i = open_image("exporter.sys", BASE);
    uint32_t rva, by_ordinal;
    const char *forward;
    assert_true(pe_export(&i->pe, i->memory, NULL, 7, &by_ordinal, &forward));
    assert_int_equal(by_ordinal, export_of(i, "Beta"));
    assert_int_not_equal(export_of(i, "Alpha"), export_of(i, "Beta"));
    assert_int_equal(get32(i, export_of(i, "Variable")), 4);
    assert_true(pe_export(&i->pe, i->memory, NULL, 9, &rva, &forward));
    assert_null(pe_export_name(&i->pe, i->memory, rva)); /* has no name */
    assert_string_equal(pe_export_name(&i->pe, i->memory, by_ordinal), "Beta");
    assert_null(pe_export_name(&i->pe, i->memory, by_ordinal + 1));
    static const char *const missing[] = {"", "A", "Alph", "Alphaa", "Nameless", "zzz", "\xff"};
    for (unsigned n = 0; n < sizeof missing / sizeof missing[0]; n++)
        assert_false(pe_export(&i->pe, i->memory, missing[n], 0, &rva, &forward));
    static const uint16_t none[] = {0, 1, 4, 10, 65535};
    for (unsigned n = 0; n < sizeof none / sizeof none[0]; n++)
        assert_false(pe_export(&i->pe, i->memory, NULL, none[n], &rva, &forward));
    close_image(i);
}

static void forwarder_gives_its_text(void **state)
{
    (void)state;
    struct image *i = open_image("exporter.sys", BASE);
    uint32_t rva = 1;
    const char *forward;
    assert_true(pe_export(&i->pe, i->memory, "Forwarded", 0, &rva, &forward));
    assert_int_equal(rva, 0);
    assert_string_equal(forward, "NTOSKRNL.KeFoo");
    memcpy(i->memory + ((const uint8_t *)forward - i->memory), "NTOSKRNL.#1234", 14);
    assert_true(pe_export(&i->pe, i->memory, "Forwarded", 0, &rva, &forward));
    assert_string_equal(forward, "NTOSKRNL.#1234");
    close_image(i);
}

static void unsorted_names_are_found_too(void **state)
{
    (void)state;
    struct image *i = open_image("exporter.sys", BASE);
    uint32_t alpha = export_of(i, "Alpha"), beta = export_of(i, "Beta"),
             variable = export_of(i, "Variable");
    uint32_t directory = i->pe.directories[0].rva, names = get32(i, directory + 32),
             ordinals = get32(i, directory + 36);
    uint32_t count = get32(i, directory + 24);
    for (uint32_t a = 0, b = count - 1; a < b; a++, b--) { /* reverse both tables */
        uint32_t name = get32(i, names + 4 * a);
        put32(i, names + 4 * a, get32(i, names + 4 * b));
        put32(i, names + 4 * b, name);
        uint16_t x, y;
        memcpy(&x, i->memory + ordinals + 2 * a, 2);
        memcpy(&y, i->memory + ordinals + 2 * b, 2);
        memcpy(i->memory + ordinals + 2 * a, &y, 2);
        memcpy(i->memory + ordinals + 2 * b, &x, 2);
    }
    assert_int_equal(export_of(i, "Alpha"), alpha);
    assert_int_equal(export_of(i, "Beta"), beta);
    assert_int_equal(export_of(i, "Variable"), variable);
    close_image(i);
}

static void list_export(void *context, const char *symbol, uint32_t ordinal, uint32_t rva)
{
    str_addf(context, "%s#%u%s ", symbol ? symbol : "-", ordinal, rva == 0 ? "f" : "");
}

static void all_exports_are_listed_nameless_ones_last(void **state)
{
    (void)state;
    struct image *i = open_image("exporter.sys", BASE);
    struct str text = {0};
    pe_each_export(&i->pe, i->memory, list_export, &text);
    assert_string_equal(text.data, "Alpha#5 Beta#7 Forwarded#6f Variable#8 -#9 ");
    str_free(&text);
    close_image(i);
}

/* A driver may write over an image's headers and tables: what makes no sense is not exported. */
static void overwritten_export_tables_export_nothing(void **state)
{
    (void)state;
    static const struct {
        uint32_t offset, value;
    } cases[] = {
        {20, 0xFFFFFFFF}, {24, 0xFFFFFFFF}, {28, 0xFFFFFFFC}, {32, 0xFFFFFFFC},
        {36, 0xFFFFFFFE}, {20, 0},          {24, 0},
    };
    for (unsigned n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        struct image *i = open_image("exporter.sys", BASE);
        put32(i, i->pe.directories[0].rva + cases[n].offset, cases[n].value);
        uint32_t rva;
        const char *forward;
        struct str text = {0};
        assert_false(pe_export(&i->pe, i->memory, "Alpha", 0, &rva, &forward));
        pe_each_export(&i->pe, i->memory, list_export, &text);
        assert_true(text.data == NULL || strstr(text.data, "Alpha") == NULL);
        str_free(&text);
        close_image(i);
    }
    struct image *i = open_image("exporter.sys", BASE);
    put32(i, get32(i, i->pe.directories[0].rva + 28), 0xFFFFFFF0); /* Alpha's address */
    assert_false(pe_export(&i->pe, i->memory, "Alpha", 0, &(uint32_t){0}, &(const char *){NULL}));
    memset(i->memory, 0xFF, i->pe.image_size);
    uint32_t rva;
    const char *forward;
    assert_false(pe_export(&i->pe, i->memory, "Alpha", 0, &rva, &forward));
    assert_null(pe_export_name(&i->pe, i->memory, 0x1000));
    close_image(i);
}

#define T(function, sentence)                                                                      \
    {                                                                                              \
        sentence, function, NULL, NULL, NULL                                                       \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(sections_land_at_their_places_and_gaps_are_zero,
          "sections land at their places and gaps are zero"),
        T(relocations_move_pointers_by_the_difference_of_bases,
          "relocations move pointers by the difference of bases"),
        T(mapping_twice_gives_the_same_bytes, "mapping twice gives the same bytes"),
        T(security_cookie_is_set_unless_the_image_has_its_own,
          "the security cookie is set unless the image has its own"),
        T(stripped_image_loads_at_its_preferred_base_only,
          "an image without relocations loads at its preferred base only"),
        T(bad_relocations_are_refused_by_name, "bad relocations are refused by name"),
        T(imports_bind_by_name_and_by_ordinal, "imports bind by name and by ordinal"),
        T(imports_bind_without_a_lookup_table, "imports bind without a look-up table"),
        T(image_without_imports_binds, "an image without imports binds"),
        T(failing_import_ends_binding, "a failing import ends binding"),
        T(bad_imports_are_refused_by_name, "bad imports are refused by name"),
        T(unprintable_and_endless_names_are_refused, "unprintable and endless names are refused"),
        T(exports_are_found_by_name_and_ordinal, "exports are found by name and ordinal"),
        T(forwarder_gives_its_text, "a forwarder gives its text"),
        T(unsorted_names_are_found_too, "unsorted names are found too"),
        T(all_exports_are_listed_nameless_ones_last, "all exports are listed, nameless ones last"),
        T(overwritten_export_tables_export_nothing, "overwritten export tables export nothing"),
    };
    return cmocka_run_group_tests_name("pe_image", tests, NULL, NULL);
}
