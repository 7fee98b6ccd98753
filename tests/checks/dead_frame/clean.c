/* The twin of bad.c without the mistake. */
#include "../check.h"

static DECLSPEC_NOINLINE PVOID KeepArgument(PVOID Somewhere)
{
    ULONG Values[8];

    RtlFillMemory(Values, sizeof(Values), (UCHAR)(ULONG_PTR)Somewhere);
    return CheckOpaque(Somewhere);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    ULONG Value = 0;
    volatile ULONG *Kept = KeepArgument(&Value);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    return (NTSTATUS)(Kept[0] & 0);
}

VOID CheckUnload(VOID)
{
}
