/* XADD, whose register says what was there. Threads 0 and 1 overwrite it unread, so their additions commute with each other; thread
 * 2 looks at it. */
#include "../litmus.h"

static CELL Counter, Result;

VOID LitmusInitialize(VOID)
{
}

VOID LitmusBody(ULONG Number)
{
    LONG Sum = 1;

    if (Number == 2)
    {
        __asm__ volatile("lock xaddl %0, %1" : "+r"(Sum), "+m"(Counter.Value) : : "cc");
        Result.Value = Sum;
    }
    else
    {
        __asm__ volatile("lock xaddl %0, %1\n\txorl %0, %0" : "+r"(Sum), "+m"(Counter.Value) : : "cc");
    }
}
