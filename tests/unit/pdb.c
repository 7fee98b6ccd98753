/*
 * PDBs against DWARF: one object that has both kinds of debug information is linked twice, so that the code is the same byte
 * for byte, and what a PDB says of it must be what DWARF says. And against damage: whatever is wrong in a file, it is only not known.
 */
#include "debug/pdb.h"

#include "base/rng.h"
#include "debug/symbol_file.h"
#include "debug/symbolizer.h"
#include "debug/types.h"
#include "tests/unit/pe_support.h"

struct twin {
    char *path;
    struct file_data file;
    struct pe pe;
};
static struct twin pdb_twin, dwarf_twin;
static struct file_data pdb_file;
static struct pdb *pdb;

static void open_twin(struct twin *t, const char *name)
{
    struct error e = {0};
    t->path = fixture_path(name);
    if (!file_read(t->path, PE_MAX_IMAGE, &t->file, &e) || !pe_parse(name, t->file.data, t->file.size, &t->pe, &e))
        fail_msg("%s", e.text);
}

static struct pdb *open_pdb(const struct twin *t, struct file_data *file)
{
    struct symbol_places none = {0};
    struct pdb_reference reference;
    char *refused, *path;
    assert_true(symbol_file_reference(&t->pe, &reference));
    struct pdb *p = symbol_file_pdb(&none, &t->pe, &reference, t->path, file, &path, &refused);
    assert_non_null(p);
    free(path);
    assert_null(refused);
    return p;
}

static int open_twins(void **state)
{
    (void)state;
    open_twin(&pdb_twin, "../../debug/pdb/twin-pdb.sys");
    open_twin(&dwarf_twin, "../../debug/pdb/twin-dwarf.sys");
    pdb = open_pdb(&pdb_twin, &pdb_file);
    return 0;
}

static int close_twins(void **state)
{
    (void)state;
    pdb_close(pdb);
    file_free(&pdb_file);
    file_free(&pdb_twin.file);
    file_free(&dwarf_twin.file);
    free(pdb_twin.path);
    free(dwarf_twin.path);
    return 0;
}

/* --- names and lines ---------------------------------------------------------------------------------------------------------- */

static bool is_source(const char *file)
{
    size_t n = strlen(file);
    return n > 7 && strcmp(file + n - 7, "typed.c") == 0;
}

static void every_address_has_the_functions_inlining_and_lines_of_dwarf(void **state)
{
    struct symbolizer tool = {0};
    unsigned compared = 0, inlined = 0, deep = 0, prologue = 0;
    (void)state;
    for (uint32_t rva = pdb_twin.pe.sections[0].rva; rva < pdb_twin.pe.sections[0].rva + pdb_twin.pe.sections[0].virtual_size; rva++) {
        struct pdb_place own[PDB_CHAIN];
        struct symbolizer_answer want[SYMBOLIZER_CHAIN];
        unsigned count = pdb_chain(pdb, rva, own);
        if (count == 0 || !is_source(own[count - 1].file) || (strcmp(own[0].function, "Plain") == 0 && rva != own[0].start))
            continue; /* padding, import thunks; functions whose first two lines are at one address are told apart by DWARF alone */
        unsigned expected = symbolizer_chain(&tool, dwarf_twin.path, dwarf_twin.pe.preferred_base + rva, want);
        if (count == 1 && expected > 1 && own[0].line == want[0].line) {
            prologue++; /* DWARF's range of what is inlined first begins with the function around it; the line is that one's */
            continue;
        }
        if (count != expected)
            fail_msg("at %x: %u functions, DWARF has %u", rva, count, expected);
        for (unsigned i = 0; i < count; i++) {
            assert_string_equal(own[i].function, want[i].function);
            if (want[i].line != 0 && own[i].line != want[i].line) /* code of no line is told by DWARF alone */
                fail_msg("at %x: %s line %u, DWARF has %u", rva, own[i].function, own[i].line, want[i].line);
        }
        compared++;
        inlined += count > 1;
        deep += count > 2;
    }
    symbolizer_stop(&tool);
    assert_true(compared > 400);
    assert_true(inlined > 100);
    assert_true(deep > 0);
    assert_true(prologue < 10);
}

static void function_without_a_frame_begins_and_ends_where_its_record_says(void **state)
{
    struct pdb_place place[PDB_CHAIN];
    const struct pdb_name *plain = NULL;
    uint32_t start, end;
    (void)state;
    pdb_chain(pdb, 0, place);
    for (size_t i = 0; i < pdb->functions.count; i++)
        if (strcmp(pdb->functions.data[i].text, "Plain") == 0)
            plain = &pdb->functions.data[i];
    assert_non_null(plain);
    assert_false(pe_function(&pdb_twin.pe, plain->rva, &start, &end));
    assert_int_equal(pdb_chain(pdb, plain->rva + plain->size - 1, place), 1);
    assert_int_equal(place[0].start, plain->rva);
    assert_null(pdb_function(pdb, plain->rva + plain->size));
}

static void count_name(void *context, uint32_t rva, const char *name)
{
    static const char *const wanted[] = {"Plain", "Favourite", "Hidden", "__imp_DbgPrint"};
    unsigned *seen = context;
    (void)rva;
    assert_true(strncmp(name, "??_C@", 5) != 0);
    for (unsigned i = 0; i < 4; i++)
        seen[i] += strcmp(name, wanted[i]) == 0;
}

static void functions_data_and_imports_have_one_name_each(void **state)
{
    unsigned seen[4] = {0};
    (void)state;
    pdb_each_name(pdb, count_name, seen);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(seen[i], 1);
}

/* --- types -------------------------------------------------------------------------------------------------------------------- */

static void compare_types(struct types *a, type_id x, struct types *b, type_id y, unsigned depth, const char *where)
{
    struct type_info i, k;
    types_describe(a, x, &i);
    types_describe(b, y, &k);
    if (i.kind != k.kind || i.size != k.size || i.count != k.count || i.is_signed != k.is_signed || i.is_character != k.is_character)
        fail_msg("%s: kind %d %d, size %llu %llu, count %llu %llu, signed %d %d, character %d %d", where, i.kind, k.kind,
                 (unsigned long long)i.size, (unsigned long long)k.size, (unsigned long long)i.count, (unsigned long long)k.count, i.is_signed,
                 k.is_signed, i.is_character, k.is_character);
    if ((i.kind == TYPE_STRUCT || i.kind == TYPE_ENUM) && strcmp(i.name, k.name) != 0)
        fail_msg("%s: %s, in DWARF %s", where, i.name, k.name);
    if ((i.kind == TYPE_POINTER || i.kind == TYPE_ARRAY) && depth < 4)
        compare_types(a, i.target, b, k.target, depth + 1, where);
}

static unsigned compare_fields(struct types *a, type_id x, struct types *b, type_id y, const char *name)
{
    unsigned i;
    for (i = 0;; i++) {
        struct type_field f = {.name = "(none)"}, g = {.name = "(none)"};
        char where[200];
        bool more = types_field(a, x, i, &f), expected = types_field(b, y, i, &g);
        snprintf(where, sizeof where, "%s.%s (%s in DWARF)", name, f.name, g.name);
        if (more != expected || strcmp(f.name, g.name) != 0 || f.offset != g.offset || f.bit_count != g.bit_count ||
            f.bit_position != g.bit_position)
            fail_msg("%s: offset %llu %llu, bits %u %u at %u %u", where, (unsigned long long)f.offset, (unsigned long long)g.offset, f.bit_count,
                     g.bit_count, f.bit_position, g.bit_position);
        if (!more)
            return i;
        compare_types(a, f.type, b, g.type, 0, where);
    }
}

static void every_type_is_that_of_dwarf(void **state)
{
    struct types *own = types_open_pdb(pdb), *dwarf = types_open(dwarf_twin.file.data, dwarf_twin.file.size);
    unsigned structures = 0, fields = 0;
    const char *name;
    (void)state;
    for (unsigned i = 0; (name = types_match(own, "*", i)) != NULL; i++) {
        type_id x = types_find(own, name), y = types_find(dwarf, name);
        struct type_info info;
        if (y == 0)
            fail_msg("DWARF has no %s", name);
        types_describe(own, x, &info);
        if (info.kind != TYPE_INTEGER) /* clang looks through WCHAR's name to the number below where it lists typedefs */
            compare_types(own, x, dwarf, y, 0, name);
        structures += info.kind == TYPE_STRUCT;
        if (info.kind == TYPE_STRUCT)
            fields += compare_fields(own, x, dwarf, y, name);
    }
    assert_true(structures > 50);
    assert_true(fields > 500);
    types_close(own);
    types_close(dwarf);
}

static void enumerators_and_variables_are_found(void **state)
{
    struct types *own = types_open_pdb(pdb), *dwarf = types_open(dwarf_twin.file.data, dwarf_twin.file.size);
    uint64_t address, expected;
    type_id x, y;
    (void)state;
    assert_string_equal(types_enumerator(own, types_find(own, "COLOUR"), 0x12345678), "FAR_AWAY");
    assert_null(types_enumerator(own, types_find(own, "COLOUR"), 3));
    static const char *const names[] = {"Favourite", "Global", "Table", "Hidden"};
    for (unsigned i = 0; i < 4; i++) {
        assert_true(types_variable(own, names[i], &address, &x));
        assert_true(types_variable(dwarf, names[i], &expected, &y));
        assert_int_equal(address - pdb_twin.pe.preferred_base, expected - dwarf_twin.pe.preferred_base);
        compare_types(own, x, dwarf, y, 0, names[i]);
    }
    assert_false(types_variable(own, "Nothing", &address, &x));
    types_close(own);
    types_close(dwarf);
}

/* --- C++ ---------------------------------------------------------------------------------------------------------------------- */

static struct twin methods;
static struct file_data methods_file;

static struct pdb *open_methods(void)
{
    open_twin(&methods, "../../debug/pdb/methods.sys");
    return open_pdb(&methods, &methods_file);
}

static void close_methods(struct pdb *p)
{
    pdb_close(p);
    file_free(&methods_file);
    file_free(&methods.file);
    free(methods.path);
}

static void inlined_methods_carry_their_class_and_functions_their_namespace(void **state)
{
    static const char *const wanted[] = {"outer::Derived::Inlined", "outer::Free"};
    struct pdb *p = open_methods();
    unsigned seen[2] = {0};
    (void)state;
    for (uint32_t rva = 0x1000; rva < 0x1200; rva++) {
        struct pdb_place chain[PDB_CHAIN];
        unsigned count = pdb_chain(p, rva, chain);
        for (unsigned i = 0; i < 2 && count == 2 && strcmp(chain[1].function, "outer::Derived::Value") == 0; i++)
            seen[i] += strcmp(chain[0].function, wanted[i]) == 0;
        for (unsigned i = 0; i < count; i++)
            assert_true(chain[i].line != 0); /* also where a function begins with what was inlined */
    }
    assert_true(seen[0] > 0 && seen[1] > 0);
    close_methods(p);
}

static void class_has_its_table_the_fields_of_its_bases_and_its_own(void **state)
{
    static const struct {
        const char *name;
        unsigned offset, bits;
    } wanted[] = {{"__VFN_table", 0, 0}, {"First", 8, 0}, {"Low", 16, 3}, {"High", 16, 9}, {"Which", 18, 0}, {"Method", 24, 0}, {"Nested", 40, 0},
                  {"Reference", 56, 0}};
    struct pdb *p = open_methods();
    struct types *t = types_open_pdb(p);
    type_id derived = types_find(t, "outer::Derived");
    struct type_field f;
    struct type_info info;
    (void)state;
    for (unsigned i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        assert_true(types_field(t, derived, i, &f));
        assert_string_equal(f.name, wanted[i].name);
        assert_int_equal(f.offset, wanted[i].offset);
        assert_int_equal(f.bit_count, wanted[i].bits);
    }
    assert_false(types_field(t, derived, sizeof wanted / sizeof wanted[0], &f));
    assert_true(types_path(t, derived, "Nested.Numbers[1]", &f));
    assert_int_equal(f.offset, 52);
    assert_true(types_path(t, derived, "Method", &f));
    types_describe(t, f.type, &info);
    assert_int_equal(info.kind, TYPE_UNKNOWN); /* not an address */
    assert_string_equal(types_enumerator(t, types_find(t, "outer::Derived::Kind"), 200), "MANY");
    types_close(t);
    close_methods(p);
}

/* --- damage ------------------------------------------------------------------------------------------------------------------- */

static void ask_everything(struct pdb *p)
{
    struct pdb_place chain[PDB_CHAIN];
    unsigned seen[4] = {0};
    const char *name;
    for (uint32_t rva = 0x1000; rva < 0x1400; rva += 7)
        pdb_chain(p, rva, chain);
    pdb_public(p, 0x1300);
    pdb_each_name(p, count_name, seen);
    struct types *t = types_open_pdb(p);
    for (unsigned i = 0; i < 12 && (name = types_match(t, "*", i * 9)) != NULL; i++) {
        struct type_field f;
        type_id type = types_find(t, name);
        for (unsigned k = 0; k < 20 && types_field(t, type, k, &f); k++) {
            struct type_info info;
            types_describe(t, f.type, &info);
        }
        types_enumerator(t, type, 7);
    }
    types_close(t);
}

/* Bytes are changed where the file says something: in used blocks' first words and anywhere. */
static void damaged_files_are_refused_or_know_less(void **state)
{
    uint8_t *copy = malloc(pdb_file.size);
    unsigned refused = 0;
    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        struct rng rng = {round};
        struct error e = {0};
        struct pdb *p;
        memcpy(copy, pdb_file.data, pdb_file.size);
        for (unsigned i = 0; i < 1 + round % 40; i++) {
            uint64_t at = rng_below(&rng, pdb_file.size);
            if (rng_below(&rng, 2) == 0)
                at = (at & ~4095ull) + rng_below(&rng, 64);
            copy[at] = (uint8_t)rng_next(&rng);
        }
        size_t size = round % 5 == 0 ? rng_below(&rng, pdb_file.size) : pdb_file.size;
        uint8_t *exact = malloc(size + 1);
        memcpy(exact, copy, size);
        if (pdb_open(exact, size, &pdb_twin.pe, &p, &e)) {
            ask_everything(p);
            pdb_close(p);
        } else {
            assert_true(e.text[0] != '\0' && strchr(e.text, '\n') == NULL);
            refused++;
        }
        free(exact);
    }
    assert_true(refused > 20 && refused < 280);
    free(copy);
}

static void files_that_are_no_pdb_are_refused_in_words(void **state)
{
    struct error e = {0};
    struct pdb *p;
    (void)state;
    assert_false(pdb_open((const uint8_t *)"MZ", 2, NULL, &p, &e));
    assert_string_equal(e.text, "not a PDB file");
    assert_false(pdb_open(pdb_file.data, 100, NULL, &p, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"every address has the functions, the inlining and the lines of DWARF", every_address_has_the_functions_inlining_and_lines_of_dwarf,
         NULL, NULL, NULL},
        {"a function without a frame begins and ends where its record says", function_without_a_frame_begins_and_ends_where_its_record_says, NULL,
         NULL, NULL},
        {"functions, data and imports have one name each", functions_data_and_imports_have_one_name_each, NULL, NULL, NULL},
        {"every type is that of DWARF", every_type_is_that_of_dwarf, NULL, NULL, NULL},
        {"enumerators and variables are found", enumerators_and_variables_are_found, NULL, NULL, NULL},
        {"inlined methods carry their class, and functions their namespace", inlined_methods_carry_their_class_and_functions_their_namespace, NULL,
         NULL, NULL},
        {"a class has its table, the fields of its bases and its own", class_has_its_table_the_fields_of_its_bases_and_its_own, NULL, NULL, NULL},
        {"damaged files are refused or know less", damaged_files_are_refused_or_know_less, NULL, NULL, NULL},
        {"files that are no PDB are refused in words", files_that_are_no_pdb_are_refused_in_words, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("pdb", tests, open_twins, close_twins);
}
