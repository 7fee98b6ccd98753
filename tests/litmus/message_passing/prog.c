/* A thread writes data and then a flag; the other reads the flag, and the data only if the flag
 * is set. */
#include "../litmus.h"

static CELL Data, Flag, Seen;

VOID LitmusInitialize(VOID)
{
}

VOID LitmusBody(ULONG Number)
{
    if (Number == 0)
    {
        Data.Value = 1;
        Flag.Value = 1;
    }
    else if (Flag.Value != 0)
    {
        Seen.Value = Data.Value;
        LITMUS_CHECK(Seen.Value == 1);
    }
}
