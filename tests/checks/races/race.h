/*
 * A system thread that is in the driver while it is unloaded. How unloading waits for it, if it does, is the variant's: it says
 * Prepare, what the thread does when it is nearly done (Leave), and what unloading does (Wait).
 */
#include "../check.h"

static VOID Prepare(VOID);
static VOID Leave(VOID);
static VOID Wait(VOID);

static VOID NTAPI Thread(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    Leave();
    PsTerminateSystemThread(STATUS_SUCCESS);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    HANDLE Handle;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    Prepare();
    PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Thread, NULL);
    ZwClose(Handle);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
    Wait();
}
