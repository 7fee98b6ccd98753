/* An llvm-symbolizer process, started at the first question and asked one at a time. */
#ifndef DEBUG_SYMBOLIZER_H
#define DEBUG_SYMBOLIZER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct symbolizer {
    bool debug_names; /* functions by debug information alone, else the symbol table's name goes
                         first */
    pid_t pid;        /* 0: not started */
    int fd;
    bool broken; /* missing or died: not tried again */
    char *buffer;
    size_t count, capacity;
};

struct symbolizer_answer {
    char function[96]; /* "" when unknown */
    char file[160];
    unsigned line;
    uint64_t start; /* address of the function, 0 unknown */
};

#define SYMBOLIZER_CHAIN 9
/* All functions of an address, as inlining put them into each other: innermost first, the one that has the address last.
 * Returns how many, 0 when the tool knows nothing. */
unsigned symbolizer_chain(struct symbolizer *z, const char *path, uint64_t address,
                          struct symbolizer_answer out[SYMBOLIZER_CHAIN]);
/* `address` is one of the image's preferred base. False: the tool knows nothing of it, or is not
 * there. */
bool symbolizer_ask(struct symbolizer *z, const char *path, uint64_t address,
                    struct symbolizer_answer *out);
void symbolizer_stop(struct symbolizer *z);

#endif
