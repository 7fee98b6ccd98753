/* One instruction that increments memory, without LOCK: two processors can lose one, so nothing commutes. (Here an
 * instruction is one step, and none gets lost.) */
#include "../litmus.h"

static CELL Counter;

VOID LitmusInitialize(VOID)
{
}

VOID LitmusBody(ULONG Number)
{
    UNREFERENCED_PARAMETER(Number);
    __asm__ volatile("incl %0" : "+m"(Counter.Value) : : "cc");
}
