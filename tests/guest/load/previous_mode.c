/*
 * The previous mode of a user thread inside drivers: a Zw routine makes it KernelMode, and behind the routine it is what it was, also
 * when an exception takes the place of the return. One device raises what it is asked, another asks it.
 */
#include "../load.h"

static PDEVICE_OBJECT Device, Middle, Raising;
static UNICODE_STRING MiddleName = RTL_CONSTANT_STRING(L"\\Device\\LoadTestMiddle");
static UNICODE_STRING RaisingName = RTL_CONSTANT_STRING(L"\\Device\\LoadTestRaising");
static KPROCESSOR_MODE AtEntry = MaximumMode, BelowZw = MaximumMode, BehindReturn = MaximumMode, InFinally = MaximumMode,
                       BehindException = MaximumMode, InOuterZw = MaximumMode, BehindOuterZw = MaximumMode;
static BOOLEAN Raise;

static VOID Send(PUNICODE_STRING Name)
{
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    HANDLE Handle;

    InitializeObjectAttributes(&Attributes, Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(
            ZwCreateFile(&Handle, FILE_READ_DATA, &Attributes, &IoStatus, NULL, 0, FILE_SHARE_READ, FILE_OPEN, 0, NULL, 0)))
    {
        return;
    }
    __try
    {
        ZwDeviceIoControlFile(Handle, NULL, NULL, NULL, &IoStatus, 0x222000, NULL, 0, NULL, 0);
    }
    __finally
    {
        ZwClose(Handle);
    }
}

static VOID SendWithFinally(VOID)
{
    __try
    {
        Send(&RaisingName);
    }
    __finally
    {
        InFinally = ExGetPreviousMode();
    }
}

static VOID RequestOfMiddle(VOID)
{
    __try
    {
        Send(&RaisingName);
    }
    __except (EXCEPTION_EXECUTE_HANDLER)
    {
        InOuterZw = ExGetPreviousMode();
    }
}

/* The request must not stay behind, since its thread would wait for it at its end: pending and completed, it needs nobody's return. */
static NTSTATUS RequestOfRaising(PIRP Irp)
{
    BelowZw = ExGetPreviousMode();
    if (!Raise)
    {
        return LoadComplete(Irp, STATUS_SUCCESS);
    }
    IoMarkIrpPending(Irp);
    LoadComplete(Irp, STATUS_DEVICE_BUSY);
    ExRaiseStatus(STATUS_DEVICE_BUSY);
}

static VOID Ask(VOID)
{
    AtEntry = ExGetPreviousMode();
    Send(&RaisingName);
    BehindReturn = ExGetPreviousMode();
    Raise = TRUE;
    __try
    {
        SendWithFinally();
    }
    __except (EXCEPTION_EXECUTE_HANDLER)
    {
        BehindException = ExGetPreviousMode();
    }
    Send(&MiddleName);
    BehindOuterZw = ExGetPreviousMode();
}

static VOID Judge(VOID)
{
    LoadPlan(7);
    LoadOk(AtEntry == UserMode, "DispatchRoutineOfAUserThreadSeesUserMode");
    LoadOk(BelowZw == KernelMode, "DriverBelowAZwRoutineSeesKernelMode");
    LoadOk(BehindReturn == UserMode, "PreviousModeIsUserModeAgainBehindAZwRoutine");
    LoadOk(InFinally == UserMode, "FinallyAroundAZwRoutineThatAnExceptionLeavesSeesUserMode");
    LoadOk(BehindException == UserMode, "PreviousModeIsUserModeAgainWhenAnExceptionLeavesAZwRoutine");
    LoadOk(InOuterZw == KernelMode, "ExceptionThatIsHandledInsideAnotherZwRoutineLeavesKernelMode");
    LoadOk(BehindOuterZw == UserMode, "PreviousModeIsUserModeAgainBehindTheOuterZwRoutine");
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR Major = IoGetCurrentIrpStackLocation(Irp)->MajorFunction;

    if (Major == IRP_MJ_DEVICE_CONTROL && DeviceObject == Raising)
    {
        return RequestOfRaising(Irp);
    }
    if (Major == IRP_MJ_DEVICE_CONTROL && DeviceObject == Middle)
    {
        RequestOfMiddle();
    }
    else if (Major == IRP_MJ_DEVICE_CONTROL && DeviceObject == Device)
    {
        Ask();
        Judge();
    }
    return LoadComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Dispatch;
    Status = IoCreateDevice(DriverObject, 0, &MiddleName, FILE_DEVICE_UNKNOWN, 0, FALSE, &Middle);
    if (NT_SUCCESS(Status))
    {
        Status = IoCreateDevice(DriverObject, 0, &RaisingName, FILE_DEVICE_UNKNOWN, 0, FALSE, &Raising);
    }
    return NT_SUCCESS(Status) ? LoadCreateDevice(DriverObject, &Device) : Status;
}
