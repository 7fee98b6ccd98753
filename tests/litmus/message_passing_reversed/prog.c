/* The writer sets the flag first: the reader may see the flag without the data. */
#include "../litmus.h"

static CELL Data, Flag;

VOID LitmusInitialize(VOID)
{
}

VOID LitmusBody(ULONG Number)
{
    if (Number == 0)
    {
        Flag.Value = 1;
        Data.Value = 1;
    }
    else if (Flag.Value != 0)
    {
        LITMUS_CHECK(Data.Value == 1);
    }
}
