/* The twin of bad.c without the mistake. */
#include "../check.h"

static DECLSPEC_NOINLINE ULONG Recurse(ULONG Depth)
{
    volatile ULONG Frame[64];

    Frame[Depth % 64] = Depth;
    if (Depth == 0)
    {
        return 0;
    }
    return Recurse(Depth - 1) + Frame[Depth % 64];
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    return (NTSTATUS)(Recurse((ULONG)(ULONG_PTR)CheckOpaque((PVOID)20)) & 0);
}

VOID CheckUnload(VOID)
{
}
