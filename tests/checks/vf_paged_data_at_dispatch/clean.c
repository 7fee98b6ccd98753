/* The twin of bad.c: its section is locked. */
#include "../check.h"

__attribute__((section("PAGEDATA"))) static volatile ULONG Paged = 1;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    KIRQL Irql;
    PVOID Section = MmLockPagableDataSection((PVOID)&Paged);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    Paged++;
    KeLowerIrql(Irql);
    MmUnlockPagableImageSection(Section);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
