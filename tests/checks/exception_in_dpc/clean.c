/* The twin of bad.c without the mistake. */
#include "../check.h"

static volatile LONG Result;

static __attribute__((noinline)) VOID Divide(volatile LONG *By)
{
    Result = 100 / *By;
}

static VOID NTAPI Work(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)
{
    LONG Number = 8;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    Divide(&Number);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    static KDPC Dpc;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeDpc(&Dpc, Work, NULL);
    __try
    {
        KeInsertQueueDpc(&Dpc, NULL, NULL);
        KeFlushQueuedDpcs();
    }
    __except (EXCEPTION_EXECUTE_HANDLER)
    {
        return STATUS_UNSUCCESSFUL;
    }
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
