/* The last zero of an array (Abdulla, Aronis, Jonsson and Sagonas, POPL 2014): thread 0 looks from the end for
 * an element that is zero, thread j makes element j one more than the one before it. */
#include "../litmus.h"

#define LAST 15

static CELL Array[LAST + 1];

static CELL Writers;

static VOID Begin(ULONG Count)
{
    Writers.Value = (LONG)Count - 1;
}

VOID LitmusInitialize(VOID)
{
    LitmusBodies = LAST + 1;
    LitmusBegin = Begin;
}

VOID LitmusBody(ULONG Number)
{
    LONG Index;

    if (Number != 0)
    {
        Array[Number].Value = Array[Number - 1].Value + 1;
        return;
    }
    for (Index = Writers.Value; Array[Index].Value != 0; Index--)
    {
    }
}
