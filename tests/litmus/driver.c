/*
 * The driver around a litmus program. DriverEntry starts a system thread for each body that there
 * may be; each waits for a start event of its own. One request of the scenario's client starts as
 * many bodies as it says. So what the bodies share is what the program shares: they touch no other
 * object in common, nobody waits for them, and they never exit.
 */
#include "litmus.h"

#define MAXIMUM_BODIES 20

ULONG LitmusBodies = 6;
VOID (*LitmusBegin)(ULONG Count);
PKTHREAD LitmusThreads[MAXIMUM_BODIES];

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\Litmus");
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\Litmus");

typedef struct DECLSPEC_ALIGN(64) _BODY
{
    KEVENT Start, Never;
    ULONG Number;
} BODY;

static BODY Bodies[MAXIMUM_BODIES];

DRIVER_INITIALIZE DriverEntry;

static VOID NTAPI BodyThread(PVOID Context)
{
    BODY *Body = Context;

    LitmusThreads[Body->Number] = KeGetCurrentThread();
    KeWaitForSingleObject(&Body->Start, Executive, KernelMode, FALSE, NULL);
    LitmusBody(Body->Number);
    /* An exit would drop references that the threads share. */
    KeWaitForSingleObject(&Body->Never, Executive, KernelMode, FALSE, NULL);
}

static VOID StartThreads(VOID)
{
    LARGE_INTEGER Interval;
    HANDLE Handle;
    ULONG Number;

    for (Number = 0; Number < LitmusBodies && Number < MAXIMUM_BODIES; Number++)
    {
        KeInitializeEvent(&Bodies[Number].Start, NotificationEvent, FALSE);
        KeInitializeEvent(&Bodies[Number].Never, NotificationEvent, FALSE);
        Bodies[Number].Number = Number;
        if (NT_SUCCESS(PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, BodyThread,
                                            &Bodies[Number])))
        {
            ZwClose(Handle);
        }
    }
    /* By then all of them wait. */
    Interval.QuadPart = -10 * 1000 * 1000;
    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
}

static NTSTATUS NTAPI LitmusDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Location = IoGetCurrentIrpStackLocation(Irp);

    UNREFERENCED_PARAMETER(DeviceObject);
    if (Location->MajorFunction == IRP_MJ_DEVICE_CONTROL)
    {
        ULONG Count = (Location->Parameters.DeviceIoControl.IoControlCode >> 2) & 0xff;
        ULONG Number;

        if (LitmusBegin != NULL)
        {
            LitmusBegin(Count);
        }
        for (Number = 0; Number < Count && Number < LitmusBodies; Number++)
        {
            KeSetEvent(&Bodies[Number].Start, IO_NO_INCREMENT, FALSE);
        }
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = IoCreateDevice(DriverObject, 0, &DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, &DeviceObject);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = LitmusDispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = LitmusDispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = LitmusDispatch;
    LitmusInitialize();
    StartThreads();
    return IoCreateSymbolicLink(&LinkName, &DeviceName);
}
