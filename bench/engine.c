/*
 * The engine's speed, as ratios to native execution of the same work: translated plainly, with all
 * checks, with share cells besides, and with share cells for the stack's implicit accesses too. The
 * runs of the modes are interleaved and the median of seven counts, since a busy machine drifts;
 * differences below ten per cent mean nothing. Also what a snapshot's restore costs and what
 * translating cold code costs. Nothing here passes or fails but wrong results.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "abi/shadow.h"
#include "base/file.h"
#include "bench/work.h"
#include "machine/arena.h"
#include "machine/dbt/dbt.h"
#include "machine/pe/pe.h"

#define REPEATS 7
#define ROUNDS 60

#define IMAGE_BASE RD_DRIVER_BASE
#define RETURN_ADDRESS RD_NTOS_BASE
#define WORK_BASE RD_POOL_BASE
#define POOL_BASE (RD_POOL_BASE + 0x100000ull)
#define SNAPSHOT_BASE (RD_POOL_BASE + 0x1000000ull)
#define STACK_TOP (RD_STACK_BASE + RD_STACK_GUARD + RD_STACK_SIZE)

enum mode { MODE_NATIVE, MODE_PLAIN, MODE_CHECKED, MODE_SHARED, MODE_STACK, MODES };

static const struct {
    const char *name;
    unsigned features;
} modes[MODES] = {
    {"native", 0},
    {"plain", 0},
    {"checked", DBT_SHADOW | DBT_DIRTY | DBT_BUDGETS | DBT_COVERAGE},
    {"+ share", DBT_SHADOW | DBT_DIRTY | DBT_BUDGETS | DBT_COVERAGE | DBT_SHARE},
    {"+ stack", DBT_SHADOW | DBT_DIRTY | DBT_BUDGETS | DBT_COVERAGE | DBT_SHARE | DBT_SHARE_STACK},
};

static const struct {
    const char *name;
    unsigned mask;
} kernels[] = {
    {"list walk", 1u << WORK_LIST},
    {"hash, digest on stack", 1u << WORK_HASH},
    {"spin lock, interlocked", 1u << WORK_LOCK},
    {"byte and word copies", 1u << WORK_COPY},
    {"IRP-like dispatch", 1u << WORK_DISPATCH},
    {"all", WORK_ALL},
};
#define KERNELS (sizeof kernels / sizeof *kernels)

/* What the reference prototype measured for "all", and the bars. */
static const struct {
    const char *prototype, *bar;
} anchors[MODES] = {{"1", ""}, {"1.14", "1.5"}, {"2.25", "3.5"}, {"", ""}, {"", ""}};

static struct dbt *dbt;
static struct vcpu cpu;
static gva_t guest_init, guest_run, image_end;
static struct work *native_work;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static _Noreturn void fail(const char *text)
{
    fprintf(stderr, "engine benchmark: %s\n", text);
    exit(1);
}

/* ---- the guest ---- */

static struct code_range find_code(void *context, gva_t pc)
{
    (void)context;
    if (pc >= IMAGE_BASE && pc < image_end)
        return (struct code_range){IMAGE_BASE, image_end, CODE_DRIVER, 1};
    if (pc >= RETURN_ADDRESS && pc < RETURN_ADDRESS + RD_PAGE)
        return (struct code_range){RETURN_ADDRESS, RETURN_ADDRESS + RD_PAGE, CODE_KERNEL, 0};
    return (struct code_range){pc, pc + 1, CODE_NONE, 0};
}

/* One processor: every cell becomes its own at the first access. */
static bool __attribute__((target("general-regs-only"),
                           optimize("no-tree-vectorize", "no-tree-loop-distribute-patterns")))
share(void *context, gva_t address, uint32_t size, bool write, enum code_class class)
{
    (void)context;
    (void)class;
    for (gva_t granule = address & ~7ull; granule < address + size; granule += 8)
        *arena_share(granule) |= (uint8_t)(write ? 1 | SHARE_WRITTEN : 1);
    return false;
}

static void load_image(const char *path)
{
    struct error e = {0};
    struct file_data file;
    struct pe pe;
    uint32_t init, run;
    const char *forward;
    if (!file_read(path, PE_MAX_IMAGE, &file, &e) ||
        !pe_parse(path, file.data, file.size, &pe, &e) ||
        !pe_map(&pe, path, IMAGE_BASE, arena_host(IMAGE_BASE), &e))
        fail(e.text);
    if (!pe_export(&pe, arena_host(IMAGE_BASE), "work_init", 0, &init, &forward) ||
        !pe_export(&pe, arena_host(IMAGE_BASE), "work_run", 0, &run, &forward))
        fail("the image lacks its entry points");
    guest_init = IMAGE_BASE + init;
    guest_run = IMAGE_BASE + run;
    image_end = IMAGE_BASE + ((pe.image_size + RD_PAGE - 1) & ~(RD_PAGE - 1));
    arena_set_shadow(IMAGE_BASE, image_end - IMAGE_BASE, RD_SHADOW_VALID);
    file_free(&file);
}

static uint64_t call_guest(gva_t function, uint64_t a, uint64_t b, uint64_t c)
{
    gva_t rsp = STACK_TOP - 0x100;
    const uint64_t back = RETURN_ADDRESS;
    rsp -= 8;
    memcpy(arena_host(rsp), &back, sizeof back);
    cpu.regs.gpr[REG_RSP] = rsp;
    cpu.regs.gpr[REG_RCX] = a;
    cpu.regs.gpr[REG_RDX] = b;
    cpu.regs.gpr[REG_R8] = c;
    cpu.regs.rip = function;
    cpu.regs.rflags = 0x202;
    cpu.regs.mxcsr = 0x1F80;
    cpu.state = VCPU_RUNNING;
    struct dbt_exit x = dbt_run(dbt, &cpu, ~0ull);
    if (x.reason != DBT_CROSS || cpu.regs.rip != RETURN_ADDRESS) {
        fprintf(stderr, "exit %u at image + %#llx, address %#llx, shadow %#x %s\n", x.reason,
                (unsigned long long)(cpu.regs.rip - IMAGE_BASE), (unsigned long long)x.address,
                x.shadow, x.reason == DBT_UNSUPPORTED ? x.text : "");
        fail("the guest did not return");
    }
    return cpu.regs.gpr[REG_RAX];
}

/* A pool as the kernel keeps it: blocks valid to the byte, zones between them, fresh memory behind.
 */
static void lay_pool_shadow(const struct work *w)
{
    arena_set_shadow(POOL_BASE, WORK_POOL_BYTES, RD_SHADOW_POOL_RIGHT);
    arena_set_shadow(POOL_BASE + w->used, WORK_POOL_BYTES - (w->used & ~7ull),
                     RD_SHADOW_POOL_FRESH);
    for (uint64_t i = 0; i < w->block_count; i++)
        arena_set_shadow(POOL_BASE + w->blocks[i].offset, w->blocks[i].bytes, RD_SHADOW_VALID);
}

static void start_guest_work(void)
{
    struct work *w = arena_host(WORK_BASE);
    memset(w, 0, sizeof *w);
    w->pool = POOL_BASE;
    arena_set_shadow(POOL_BASE, WORK_POOL_BYTES, RD_SHADOW_VALID);
    call_guest(guest_init, WORK_BASE, 0, 0);
    lay_pool_shadow(w);
}

/* The native copy lies as the guest's does, to the low 21 address bits: where copies and the work's
 * structures collide in caches and store buffers, they do so in both worlds. */
static void start_native_work(void)
{
    static uint8_t *memory;
    const size_t align = 0x200000, size = (size_t)(POOL_BASE - WORK_BASE) + WORK_POOL_BYTES;
    if (!memory) {
        uint8_t *got =
            mmap(NULL, size + align, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (got == MAP_FAILED)
            fail("out of memory");
        memory = (uint8_t *)(((uintptr_t)got + align - 1) & ~(uintptr_t)(align - 1));
        madvise(memory, size, MADV_NOHUGEPAGE);
    }
    native_work = (struct work *)(void *)memory;
    memset(native_work, 0, sizeof *native_work);
    native_work->pool = (uint64_t)(uintptr_t)memory + (POOL_BASE - WORK_BASE);
    work_init(native_work);
}

static void set_mode(enum mode mode)
{
    if (mode != MODE_NATIVE)
        dbt_set_features(dbt, modes[mode].features);
}

static uint64_t run(enum mode mode, unsigned mask, uint64_t rounds)
{
    return mode == MODE_NATIVE ? work_run(native_work, mask, rounds)
                               : call_guest(guest_run, WORK_BASE, mask, rounds);
}

/* ---- measurements ---- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, unsigned count)
{
    qsort(values, count, sizeof *values, compare_doubles);
    return values[count / 2];
}

static void check_results(void)
{
    start_native_work();
    uint64_t expected = run(MODE_NATIVE, WORK_ALL, 3);
    for (enum mode m = MODE_PLAIN; m < MODES; m++) {
        set_mode(m);
        start_guest_work();
        if (run(m, WORK_ALL, 3) != expected)
            fail("translated work has another result than native work");
    }
}

static void measure_speed(void)
{
    static double sample[MODES][KERNELS][REPEATS];
    start_native_work();
    start_guest_work();
    for (unsigned n = 0; n < REPEATS; n++) {
        for (enum mode m = MODE_NATIVE; m < MODES; m++) {
            set_mode(m);
            run(m, WORK_ALL, 2);
            for (unsigned k = 0; k < KERNELS; k++) {
                double start = seconds();
                run(m, kernels[k].mask, ROUNDS);
                sample[m][k][n] = seconds() - start;
            }
        }
    }
    printf("time relative to native execution (medians of %d interleaved runs)\n\n", REPEATS);
    printf("  %-24s %12s", "", "native us");
    for (enum mode m = MODE_PLAIN; m < MODES; m++)
        printf(" %9s", modes[m].name);
    printf("\n");
    for (unsigned k = 0; k < KERNELS; k++) {
        double base = median(sample[MODE_NATIVE][k], REPEATS);
        printf("  %-24s %12.1f", kernels[k].name, base * 1e6 / ROUNDS);
        for (enum mode m = MODE_PLAIN; m < MODES; m++)
            printf(" %9.2f", median(sample[m][k], REPEATS) / base);
        printf("\n");
    }
    printf("  %-24s %12s", "prototype, all", "");
    for (enum mode m = MODE_PLAIN; m < MODES; m++)
        printf(" %9s", anchors[m].prototype);
    printf("\n  %-24s %12s", "bar, all", "");
    for (enum mode m = MODE_PLAIN; m < MODES; m++)
        printf(" %9s", anchors[m].bar);
    printf("\n\n");
}

static void touch_pages(unsigned pages)
{
    for (unsigned i = 0; i < pages; i++) {
        gva_t a =
            SNAPSHOT_BASE + (gva_t)(i * 2654435761u >> 20) * RD_PAGE % 0x1000000 + i % 512 * 8;
        *(volatile uint64_t *)arena_host(a) = i + 1;
        *arena_dirty(a) = 1;
    }
}

static void measure_snapshots(void)
{
    static const struct {
        unsigned pages;
        const char *prototype;
    } rows[] = {{64, "7"}, {256, "33"}};
    arena_set_shadow(SNAPSHOT_BASE, 0x1000000, RD_SHADOW_VALID);
    touch_pages(4096);
    printf("snapshot restore, microseconds (the touching of the pages included)\n\n");
    for (unsigned r = 0; r < 2; r++) {
        const unsigned count = 500;
        double samples[REPEATS], touching[REPEATS];
        unsigned depth = arena_push();
        uint64_t copied = arena_pages_copied();
        for (unsigned n = 0; n < REPEATS; n++) {
            double start = seconds();
            for (unsigned i = 0; i < count; i++) {
                touch_pages(rows[r].pages);
                arena_restore(depth);
            }
            samples[n] = (seconds() - start) / count;
        }
        copied = arena_pages_copied() - copied;
        arena_drop(depth);
        for (unsigned n = 0; n < REPEATS; n++) {
            double start = seconds();
            for (unsigned i = 0; i < count; i++)
                touch_pages(rows[r].pages);
            touching[n] = (seconds() - start) / count;
        }
        printf("  %3u dirty pages %8.1f   (touching alone %.1f, pages copied a restore %.0f; "
               "prototype %s)\n",
               rows[r].pages, median(samples, REPEATS) * 1e6, median(touching, REPEATS) * 1e6,
               (double)copied / (count * REPEATS), rows[r].prototype);
    }
    printf("\n");
}

static void measure_translation(void)
{
    printf("cold translation, nanoseconds a guest instruction (target 1500)\n\n");
    for (enum mode m = MODE_PLAIN; m < MODES; m++) {
        double samples[REPEATS];
        uint64_t instructions = 0;
        for (unsigned n = 0; n < REPEATS; n++) {
            struct dbt_stats before = dbt_stats(dbt);
            for (unsigned i = 0; i < 20; i++) {
                dbt_set_features(dbt, 0);
                dbt_set_features(dbt, DBT_COVERAGE);
                dbt_set_features(dbt, modes[m].features);
                run(m, WORK_ALL, 1);
            }
            struct dbt_stats after = dbt_stats(dbt);
            instructions = after.guest_instructions - before.guest_instructions;
            samples[n] = instructions ? (double)(after.translate_ns - before.translate_ns) /
                                            (double)instructions
                                      : 0;
        }
        printf("  %-9s %8.0f   (%llu instructions, %llu bytes of code kept)\n", modes[m].name,
               median(samples, REPEATS), (unsigned long long)(instructions / 20),
               (unsigned long long)dbt_stats(dbt).host_bytes);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    struct error e = {0};
    static const struct dbt_callbacks callbacks = {.code = find_code, .share = share};
    if (argc != 2)
        fail("usage: engine IMAGE");
    if (!arena_create(&e) || !(dbt = dbt_create(&callbacks, NULL, 0, &e)))
        fail(e.text);
    dbt_set_agent(dbt, 1);
    load_image(argv[1]);
    arena_set_shadow(WORK_BASE, (sizeof(struct work) + 7) & ~7ull, RD_SHADOW_VALID);
    arena_set_shadow(RD_STACK_BASE + RD_STACK_GUARD, RD_STACK_SIZE, RD_SHADOW_STACK);
    check_results();
    measure_speed();
    measure_snapshots();
    measure_translation();
    dbt_destroy(dbt);
    arena_destroy();
    return 0;
}
