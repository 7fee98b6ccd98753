/* The twin of bad.c without the mistake. */
#include "../check.h"

static __attribute__((noinline)) ULONG Read(volatile ULONG *Address)
{
    return *Address;
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    KIRQL Irql = KeRaiseIrqlToDpcLevel();
    ULONG Value = 0;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeLowerIrql(Irql);
    __try
    {
        Value = Read(CheckOpaque((PVOID)0x10000));
    }
    __except (EXCEPTION_EXECUTE_HANDLER)
    {
        Value = 2;
    }
    return Value == 1;
}

VOID CheckUnload(VOID)
{
}
