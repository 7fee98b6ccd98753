/* A bugcheck callback is still registered when the driver is unloaded. */
#include "../check.h"

static KBUGCHECK_CALLBACK_RECORD Record;

static VOID NTAPI BugCheckRoutine(PVOID Buffer, ULONG Length)
{
    UNREFERENCED_PARAMETER(Buffer);
    UNREFERENCED_PARAMETER(Length);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeCallbackRecord((&Record));
    KeRegisterBugCheckCallback(&Record, BugCheckRoutine, NULL, 0, (PUCHAR)"check");
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
