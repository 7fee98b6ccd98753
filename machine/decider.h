/* The questions that explore/ answers while a step runs. Which agent takes the next step is asked by
 * nobody: explore/ says so when it calls machine_step. */
#ifndef MACHINE_DECIDER_H
#define MACHINE_DECIDER_H

#include <stdint.h>

struct decider {
    void *context;
    /* An explicit choice inside a step: a value in [0, n). kind is enum rd_choice. */
    uint32_t (*choose)(void *context, unsigned agent, uint32_t kind, uint32_t n);
};

#endif
