/* The twin of bad.c without the mistake. */
#include "../check.h"

typedef VOID CODE(VOID);

static VOID Nothing(VOID)
{
}

static volatile UCHAR Bytes[16] = {0xc3};

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    Bytes[1] = 0x90;
    ((CODE *)CheckOpaque((PVOID)(ULONG_PTR)Nothing))();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
