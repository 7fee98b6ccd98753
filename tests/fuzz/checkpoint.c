/* What lies behind a checkpoint's head, as hostile input: the head's hash tells damage, not intent. */
#include <stdlib.h>

#include "explore/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const struct strategy *const explore_strategies[] = {NULL};

static void share(void *context, const uint64_t *granules, size_t count)
{
    volatile uint64_t sum = 0;
    (void)context;
    for (size_t i = 0; i < count; i++)
        sum += granules[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct subject subject = {.share = share};
    struct explore_options options = {.all = true};
    struct explore_result result = {.stop = STOP_END};
    struct explorer x = {.subject = &subject, .options = &options, .result = &result};
    struct units queue = {.at = 0};
    struct unit u;
    struct wire w = {.at = 0}, out = {.at = 0};
    put_bytes(&w, data, size);
    if (checkpoint_parse(&w, &x, &queue))
        while (units_take(&queue, &u)) { /* what a worker would be told */
            out.bytes.count = 0;
            put_unit(&out, &u);
            RD_ASSERT(unit_share(&u) >= 0);
            unit_over(&u);
        }
    units_free(&queue);
    wire_free(&w);
    wire_free(&out);
    explorer_forget(&x);
    vec_free(&x.states);
    vec_free(&x.violation_round);
    return 0;
}
