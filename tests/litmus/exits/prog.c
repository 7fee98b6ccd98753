/* System threads that exit, for whom nobody waits: they leave the same process in any order. */
#include "../litmus.h"

VOID LitmusInitialize(VOID)
{
}

VOID LitmusBody(ULONG Number)
{
    UNREFERENCED_PARAMETER(Number);
    PsTerminateSystemThread(STATUS_SUCCESS);
}
