/* The twin of bad.c: at APC_LEVEL it may be. */
#include "../check.h"

__attribute__((section("PAGE"), noinline)) static ULONG PagedRoutine(ULONG Value)
{
    return Value + 1;
}

static volatile ULONG Result;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeRaiseIrql(APC_LEVEL, &Irql);
    Result = PagedRoutine(Result);
    KeLowerIrql(Irql);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
