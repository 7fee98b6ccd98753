/* One writer of an array of n cells, n readers of one cell each: each reader is before or after
 * its write, 2^n ways. Thread 0 writes. */
#include "../litmus.h"

static CELL Cells[8];

VOID LitmusInitialize(VOID)
{
}

VOID LitmusBody(ULONG Number)
{
    if (Number == 0)
    {
        Cells[1].Value = 1;
        Cells[2].Value = 1;
        Cells[3].Value = 1;
        Cells[4].Value = 1;
    }
    else
    {
        LONG Seen = Cells[Number].Value;

        UNREFERENCED_PARAMETER(Seen);
    }
}
