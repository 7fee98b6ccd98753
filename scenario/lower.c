/*
 * Lowering: the scenario as the bytes that lie at RD_LOADER_BLOCK when the guest kernel starts. The
 * loader block comes first, then the threads, all steps, and behind them strings and input bytes.
 * Two passes over the same code, the first without a buffer, so that sizes and addresses cannot
 * disagree.
 */
#include "scenario/scenario.h"

#include <stdlib.h>
#include <string.h>

#include "abi/address.h"
#include "abi/hypercall.h"
#include "scenario/internal.h"

struct writer {
    uint8_t *data; /* NULL: measure */
    uint64_t at;
};

static uint64_t place(struct writer *w, size_t bytes)
{
    uint64_t at = w->at;
    w->at += (bytes + 7) & ~7ull;
    return at;
}

static uint64_t place_text(struct writer *w, const char *text)
{
    if (text == NULL)
        return 0;
    size_t units = text_to_utf16(text, NULL);
    uint64_t at = place(w, units * 2);
    if (w->data != NULL)
        text_to_utf16(text, (uint16_t *)(w->data + at));
    return RD_LOADER_BLOCK + at;
}

static uint64_t place_input(struct writer *w, const void *input, uint32_t bytes)
{
    if (bytes == 0)
        return 0;
    uint64_t at = place(w, bytes);
    if (w->data != NULL)
        memcpy(w->data + at, input, bytes);
    return RD_LOADER_BLOCK + at;
}

static uint64_t place_steps(struct writer *w, const struct scenario_step *steps, size_t count)
{
    uint64_t at = place(w, count * sizeof(struct rd_step));
    for (size_t i = 0; i < count; i++) {
        const struct scenario_step *s = &steps[i];
        struct rd_step low = {
            .op = s->op,
            .slot = s->slot,
            .flags = s->flags,
            .code = s->code,
            .input_size = s->input_size,
            .output_size = s->output_size,
            .value = s->value,
        };
        low.text = place_text(w, s->text);
        low.text2 = place_text(w, s->text2);
        low.input = place_input(w, s->input, s->input_size);
        if (s->flags & RD_STEP_EXPECT) {
            RD_ASSERT(s->text2 == NULL); /* steps with a second text expect nothing */
            low.text2 = (uint32_t)s->expect;
        }
        if (w->data != NULL)
            memcpy(w->data + at + i * sizeof low, &low, sizeof low);
    }
    return RD_LOADER_BLOCK + at;
}

static void write_all(const struct scenario *s, struct writer *w)
{
    struct rd_loader_block block = {
        .magic = RD_LOADER_MAGIC,
        .version = RD_ABI_VERSION,
        .os = s->os,
        .cpus = s->cpus,
        .max_cpus = s->tso ? RD_MAX_CPUS / 2 : RD_MAX_CPUS,
        .thread_count = s->thread_count,
        .setup_count = (uint32_t)s->setup_count,
        .fault_budget = s->fault_budget,
        .verifier_flags = s->verifier,
        .machine_flags = s->tso ? RD_MACHINE_TSO : 0,
    };
    uint64_t at = place(w, sizeof block);
    block.verifier_drivers = place_text(w, s->verifier_drivers);
    uint64_t threads = place(w, s->thread_count * sizeof(struct rd_scenario_thread));
    block.threads = RD_LOADER_BLOCK + threads;
    block.setup = place_steps(w, s->setup, s->setup_count);
    for (unsigned i = 0; i < s->thread_count; i++) {
        struct rd_scenario_thread low = {.priority = s->threads[i].priority};
        memcpy(low.name, s->threads[i].name, strlen(s->threads[i].name));
        low.steps = place_steps(w, s->threads[i].steps, s->threads[i].count);
        low.step_count = (uint32_t)s->threads[i].count;
        if (w->data != NULL)
            memcpy(w->data + threads + i * sizeof low, &low, sizeof low);
    }
    if (w->data != NULL)
        memcpy(w->data + at, &block, sizeof block);
}

bool scenario_lower(const struct scenario *s, struct scenario_blob *out, struct error *e)
{
    struct writer w = {0};
    write_all(s, &w);
    if (w.at > RD_LOADER_SIZE)
        return error_set(e, ERROR_INPUT,
                         "%s: the scenario takes %llu bytes in the guest, %llu fit: use fewer "
                         "steps or less input",
                         s->path ? s->path : "scenario", (unsigned long long)w.at,
                         (unsigned long long)RD_LOADER_SIZE);
    size_t size = w.at;
    uint8_t *data = calloc(1, size);
    RD_ASSERT(data != NULL);
    w = (struct writer){data, 0};
    write_all(s, &w);
    RD_ASSERT(w.at == size);
    *out = (struct scenario_blob){data, size};
    return true;
}
