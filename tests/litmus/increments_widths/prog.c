/* Locked additions of different widths to one place: a carry out of the narrow one is lost, so their order shows. Thread 0
 * adds to eight bytes, threads 1 and 2 to the lower four of them. */
#include "../litmus.h"

static union DECLSPEC_ALIGN(64)
{
    volatile LONG64 Wide;
    volatile LONG Narrow;
} Counter;

VOID LitmusInitialize(VOID)
{
    Counter.Wide = 0xFFFFFFFE;
}

VOID LitmusBody(ULONG Number)
{
    if (Number == 0)
    {
        InterlockedIncrement64(&Counter.Wide);
    }
    else
    {
        InterlockedIncrement(&Counter.Narrow);
    }
}
