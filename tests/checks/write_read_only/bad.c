/* A constant of the image is written. */
#include "../check.h"

static const ULONG Constant = 7;

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    *(volatile ULONG *)CheckOpaque((PVOID)&Constant) = *(volatile const ULONG *)&Constant + 1;
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
