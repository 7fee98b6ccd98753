/* A user APC is still queued when the driver is unloaded: the thread has not waited alertably since. */
#include "../check.h"

#include "../../../samples/000-apc-unload/apc.h"

static KAPC *Apc;

static VOID NTAPI KernelRoutine(PKAPC Unused, PAPC_NORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                                PVOID *SystemArgument1, PVOID *SystemArgument2)
{
    UNREFERENCED_PARAMETER(Unused);
    UNREFERENCED_PARAMETER(NormalRoutine);
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(SystemArgument1);
    UNREFERENCED_PARAMETER(SystemArgument2);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    Apc = MmAllocateNonCachedMemory(PAGE_SIZE);
    KeInitializeApc(Apc, KeGetCurrentThread(), ApcOriginalEnvironment, KernelRoutine, NULL, (PAPC_NORMAL_ROUTINE)(ULONG_PTR)0x10000, UserMode, NULL);
    KeInsertQueueApc(Apc, NULL, NULL, 0);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
