/* Every thread stores the same value. Whoever comes first changes it; to the others it is as it was, so their order does not
 * matter. */
#include "../litmus.h"

static CELL Flag;

VOID LitmusInitialize(VOID)
{
}

VOID LitmusBody(ULONG Number)
{
    UNREFERENCED_PARAMETER(Number);
    Flag.Value = 1;
}
