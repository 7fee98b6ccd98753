/* The same without the event: the thread may be first. */
#include "../check.h"

static PUCHAR Block;
static CHECK_THREAD Reader;

static DECLSPEC_NOINLINE VOID Use(VOID)
{
    volatile UCHAR Seen = *(volatile UCHAR *)Block;

    UNREFERENCED_PARAMETER(Seen);
}

static VOID NTAPI Thread(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    Use();
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static DECLSPEC_NOINLINE VOID GiveUp(VOID)
{
    ExFreePoolWithTag(Block, CHECK_TAG);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    Block = ExAllocatePoolWithTag(NonPagedPool, 16, CHECK_TAG);
    CheckStartThread(&Reader, Thread, NULL);
    GiveUp();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
    CheckJoinThread(&Reader);
}
