/* A block is freed by one thread and used by another one, which is told to only then: there are two agents, and no race. */
#include "../check.h"

static KEVENT Freed;
static PUCHAR Block;
static CHECK_THREAD Reader;

static VOID NTAPI Thread(PVOID Context)
{
    volatile UCHAR Seen;

    UNREFERENCED_PARAMETER(Context);
    KeWaitForSingleObject(&Freed, Executive, KernelMode, FALSE, NULL);
    Seen = *(volatile UCHAR *)Block;
    UNREFERENCED_PARAMETER(Seen);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    KeInitializeEvent(&Freed, NotificationEvent, FALSE);
    Block = ExAllocatePoolWithTag(NonPagedPool, 16, CHECK_TAG);
    CheckStartThread(&Reader, Thread, NULL);
    ExFreePoolWithTag(Block, CHECK_TAG);
    KeSetEvent(&Freed, IO_NO_INCREMENT, FALSE);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
    CheckJoinThread(&Reader);
}
