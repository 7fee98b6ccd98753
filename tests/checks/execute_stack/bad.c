/* Bytes on the stack are called as if they were code. */
#include "../check.h"

typedef VOID CODE(VOID);

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UCHAR Bytes[16];

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    RtlFillMemory(Bytes, sizeof(Bytes), 0xc3);
    ((CODE *)CheckOpaque(Bytes))();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
