/*
 * The first of the two: loads the second in its DriverEntry, so that the second's own DriverEntry has returned, then has it register,
 * and sets the event when that call has returned as well. It has no unload routine: it stays.
 */
#include "two_drivers.h"

static KEVENT Registered;

static VOID NTAPI WaitForRegistration(VOID)
{
    KeWaitForSingleObject(&Registered, Executive, KernelMode, FALSE, NULL);
}

static NTSTATUS AskToRegister(PDEVICE_OBJECT Device)
{
    WAIT_FOR_REGISTRATION Wait = WaitForRegistration;
    IO_STATUS_BLOCK IoStatus;
    NTSTATUS Status;
    KEVENT Done;
    PIRP Irp;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    Irp = IoBuildDeviceIoControlRequest(IOCTL_REGISTER, Device, &Wait, sizeof Wait, NULL, 0, FALSE, &Done, &IoStatus);
    if (Irp == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = IoCallDriver(Device, Irp);
    if (Status == STATUS_PENDING)
    {
        KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
        Status = IoStatus.Status;
    }
    return Status;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Service =
        RTL_CONSTANT_STRING(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\two-drivers-second");
    UNICODE_STRING Name = RTL_CONSTANT_STRING(FILTER_DEVICE);
    PDEVICE_OBJECT Device;
    PFILE_OBJECT File;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeEvent(&Registered, NotificationEvent, FALSE);
    Status = ZwLoadDriver(&Service);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    Status = IoGetDeviceObjectPointer(&Name, FILE_READ_DATA, &File, &Device);
    if (NT_SUCCESS(Status))
    {
        Status = AskToRegister(Device);
        ObDereferenceObject(File);
    }
    KeSetEvent(&Registered, IO_NO_INCREMENT, FALSE);
    return Status;
}
