/* Unloading does not care for the thread. */
#include "race.h"

static VOID Prepare(VOID)
{
}

static DECLSPEC_NOINLINE VOID Leave(VOID)
{
}

static DECLSPEC_NOINLINE VOID Wait(VOID)
{
}
