/* One writer of a location and n readers (Abdulla, Aronis, Jonsson and Sagonas, POPL 2014): each reader is before or
 * after the write, 2^n ways. Thread 0 writes. */
#include "../litmus.h"

static CELL Shared;

VOID LitmusInitialize(VOID)
{
    LitmusBodies = 16;
}

VOID LitmusBody(ULONG Number)
{
    if (Number == 0)
    {
        Shared.Value = 1;
    }
    else
    {
        LONG Seen = Shared.Value;

        UNREFERENCED_PARAMETER(Seen);
    }
}
