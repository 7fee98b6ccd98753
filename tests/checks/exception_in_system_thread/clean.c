/* The twin of bad.c: handled. */
#include "../check.h"

static __attribute__((noinline)) ULONG Read(volatile ULONG *Address)
{
    return *Address;
}

static VOID NTAPI Work(PVOID Context)
{
    __try
    {
        Read(Context);
    }
    __except (EXCEPTION_EXECUTE_HANDLER)
    {
    }
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
