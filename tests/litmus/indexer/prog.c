/* Threads put four messages each into one hash table (Flanagan and Godefroid, "Dynamic partial-order reduction for
 * model checking software", POPL 2005). Up to eleven threads never meet; from the twelfth on messages collide. */
#include "../litmus.h"

#define SIZE 128
#define MESSAGES 4

static CELL Table[SIZE];

VOID LitmusInitialize(VOID)
{
    LitmusBodies = 16;
}

VOID LitmusBody(ULONG Number)
{
    LONG Message, Slot, Made;

    for (Made = 1; Made <= MESSAGES; Made++)
    {
        Message = Made * 11 + (LONG)Number;
        Slot = (Message * 7) % SIZE;
        while (InterlockedCompareExchange(&Table[Slot].Value, Message, 0) != 0)
        {
            Slot = (Slot + 1) % SIZE;
        }
    }
}
