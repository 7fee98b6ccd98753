/*
 * A dispatch routine returns in a critical region, and the log tells of the last 128 calls: the oldest that it has is the one of
 * Kept, and the seven frames of that record reach back to Seventh.
 */
#include "../check.h"

static DECLSPEC_NOINLINE VOID Kept(VOID)
{
    KeLeaveCriticalRegion();
}

#define CALLS(name, callee)                                                                                            \
    static DECLSPEC_NOINLINE VOID name(VOID)                                                                           \
    {                                                                                                                  \
        callee();                                                                                                      \
        CheckOpaque(NULL);                                                                                             \
    }
CALLS(Third, Kept)
CALLS(Fourth, Third)
CALLS(Fifth, Fourth)
CALLS(Sixth, Fifth)
CALLS(Seventh, Sixth)

static NTSTATUS NTAPI LeaveAndEnter(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG Turn;

    UNREFERENCED_PARAMETER(DeviceObject);
    KeEnterCriticalRegion();
    Seventh();
    for (Turn = 0; Turn < 127; Turn++)
    {
        if (Turn % 2 == 0)
        {
            KeEnterCriticalRegion();
        }
        else
        {
            KeLeaveCriticalRegion();
        }
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

PDRIVER_DISPATCH CheckLowerDispatch = LeaveAndEnter;

static NTSTATUS NTAPI Done(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    PIRP Irp = IoAllocateIrp(CheckLowerDevice()->StackSize, FALSE);

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(Irp, Done, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(CheckLowerDevice(), Irp);
    IoFreeIrp(Irp);
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
