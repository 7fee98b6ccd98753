/* The twin of bad.c without the mistake. */
#include "../check.h"

typedef VOID CODE(VOID);

static VOID Nothing(VOID)
{
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    ((CODE *)CheckOpaque((PVOID)(ULONG_PTR)Nothing))();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
