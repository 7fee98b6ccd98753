/*
 * Unwinding against the truth: driver images are mapped into this process and run natively, one
 * instruction at a time (trap flag). A shadow stack that watches calls and returns knows every
 * caller's rip, rsp and nonvolatile registers; at each instruction of the image, prologues and
 * epilogues included, pe_unwind must find the same for every frame up to the outermost.
 */
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "tests/unit/pe_support.h"

#define IMAGE_BASE 0x300000000000ull
#define DEPTH_MAX 64

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 };
static const int nonvolatile[] = {RBX, RBP, RSI, RDI, 12, 13, 14, 15};

struct truth {
    uint64_t rip, sp;
    uint64_t gpr[16];
};

static struct {
    struct pe pe;
    uint64_t size;
    bool active;
    struct truth stack[DEPTH_MAX];
    unsigned depth, deepest;
    uint64_t last_rip, last_sp;
    uint64_t interrupted_at, handler, handler_end; /* rvas, odd.sys only */
    uint64_t interrupted_sp;
    uint64_t checked, machine_frames;
    char failure[400];
} t;

static bool in_image(uint64_t rip)
{
    return rip - IMAGE_BASE < t.size;
}

/* Not the sanitizers' business: the stack of the test's own callers is read. */
__attribute__((no_sanitize("address", "undefined"))) static bool
read_self(void *context, uint64_t address, void *out, size_t n)
{
    (void)context;
    if (address < 0x1000 || address > 0x7FFFFFFFFFFFull)
        return false;
    for (size_t i = 0; i < n; i++)
        ((volatile uint8_t *)out)[i] = ((const volatile uint8_t *)address)[i];
    return true;
}

static bool is_call(uint64_t rip)
{
    const uint8_t *p = (const uint8_t *)rip;
    if (*p >= 0x40 && *p <= 0x4F)
        p++;
    return *p == 0xE8 || (*p == 0xFF && (p[1] & 0x38) == 0x10);
}

static void complain(const char *what, uint64_t rip, unsigned frame, uint64_t got,
                     uint64_t expected)
{
    if (t.failure[0] == 0)
        snprintf(t.failure, sizeof t.failure,
                 "at rva 0x%llx, frame %u: %s is 0x%llx, expected 0x%llx",
                 (unsigned long long)(rip - IMAGE_BASE), frame, what, (unsigned long long)got,
                 (unsigned long long)expected);
}

/* What an interrupt's frame must lead back to. */
static void check_interrupted(const struct pe_frame *f, uint64_t rip, unsigned frame)
{
    t.machine_frames++;
    if (f->rip != IMAGE_BASE + t.interrupted_at)
        complain("the interrupted rip", rip, frame, f->rip, IMAGE_BASE + t.interrupted_at);
    if (f->gpr[RSP] != t.interrupted_sp)
        complain("the interrupted rsp", rip, frame, f->gpr[RSP], t.interrupted_sp);
    if (f->gpr[RBX] != 0x1234)
        complain("the interrupted rbx", rip, frame, f->gpr[RBX], 0x1234);
}

static void check_frames(uint64_t rip, const uint64_t *gpr)
{
    struct pe_frame f = {.rip = rip};
    memcpy(f.gpr, gpr, sizeof f.gpr);
    for (unsigned n = t.depth; n > 0 && t.failure[0] == 0;) {
        const struct truth *want = &t.stack[n - 1];
        unsigned frame = t.depth - n;
        uint64_t at = f.rip - IMAGE_BASE;
        if (!pe_unwind(&t.pe, IMAGE_BASE, &f, read_self, NULL)) {
            complain("success of pe_unwind", rip, frame, 0, 1);
            return;
        }
        if (f.machine_frame != (at >= t.handler && at < t.handler_end)) {
            complain("machine_frame", rip, frame, f.machine_frame, !f.machine_frame);
            return;
        }
        if (f.machine_frame) {
            check_interrupted(&f, rip, frame);
            continue;
        }
        n--;
        if (f.rip != want->rip)
            complain("rip", rip, frame, f.rip, want->rip);
        if (f.gpr[RSP] != want->sp)
            complain("rsp", rip, frame, f.gpr[RSP], want->sp);
        for (unsigned i = 0; i < sizeof nonvolatile / sizeof nonvolatile[0]; i++)
            if (f.gpr[nonvolatile[i]] != want->gpr[nonvolatile[i]]) {
                char name[16];
                snprintf(name, sizeof name, "gpr %d", nonvolatile[i]);
                complain(name, rip, frame, f.gpr[nonvolatile[i]], want->gpr[nonvolatile[i]]);
            }
        if (!in_image(f.rip))
            return; /* the test itself */
    }
}

static void on_step(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info;
    static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                  REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                  REG_R12, REG_R13, REG_R14, REG_R15};
    greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
    uint64_t gpr[16], rip = (uint64_t)g[REG_RIP];
    for (int i = 0; i < 16; i++)
        gpr[i] = (uint64_t)g[order[i]];
    uint64_t sp = gpr[RSP];
    while (t.depth > 0 && sp >= t.stack[t.depth - 1].sp && rip == t.stack[t.depth - 1].rip)
        t.depth--;
    bool from_image = in_image(t.last_rip), first = t.depth == 0 && in_image(rip) && !from_image;
    if (((from_image && is_call(t.last_rip)) || first) && t.depth < DEPTH_MAX) {
        struct truth *f = &t.stack[t.depth++];
        f->rip = *(const uint64_t *)sp;
        f->sp = sp + 8;
        memcpy(f->gpr, gpr, sizeof gpr);
        if (t.depth > t.deepest)
            t.deepest = t.depth;
    }
    if (from_image && t.handler != 0 && rip == IMAGE_BASE + t.handler)
        t.interrupted_sp = ((const uint64_t *)sp)[5]; /* behind vector, level, rip, cs, flags */
    t.last_rip = rip;
    t.last_sp = sp;
    if (in_image(rip) && t.failure[0] == 0) {
        t.checked++;
        check_frames(rip, gpr);
    }
}

static uint64_t __attribute__((ms_abi)) call_out(uint64_t x)
{
    return x * 7 + 3;
}

static bool no_import(void *context, const char *module, const char *symbol, uint16_t ordinal,
                      uint64_t *out, struct error *e)
{
    (void)context, (void)ordinal, (void)out;
    return error_set(e, ERROR_INPUT, "unexpected import %s!%s", module, symbol);
}

static bool read_nothing(void *context, uint64_t address, void *out, size_t n)
{
    (void)context, (void)address, (void)out, (void)n;
    return false;
}

static uint32_t export_of(const char *symbol)
{
    uint32_t rva;
    const char *forward;
    if (!pe_export(&t.pe, (const uint8_t *)IMAGE_BASE, symbol, 0, &rva, &forward) ||
        forward != NULL)
        fail_msg("no export %s", symbol);
    return rva;
}

static struct file_data load(const char *name)
{
    memset(&t, 0, sizeof t);
    struct file_data f = fixture_read(name);
    struct error e = {0};
    if (!pe_parse(name, f.data, f.size, &t.pe, &e))
        fail_msg("%s", e.text);
    t.size = ((uint64_t)t.pe.image_size + 4095) & ~4095ull;
    munmap((void *)IMAGE_BASE, PE_MAX_IMAGE); /* a failed test's */
    void *p = mmap((void *)IMAGE_BASE, t.size, PROT_READ | PROT_WRITE | PROT_EXEC,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    assert_ptr_equal(p, (void *)IMAGE_BASE);
    if (!pe_map(&t.pe, name, IMAGE_BASE, p, &e) || !pe_bind(&t.pe, name, p, no_import, NULL, &e))
        fail_msg("%s", e.text);
    struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
    sigaction(SIGTRAP, &action, NULL);
    return f;
}

static void unload(struct file_data *f)
{
    signal(SIGTRAP, SIG_DFL);
    munmap((void *)IMAGE_BASE, t.size);
    file_free(f);
}

typedef uint64_t(__attribute__((ms_abi)) * guest_fn)(uint64_t);

/* Calls the function with the trap flag on. The red zone is skipped before the flags are pushed. */
static void __attribute__((noinline)) step_through(uint32_t rva, uint64_t argument)
{
    guest_fn fn = (guest_fn)(IMAGE_BASE + rva);
    __asm__ volatile(
        "lea -128(%%rsp), %%rsp; pushfq; orl $0x100, (%%rsp); popfq; lea 128(%%rsp), %%rsp" ::
            : "memory", "cc");
    fn(argument);
    __asm__ volatile(
        "lea -128(%%rsp), %%rsp; pushfq; andl $~0x100, (%%rsp); popfq; lea 128(%%rsp), %%rsp" ::
            : "memory", "cc");
}

static void finish(const char *name, struct file_data *f, uint64_t least_checked,
                   unsigned least_depth)
{
    unload(f);
    if (t.failure[0] != 0)
        fail_msg("%s: %s", name, t.failure);
    if (getenv("PE_VERBOSE"))
        printf("# %s: %llu instructions, depth %u\n", name, (unsigned long long)t.checked,
               t.deepest);
    assert_true(t.checked >= least_checked);
    assert_true(t.deepest >= least_depth);
}

static void compiled_frames(void **state)
{
    const char *name = *state;
    struct file_data f = load(name);
    uint64_t out = (uint64_t)call_out;
    memcpy((void *)(IMAGE_BASE + export_of("CallOut")), &out, 8);
    step_through(export_of("Everything"), 5);
    finish(name, &f, 1000, 6);
}

static void odd_frames(void **state)
{
    (void)state;
    struct file_data f = load("odd.sys");
    static const char *const functions[] = {
        "SavedByMoves", "FrameInR12", "Chained",           "Listed",
        "Indirect",     "SavedFirst", "JumpThroughMemory", "Interrupted"};
    t.interrupted_at = export_of("InterruptedAt");
    t.handler = export_of("Handler");
    t.handler_end = export_of("HandlerEnd");
    for (unsigned i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        step_through(export_of(functions[i]), 0);
        step_through(export_of(functions[i]), 1);
    }
    assert_true(t.machine_frames > 10 || t.failure[0] != 0);
    finish("odd.sys", &f, 100, 2);
}

static void functions_have_ranges(void **state)
{
    (void)state;
    struct file_data f = load("odd.sys");
    uint32_t start, end, rva = export_of("SavedByMoves");
    assert_true(pe_function(&t.pe, rva + 9, &start, &end));
    assert_int_equal(start, rva);
    assert_true(end > rva + 9);
    assert_false(pe_function(&t.pe, export_of("DriverEntry"), &start, &end)); /* a leaf */
    assert_false(pe_function(&t.pe, 0xFFFFFFFFu, &start, &end));
    unload(&f);
}

static void unreadable_stack_fails(void **state)
{
    (void)state;
    struct file_data f = load("odd.sys");
    struct pe_frame frame = {.rip = IMAGE_BASE + export_of("SavedByMoves") + 0x30,
                             .gpr = {[RSP] = 0x10}};
    struct pe_frame before = frame;
    assert_false(pe_unwind(&t.pe, IMAGE_BASE, &frame, read_nothing, NULL));
    assert_memory_equal(&frame, &before, sizeof frame);
    frame.rip = IMAGE_BASE + t.size + 0x100000;
    assert_false(pe_unwind(&t.pe, IMAGE_BASE, &frame, read_self, NULL));
    unload(&f);
}

/* One section that holds an entry at 0x1000 and its information at 0x100c, and ends right behind.
 */
struct crafted {
    struct pe pe;
    uint8_t *file;
};

static struct crafted craft(uint32_t info_rva, const uint8_t *info, uint32_t info_bytes)
{
    uint32_t entry[3] = {0x1000, 0x1100, info_rva}, bytes = 12 + info_bytes;
    struct crafted c = {.pe = {.file_size = bytes, .image_size = 0x2000, .section_count = 1}};
    c.file = malloc(bytes);
    memcpy(c.file, entry, 12);
    memcpy(c.file + 12, info, info_bytes);
    c.pe.file = c.file;
    c.pe.sections[0] =
        (struct pe_section){.rva = 0x1000, .virtual_size = 0x1000, .file_size = bytes};
    c.pe.directories[3] = (struct pe_directory){0x1000, 12};
    return c;
}

static bool read_zero(void *context, uint64_t address, void *out, size_t n)
{
    (void)context, (void)address;
    memset(out, 0, n);
    return true;
}

static void expect_unwind(uint32_t info_rva, const uint8_t *info, uint32_t bytes, bool expected)
{
    struct crafted c = craft(info_rva, info, bytes);
    struct pe_frame frame = {.rip = IMAGE_BASE + 0x1080, .gpr = {[RSP] = 0x5000}};
    bool unwound = pe_unwind(&c.pe, IMAGE_BASE, &frame, read_zero, NULL);
    free(c.file);
    assert_int_equal(unwound, expected);
}

#define EXPECT_UNWIND(expected, info_rva, ...)                                                     \
    do {                                                                                           \
        static const uint8_t info_bytes[] = {__VA_ARGS__};                                         \
        expect_unwind(info_rva, info_bytes, sizeof info_bytes, expected);                          \
    } while (0)

static void malformed_information_fails(void **state)
{
    (void)state;
    EXPECT_UNWIND(true, 0x100C, 1, 0, 0, 0);                 /* no operations */
    EXPECT_UNWIND(true, 0x100C, 1, 0, 2, 0, 0, 0x01, 4, 0);  /* a large allocation */
    EXPECT_UNWIND(false, 0x100C, 1, 0, 1, 0, 0, 0x01);       /* cut off in its middle */
    EXPECT_UNWIND(false, 0x100C, 1, 0, 2, 0, 0, 0x11, 4, 0); /* a larger one, cut off */
    EXPECT_UNWIND(false, 0x100C, 1, 0, 2, 0, 0, 0x02);       /* fewer operations than said */
    EXPECT_UNWIND(false, 0x100C, 1, 0);                      /* no header */
    EXPECT_UNWIND(false, 0x1F00, 1, 0, 0, 0);                /* outside of the file */
    EXPECT_UNWIND(false, 0xFFFFFFF0, 1, 0, 0, 0);            /* outside of the image */
    EXPECT_UNWIND(false, 0x100C, 3, 0, 0, 0);                /* version 3 */
    EXPECT_UNWIND(false, 0x100C, 0, 0, 0, 0);                /* version 0 */
    EXPECT_UNWIND(false, 0x100C, 1, 0, 1, 0, 0, 0x06);       /* version 2's, in version 1 */
    EXPECT_UNWIND(false, 0x100C, 1, 0, 1, 0, 0, 0x0B);       /* unknown operation */
    EXPECT_UNWIND(false, 0x100C, 1, 0, 2, 0, 0, 0x21, 4, 0); /* unknown kind of allocation */
}

static void endless_tables_fail(void **state)
{
    (void)state;
    EXPECT_UNWIND(false, 0x1001, 1, 0, 0, 0);   /* an entry that stands for itself */
    EXPECT_UNWIND(false, 0x100C, 0x21, 0, 0, 0, /* information that continues itself */
                  0x00, 0x10, 0, 0, 0x00, 0x11, 0, 0, 0x0C, 0x10, 0, 0);
    EXPECT_UNWIND(false, 0x100C, 0x21, 0, 0, 0, 0, 0); /* a chain that is cut off */
}

#define COMPILED(image)                                                                            \
    {                                                                                              \
        "every frame unwinds at every instruction: " image, compiled_frames, NULL, NULL,           \
            (void *)(image)                                                                        \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        COMPILED("frames-gcc-O0.sys"),
        COMPILED("frames-gcc-O1.sys"),
        COMPILED("frames-gcc-O2.sys"),
        COMPILED("frames-gcc-Os.sys"),
        COMPILED("frames-clang-O0.sys"),
        COMPILED("frames-clang-O1.sys"),
        COMPILED("frames-clang-O2.sys"),
        COMPILED("frames-clang-Os.sys"),
        {"far saves, odd frame registers, chains, version 2, indirect entries, machine frames "
         "unwind",
         odd_frames, NULL, NULL, NULL},
        {"a function has the range that .pdata gives it", functions_have_ranges, NULL, NULL, NULL},
        {"unwinding over an unreadable stack fails and changes nothing", unreadable_stack_fails,
         NULL, NULL, NULL},
        {"malformed unwind information fails", malformed_information_fails, NULL, NULL, NULL},
        {"unwind tables that lead in circles fail", endless_tables_fail, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("pe_unwind", tests, NULL, NULL);
}
