/* The twin of bad.c without the mistake. */
#include "../check.h"

static KIRQL (NTAPI *Raise)(KIRQL);
static VOID (NTAPI *Lower)(KIRQL);

/* As imports: what the kit's headers inline is nobody's to hook. */
static VOID FindRoutines(VOID)
{
    UNICODE_STRING RaiseName = RTL_CONSTANT_STRING(L"KfRaiseIrql");
    UNICODE_STRING LowerName = RTL_CONSTANT_STRING(L"KfLowerIrql");

    Raise = MmGetSystemRoutineAddress(&RaiseName);
    Lower = MmGetSystemRoutineAddress(&LowerName);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    FindRoutines();
    Raise(APC_LEVEL);
    Lower(PASSIVE_LEVEL);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
