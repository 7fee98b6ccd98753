/* A variable of a function that has returned is read, below the stack pointer. */
#include "../check.h"

static DECLSPEC_NOINLINE PVOID KeepLocal(PVOID Somewhere)
{
    ULONG Values[8];

    RtlFillMemory(Values, sizeof(Values), (UCHAR)(ULONG_PTR)Somewhere);
    return CheckOpaque(Values);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    volatile ULONG *Kept = KeepLocal(NULL);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    return (NTSTATUS)(Kept[0] & 0);
}

VOID CheckUnload(VOID)
{
}
