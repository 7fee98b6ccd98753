/*
 * Names and stacks over a machine of the test's own: the few inspection functions that debug/ calls
 * are defined here, with fixture images at chosen addresses and a stack that is an array.
 */
#include "debug/debug.h"

#include <sys/mman.h>

#include "machine/arena.h"
#include "tests/unit/pe_support.h"

/* --- the machine that debug/ sees --------------------------------------------------------------
 */

#define IMAGES 4
#define STACK_WORDS 256
#define STACK_LIMIT (RD_STACK_BASE + RD_STACK_GUARD)
#define STACK_END (STACK_LIMIT + STACK_WORDS * 8)

static struct machine_image images[IMAGES];
static struct file_data files[IMAGES];
static unsigned image_count;
static uint64_t stack[STACK_WORDS];
static struct rd_thread thread;
static unsigned running_thread = ~0u;
static struct vcpu cpu;

bool arena_read(gva_t a, void *out, size_t n)
{
    if (a < STACK_LIMIT || a > STACK_END || n > STACK_END - a)
        return false;
    memcpy(out, (const uint8_t *)stack + (a - STACK_LIMIT), n);
    return true;
}
const struct machine_image *machine_image_at(const struct machine *m, gva_t a)
{
    (void)m;
    for (unsigned i = 0; i < image_count; i++)
        if (a - images[i].base < images[i].size)
            return &images[i];
    return NULL;
}
unsigned machine_image_count(const struct machine *m)
{
    (void)m;
    return image_count;
}
const struct machine_image *machine_image(const struct machine *m, unsigned index)
{
    (void)m;
    return &images[index];
}
unsigned machine_thread_count(const struct machine *m)
{
    (void)m;
    return 1;
}
bool machine_thread(const struct machine *m, unsigned index, struct rd_thread *out)
{
    (void)m;
    *out = thread;
    return index == 0;
}
unsigned machine_cpu_count(const struct machine *m)
{
    (void)m;
    return 1;
}
unsigned machine_thread_on(const struct machine *m, unsigned number)
{
    (void)m, (void)number;
    return running_thread;
}
const struct vcpu *machine_cpu(const struct machine *m, unsigned number)
{
    (void)m, (void)number;
    return &cpu;
}

/* --- fixtures ----------------------------------------------------------------------------------
 */

static char *paths[IMAGES];

static struct machine_image *add_image(const char *fixture, const char *name, uint32_t serial)
{
    unsigned i = image_count++;
    struct pe pe;
    struct error e = {0};
    files[i] = fixture_read(fixture);
    paths[i] = fixture_path(fixture);
    if (!pe_parse(name, files[i].data, files[i].size, &pe, &e))
        fail_msg("%s", e.text);
    images[i] = (struct machine_image){.path = paths[i],
                                       .base = RD_DRIVER_BASE + i * 0x100000ull,
                                       .size = pe.image_size,
                                       .serial = serial,
                                       .system = serial <= 1,
                                       .loaded = true,
                                       .file = files[i].data,
                                       .file_size = files[i].size};
    snprintf(images[i].name, sizeof images[i].name, "%s", name);
    return &images[i];
}

static int remove_images(void **state)
{
    (void)state;
    for (unsigned i = 0; i < image_count; i++) {
        file_free(&files[i]);
        free(paths[i]);
    }
    image_count = 0;
    memset(stack, 0, sizeof stack);
    memset(&thread, 0, sizeof thread);
    memset(&cpu, 0, sizeof cpu);
    running_thread = ~0u;
    unsetenv("RUNDOWN_SYMBOLIZER");
    return 0;
}

static uint8_t *map_image(const struct machine_image *image, struct pe *pe)
{
    struct error e = {0};
    assert_true(pe_parse("image", image->file, image->file_size, pe, &e));
    uint8_t *memory = malloc(pe->image_size);
    if (!pe_map(pe, "image", pe->preferred_base, memory, &e))
        fail_msg("%s", e.text);
    return memory;
}

static gva_t export_of(const struct machine_image *image, const char *symbol)
{
    struct pe pe;
    uint8_t *memory = map_image(image, &pe);
    uint32_t rva;
    const char *forward;
    if (!pe_export(&pe, memory, symbol, 0, &rva, &forward))
        fail_msg("no export %s", symbol);
    free(memory);
    return image->base + rva;
}

/* The first call instruction behind `from`: *target receives where it goes. */
static gva_t first_call(const struct machine_image *image, gva_t from, gva_t *target)
{
    struct pe pe;
    uint8_t *memory = map_image(image, &pe);
    uint32_t rva = (uint32_t)(from - image->base);
    while (memory[rva] != 0xE8)
        rva++;
    int32_t displacement;
    memcpy(&displacement, memory + rva + 1, 4);
    *target = image->base + rva + 5 + (uint64_t)(int64_t)displacement;
    free(memory);
    return image->base + rva;
}

/* The line of named.c whose comment is `line: WORDS`. */
static unsigned line_of(const char *words)
{
    struct file_data source = fixture_read("named.c");
    char *mark = str_format("/* line: %s */", words);
    const char *at = strstr((const char *)source.data, mark);
    assert_non_null(at);
    unsigned line = 1;
    for (const char *p = (const char *)source.data; p < at; p++)
        line += *p == '\n';
    free(mark);
    file_free(&source);
    return line;
}

static const char *text_at(struct symbols *s, gva_t address, bool is_return)
{
    static char text[512];
    struct symbol y;
    symbols_find(s, address, is_return, &y);
    symbol_text(&y, text, sizeof text);
    return text;
}

static void expect_text(struct symbols *s, gva_t address, bool is_return, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str expected = {0};
    str_vaddf(&expected, format, args);
    va_end(args);
    assert_string_equal(text_at(s, address, is_return), expected.data);
    str_free(&expected);
}

/* --- names -------------------------------------------------------------------------------------
 */

static void debug_information_names_function_file_and_line(void **state)
{
    struct machine_image *image = add_image(*state, "lower.sys", 3);
    struct symbols *s = symbols_open(NULL);
    gva_t hidden, shown = export_of(image, "Shown"), call = first_call(image, shown, &hidden);
    struct symbol y;
    symbols_find(s, hidden, false, &y);
    assert_string_equal(y.module, "lower");
    assert_string_equal(y.function, "Hidden");
    assert_int_equal(y.offset, 0);
    symbols_find(s, call, false, &y);
    assert_string_equal(y.function, "Shown");
    assert_int_equal(y.offset, call - shown);
    assert_int_equal(y.line, line_of("call"));
    expect_text(s, call, false, "lower!Shown+0x%llx [named.c @ %u]",
                (unsigned long long)(call - shown), line_of("call"));
    symbols_close(s);
}

static void return_address_prints_its_own_offset_and_the_line_of_the_call(void **state)
{
    (void)state;
    struct machine_image *image = add_image("named.sys", "lower.sys", 3);
    struct symbols *s = symbols_open(NULL);
    gva_t hidden, shown = export_of(image, "Shown"), call = first_call(image, shown, &hidden);
    expect_text(s, call + 4, true, "lower!Shown+0x%llx [named.c @ %u]",
                (unsigned long long)(call + 5 - shown), line_of("call"));
    symbols_close(s);
}

static void symbol_table_names_functions_without_debug_information(void **state)
{
    (void)state;
    struct machine_image *image = add_image("odd.sys", "odd.sys", 3);
    struct symbols *s = symbols_open(NULL);
    gva_t helper;
    first_call(image, export_of(image, "FrameInR12"), &helper);
    expect_text(s, helper + 1, false, "odd!Helper+0x1");
    symbols_close(s);
}

static void label_inside_a_function_does_not_name_it(void **state)
{
    (void)state;
    struct machine_image *image = add_image("odd.sys", "ntoskrnl.exe", 0);
    struct symbols *s = symbols_open(NULL);
    struct symbol y;
    symbols_find(s, export_of(image, "KiSwapContextResume") + 1, false, &y);
    assert_string_equal(y.function, "SwapContext");
    assert_true(y.offset > 4);
    symbols_close(s);
}

static void stripped_image_has_its_exports_only(void **state)
{
    (void)state;
    struct machine_image *image = add_image("named-stripped.sys", "lower.sys", 3);
    struct symbols *s = symbols_open(NULL);
    gva_t hidden, shown = export_of(image, "Shown"), call = first_call(image, shown, &hidden);
    expect_text(s, shown, false, "lower!Shown");
    expect_text(s, call, false, "lower!Shown+0x%llx", (unsigned long long)(call - shown));
    expect_text(s, hidden, false, "lower+0x%llx", (unsigned long long)(hidden - image->base));
    expect_text(s, image->base, false, "lower+0x0");
    symbols_close(s);
}

static void tool_that_fails_leaves_the_exports(void **state)
{
    struct machine_image *image = add_image("named.sys", "lower.sys", 3);
    setenv("RUNDOWN_SYMBOLIZER", *state, 1);
    struct symbols *s = symbols_open(NULL);
    expect_text(s, export_of(image, "Shown") + 1, false, "lower!Shown+0x1");
    expect_text(s, export_of(image, "DriverEntry") + 2, false, "lower!DriverEntry+0x2");
    symbols_close(s);
}

static void path_that_the_tool_cannot_be_asked_about_leaves_the_exports(void **state)
{
    (void)state;
    struct machine_image *image = add_image("named.sys", "lower.sys", 3);
    static const char *const bad[] = {"/a\"b'c.sys", "/a\nCODE x 1", NULL, "/missing.sys"};
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        image->path = bad[i];
        struct symbols *s = symbols_open(NULL);
        expect_text(s, export_of(image, "Shown") + 1, false, "lower!Shown+0x1");
        symbols_close(s);
    }
}

static void unloaded_image_prints_as_windbg_does(void **state)
{
    (void)state;
    struct machine_image *image = add_image("named.sys", "lower.sys", 3);
    image->loaded = false;
    struct symbols *s = symbols_open(NULL);
    gva_t hidden, shown = export_of(image, "Shown"), call = first_call(image, shown, &hidden);
    expect_text(s, call, false, "<Unloaded_lower.sys>+0x%llx (lower!Shown+0x%llx [named.c @ %u])",
                (unsigned long long)(call - image->base), (unsigned long long)(call - shown),
                line_of("call"));
    image->path = NULL;
    expect_text(s, image->base + 0x10, false, "<Unloaded_lower.sys>+0x10");
    symbols_close(s);
}

static void kernel_is_nt_and_no_image_is_a_number(void **state)
{
    (void)state;
    struct machine_image *image = add_image("named.sys", "ntoskrnl.exe", 0);
    struct symbols *s = symbols_open(NULL);
    struct symbol y;
    symbols_find(s, export_of(image, "DriverEntry"), false, &y);
    assert_string_equal(y.module, "nt");
    assert_string_equal(y.function, "DriverEntry");
    expect_text(s, 0xFFFFFA8000001230ull, false, "0xfffffa8000001230");
    symbols_close(s);
}

static void long_names_are_cut_not_overrun(void **state)
{
    (void)state;
    struct symbol y = {.module = "m", .offset = 1};
    memset(y.function, 'f', sizeof y.function - 1);
    memset(y.file, 'd', sizeof y.file - 1);
    char text[24];
    memset(text, 'x', sizeof text);
    symbol_text(&y, text, 10);
    assert_int_equal(strlen(text), 9);
    assert_int_equal(text[10], 'x');
}

/* --- stacks ------------------------------------------------------------------------------------
 */

static uint64_t *word(gva_t address)
{
    return &stack[(address - STACK_LIMIT) / 8];
}

/* Listed's body, called by Chained's second part, called by an interrupt handler over Interrupted.
 * Returns rsp. */
static gva_t build_stack(const struct machine_image *image, gva_t expected[5],
                         gva_t *call_in_chained)
{
    gva_t helper, sp = STACK_LIMIT + 0x40;
    gva_t chained_return = first_call(image, export_of(image, "Chained"), &helper) + 5;
    gva_t handler_return = first_call(image, export_of(image, "Handler"), &helper) + 5;
    gva_t at = sp;
    expected[0] = at;
    *word(at + 0x28 + 16) = chained_return; /* sub 0x28, rdi, rbx */
    at += 0x28 + 24;
    expected[1] = at;
    *word(at + 0x30 + 8) = handler_return; /* sub 0x30, rbx */
    at += 0x30 + 16;
    expected[2] = at;
    at += 0x38 + 0x10; /* sub 0x38, vector and level */
    gva_t interrupted_sp = STACK_END - 0x80 - 0x40;
    *word(at) = export_of(image, "InterruptedAt");
    *word(at + 24) = interrupted_sp;
    expected[3] = interrupted_sp;
    *call_in_chained = chained_return;
    return sp;
}

static void check_stack(const struct stack_frame *f, unsigned count,
                        const struct machine_image *image, const gva_t expected[5],
                        gva_t call_in_chained)
{
    assert_int_equal(count, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(f[i].sp, expected[i]);
        assert_int_equal(f[i].interrupt, i == 3);
    }
    assert_int_equal(f[1].pc, call_in_chained);
    assert_int_equal(f[0].return_address, call_in_chained);
    assert_int_equal(f[3].pc, export_of(image, "InterruptedAt"));
    assert_int_equal(f[3].return_address, 0);
}

static void walk_goes_through_chains_and_machine_frames_to_the_stack_base(void **state)
{
    (void)state;
    struct machine_image *image = add_image("odd.sys", "odd.sys", 3);
    thread = (struct rd_thread){.stack_limit = STACK_LIMIT, .stack_base = STACK_END};
    struct vcpu_regs regs = {.rip = export_of(image, "Listed") + 8};
    gva_t expected[5], call;
    regs.gpr[REG_RSP] = build_stack(image, expected, &call);
    /* Interrupted's frame register: its frame is empty above, so the walk ends behind it. */
    regs.gpr[REG_RBP] = expected[3] + 0x20;
    struct stack_frame frames[STACK_MAX];
    check_stack(frames, stack_walk(NULL, &regs, frames, STACK_MAX), image, expected, call);
    assert_int_equal(stack_walk(NULL, &regs, frames, 2), 2);
    image->loaded = false;
    check_stack(frames, stack_walk(NULL, &regs, frames, STACK_MAX), image, expected, call);
    assert_true(frames[0].unloaded);
}

static void wild_jump_is_a_frame_whose_caller_is_found(void **state)
{
    (void)state;
    struct machine_image *image = add_image("odd.sys", "odd.sys", 3);
    gva_t helper, call = first_call(image, export_of(image, "Chained"), &helper);
    struct vcpu_regs regs = {.rip = 0x1234};
    regs.gpr[REG_RSP] = STACK_LIMIT + 0x10;
    *word(STACK_LIMIT + 0x10) = call + 5;
    struct stack_frame frames[STACK_MAX];
    assert_int_equal(stack_walk(NULL, &regs, frames, STACK_MAX), 2);
    assert_int_equal(frames[0].pc, 0x1234);
    assert_int_equal(frames[1].pc, call + 5);
    assert_int_equal(stack_culprit(NULL, frames, 2), 1);
}

static void garbage_on_the_stack_ends_the_walk(void **state)
{
    (void)state;
    struct machine_image *image = add_image("odd.sys", "odd.sys", 3);
    struct vcpu_regs regs = {.rip = export_of(image, "Listed") + 8};
    struct stack_frame frames[STACK_MAX];
    static const gva_t places[] = {0, STACK_LIMIT, STACK_END - 8, STACK_END, 0xFFFFFFFFFFFFFFF8ull};
    for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++) {
        regs.gpr[REG_RSP] = places[i];
        assert_int_equal(stack_walk(NULL, &regs, frames, STACK_MAX), 1);
    }
    /* A machine frame that leads to itself. */
    regs.rip = export_of(image, "Handler");
    regs.gpr[REG_RSP] = STACK_LIMIT;
    *word(STACK_LIMIT + 0x10) = regs.rip;
    *word(STACK_LIMIT + 0x28) = STACK_LIMIT;
    assert_int_equal(stack_walk(NULL, &regs, frames, STACK_MAX), 1);
}

static void running_thread_walks_from_its_processor(void **state)
{
    (void)state;
    struct machine_image *image = add_image("odd.sys", "odd.sys", 3);
    struct stack_frame frames[STACK_MAX];
    gva_t expected[5], call;
    thread = (struct rd_thread){.stack_limit = STACK_LIMIT, .stack_base = STACK_END};
    cpu.regs.rip = export_of(image, "Listed") + 8;
    cpu.regs.gpr[REG_RSP] = build_stack(image, expected, &call);
    running_thread = 0;
    assert_true(stack_walk_thread(NULL, 0, frames, STACK_MAX) >= 3);
    assert_int_equal(frames[0].pc, cpu.regs.rip);
    running_thread = ~0u; /* no kernel that could say where it goes on */
    assert_int_equal(stack_walk_thread(NULL, 0, frames, STACK_MAX), 0);
}

static void waiting_thread_walks_from_where_it_was_switched_out(void **state)
{
    (void)state;
    struct machine_image *kernel = add_image("odd.sys", "ntoskrnl.exe", 0);
    struct machine_image *driver = add_image("named.sys", "lower.sys", 3);
    struct pe pe;
    uint8_t *memory = map_image(kernel, &pe);
    size_t bytes = (pe.image_size + 4095u) & ~4095u;
    void *place = mmap(arena_host(kernel->base), bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    assert_ptr_equal(place, arena_host(kernel->base));
    memcpy(place, memory, pe.image_size);
    free(memory);
    gva_t target, call = first_call(driver, export_of(driver, "Shown"), &target);
    thread = (struct rd_thread){.stack_limit = STACK_LIMIT,
                                .stack_base = STACK_END,
                                .saved_rsp = STACK_LIMIT + 0x40,
                                .state = RD_THREAD_WAITING};
    *word(thread.saved_rsp + 0x28) = call + 5; /* sub 0x18, rsi, rbx */
    struct stack_frame frames[STACK_MAX];
    assert_true(stack_walk_thread(NULL, 0, frames, STACK_MAX) >= 2);
    assert_int_equal(frames[0].pc, export_of(kernel, "KiSwapContextResume"));
    assert_int_equal(frames[0].sp, thread.saved_rsp);
    assert_int_equal(frames[1].pc, call + 5);
    assert_int_equal(frames[1].sp, thread.saved_rsp + 0x30);
    assert_int_equal(stack_culprit(NULL, frames, 2), 1);
    thread.state = RD_THREAD_TERMINATED;
    assert_int_equal(stack_walk_thread(NULL, 0, frames, STACK_MAX), 0);
    munmap(place, bytes);
}

static void culprit_is_the_first_frame_outside_of_the_kernel(void **state)
{
    (void)state;
    struct machine_image *kernel = add_image("named.sys", "ntoskrnl.exe", 0);
    struct machine_image *hal = add_image("named.sys", "hal.dll", 1);
    struct machine_image *driver = add_image("named.sys", "lower.sys", 2);
    struct stack_frame frames[] = {{.pc = kernel->base + 0x1010},
                                   {.pc = hal->base + 0x1010},
                                   {.pc = driver->base + 0x1010},
                                   {.pc = kernel->base + 0x1010}};
    assert_int_equal(stack_culprit(NULL, frames, 4), 2);
    assert_int_equal(stack_culprit(NULL, frames, 2), -1);
    driver->loaded = false;
    assert_int_equal(stack_culprit(NULL, frames, 4), 2);
}

#define T(sentence, function, argument)                                                            \
    {                                                                                              \
        sentence, function, NULL, remove_images, (void *)(argument)                                \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        T("DWARF names function, file and line", debug_information_names_function_file_and_line,
          "named.sys"),
        T("PDB names function, file and line", debug_information_names_function_file_and_line,
          "named-msvc.sys"),
        T("a return address prints its own offset and the line of the call",
          return_address_prints_its_own_offset_and_the_line_of_the_call, NULL),
        T("the symbol table names functions without debug information",
          symbol_table_names_functions_without_debug_information, NULL),
        T("a label inside a function does not name it", label_inside_a_function_does_not_name_it,
          NULL),
        T("a stripped image has its exports only", stripped_image_has_its_exports_only, NULL),
        T("a missing tool leaves the exports", tool_that_fails_leaves_the_exports,
          "/missing/symbolizer"),
        T("no tool leaves the exports", tool_that_fails_leaves_the_exports, ""),
        T("a tool that dies leaves the exports", tool_that_fails_leaves_the_exports, "false"),
        T("a path that the tool cannot be asked about leaves the exports",
          path_that_the_tool_cannot_be_asked_about_leaves_the_exports, NULL),
        T("an unloaded image prints as WinDbg does", unloaded_image_prints_as_windbg_does, NULL),
        T("the kernel is nt and no image is a number", kernel_is_nt_and_no_image_is_a_number, NULL),
        T("long names are cut, not overrun", long_names_are_cut_not_overrun, NULL),
        T("a walk goes through chains and machine frames to the stack's base",
          walk_goes_through_chains_and_machine_frames_to_the_stack_base, NULL),
        T("a wild jump is a frame whose caller is found",
          wild_jump_is_a_frame_whose_caller_is_found, NULL),
        T("garbage on the stack ends the walk", garbage_on_the_stack_ends_the_walk, NULL),
        T("a running thread walks from its processor", running_thread_walks_from_its_processor,
          NULL),
        T("a waiting thread walks from where it was switched out",
          waiting_thread_walks_from_where_it_was_switched_out, NULL),
        T("the culprit is the first frame outside of the kernel",
          culprit_is_the_first_frame_outside_of_the_kernel, NULL),
    };
    return cmocka_run_group_tests_name("symbols", tests, NULL, NULL);
}
