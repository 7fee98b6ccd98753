/* Measures in a process of its own, so that peak memory and processor time are the measurement's. */
#ifndef BENCH_APART_H
#define BENCH_APART_H

#include <stdbool.h>

/* False when the process failed. */
bool apart(void (*measure)(const void *), const void *row);
double peak_megabytes(void);

#endif
