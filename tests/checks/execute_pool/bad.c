/* A pool block is called as if it were code. */
#include "../check.h"

typedef VOID CODE(VOID);

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PUCHAR Block = ExAllocatePoolWithTag(NonPagedPool, 16, CHECK_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    Block[0] = 0xc3;
    ((CODE *)CheckOpaque(Block))();
    ExFreePoolWithTag(Block, CHECK_TAG);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
