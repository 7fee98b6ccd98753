/* The twin of bad.c without the mistake. */
#include "../check.h"

typedef VOID CODE(VOID);

static VOID Nothing(VOID)
{
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UCHAR Bytes[16];

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    RtlFillMemory(Bytes, sizeof(Bytes), 0xc3);
    ((CODE *)CheckOpaque((PVOID)(ULONG_PTR)Nothing))();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
