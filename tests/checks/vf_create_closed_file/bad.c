/* IRP_MJ_CREATE is sent with a file object that has been cleaned up. */
#include "../check.h"

static DECLSPEC_NOINLINE NTSTATUS NTAPI Done(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static FILE_OBJECT File = {.Type = IO_TYPE_FILE, .Size = sizeof(FILE_OBJECT)};

static DECLSPEC_NOINLINE VOID Create(VOID)
{
    PIRP Irp = IoAllocateIrp(CheckLowerDevice()->StackSize, FALSE);

    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_CREATE;
    IoGetNextIrpStackLocation(Irp)->FileObject = &File;
    IoSetCompletionRoutine(Irp, Done, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(CheckLowerDevice(), Irp);
    IoFreeIrp(Irp);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    File.Flags = FO_CLEANUP_COMPLETE;
    Create();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
}
