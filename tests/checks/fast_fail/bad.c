/* A damaged structure is found: no handler is asked. */
#include "../check.h"

static __attribute__((noinline)) VOID Fail(ULONG64 Code)
{
    __asm__ volatile("int $0x29" : : "c"(Code));
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    __try
    {
        Fail(3);
    }
    __except (EXCEPTION_EXECUTE_HANDLER)
    {
        return STATUS_UNSUCCESSFUL;
    }
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
