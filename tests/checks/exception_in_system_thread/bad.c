/* A system thread leaves an access violation unhandled. */
#include "../check.h"

static __attribute__((noinline)) ULONG Read(volatile ULONG *Address)
{
    return *Address;
}

static VOID NTAPI Work(PVOID Context)
{
    Read(Context);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    CHECK_THREAD Thread;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    CheckStartThread(&Thread, Work, NULL);
    CheckJoinThread(&Thread);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
