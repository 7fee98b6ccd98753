/* The twin of bad.c: a filter steps over it. */
#include "../check.h"

static LONG StepOver(PEXCEPTION_POINTERS Pointers)
{
    Pointers->ContextRecord->Rip++;
    return EXCEPTION_CONTINUE_EXECUTION;
}

static __attribute__((noinline)) VOID Stop(VOID)
{
    __asm__ volatile("int3");
}

static VOID Broken(VOID)
{
    __try
    {
        Stop();
    }
    __except (StepOver(GetExceptionInformation()))
    {
    }
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    Broken();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
