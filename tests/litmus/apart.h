/* Measures in a process of its own, so that peak memory and processor time are the measurement's. */
#ifndef TESTS_LITMUS_APART_H
#define TESTS_LITMUS_APART_H

#include <stdbool.h>
#include <stddef.h>

/* False when the process failed. */
bool apart(void (*measure)(const void *), const void *row);
double peak_megabytes(void);
/* Memory that it shares with who waits for it, zero. */
void *apart_shared(size_t bytes);

#endif
