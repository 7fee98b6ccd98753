/* A fuzz target without a fuzzer, for the suite: each file of its corpus, then so many changed ones from a fixed sequence.
 *     smoke COUNT FILE... */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int main(int argc, char **argv);

static uint64_t state = 88172645463325252ull;

static uint64_t next(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

/* Bytes changed, a part left out, or a part of it said twice. */
static size_t change(const struct file_data *from, uint8_t *to)
{
    size_t size = from->size;
    memcpy(to, from->data, size);
    for (uint64_t n = 1 + next(8); n > 0 && size > 1; n--) {
        size_t at = next(size), length = 1 + next(size - at);
        switch (next(4)) {
        case 0:
            to[at] = (uint8_t)next(256);
            break;
        case 1:
            to[at] = (uint8_t)("0f,:;$#- l\n"[next(11)]);
            break;
        case 2:
            memmove(to + at, to + at + length, size - at - length);
            size -= length;
            break;
        default:
            if (size + length <= 2 * from->size) {
                memmove(to + at + length, to + at, size - at);
                size += length;
            }
        }
    }
    return size;
}

int main(int argc, char **argv)
{
    unsigned long count = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
    struct error e = {0};
    for (int i = 2; i < argc; i++) {
        struct file_data f;
        if (!file_read(argv[i], 1 << 20, &f, &e)) {
            printf("Bail out! %s\n", e.text);
            return 2;
        }
        LLVMFuzzerTestOneInput(f.data, f.size);
        printf("ok %d - %s as it is\n", 2 * i - 3, argv[i]);
        uint8_t *changed = malloc(2 * f.size + 1);
        for (unsigned long n = 0; n < count; n++) {
            size_t size = change(&f, changed);
            uint8_t *exact = malloc(size > 0 ? size : 1); /* so that a byte too many is seen */
            memcpy(exact, changed, size);
            LLVMFuzzerTestOneInput(exact, size);
            free(exact);
        }
        free(changed);
        file_free(&f);
        printf("ok %d - %lu times changed\n", 2 * i - 2, count);
        fflush(stdout);
    }
    printf("1..%d\n", 2 * (argc - 2));
    return 0;
}
