/*
 * Litmus programs: tiny drivers whose number of inequivalent executions is known. Each body runs on
 * a system thread of its own (driver.c); everything that the bodies share is volatile and touched
 * only as written.
 */
#ifndef TESTS_LITMUS_LITMUS_H
#define TESTS_LITMUS_LITMUS_H

#include <ntifs.h>

/* Runs on the thread with that number. */
VOID LitmusBody(ULONG Number);
/* Runs in DriverEntry. */
VOID LitmusInitialize(VOID);
/* How many threads there may be: LitmusInitialize can ask for more than the usual six. */
extern ULONG LitmusBodies;
/* Runs before the first of them is started, with how many the scenario starts; LitmusInitialize may set it. */
extern VOID (*LitmusBegin)(ULONG Count);
/* By number. */
extern PKTHREAD LitmusThreads[];

/* An assertion of the program: a bugcheck whose first parameter is the line. */
#define LITMUS_BUGCHECK 0x4C49544D
#define LITMUS_CHECK(condition)                                                                    \
    do                                                                                             \
    {                                                                                              \
        if (!(condition))                                                                          \
        {                                                                                          \
            KeBugCheckEx(LITMUS_BUGCHECK, __LINE__, 0, 0, 0);                                      \
        }                                                                                          \
    } while (0)

/* Every shared variable in a granule of its own, as in programs on paper. */
typedef struct DECLSPEC_ALIGN(64) _CELL
{
    volatile LONG Value;
} CELL;

#define SIGNAL(event) KeSetEvent(&(event), IO_NO_INCREMENT, FALSE)
#define AWAIT(event) KeWaitForSingleObject(&(event), Executive, KernelMode, FALSE, NULL)

#endif
