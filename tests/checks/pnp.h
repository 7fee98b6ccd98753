/*
 * For checks of what a driver does with its device in a plug and play request: a device Upper of its own above the lower one, and
 * a request that is sent to it. CheckLowerDispatch gets it.
 */
static PDEVICE_OBJECT Upper;

static DECLSPEC_NOINLINE NTSTATUS NTAPI Done(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static DECLSPEC_NOINLINE VOID SendPnp(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction)
{
    PIRP Irp;

    IoCreateDevice(DeviceObject->DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Upper);
    CheckLowerDevice()->Flags &= ~DO_DEVICE_INITIALIZING;
    IoAttachDeviceToDeviceStack(Upper, CheckLowerDevice());
    Irp = IoAllocateIrp(Upper->StackSize, FALSE);
    Irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_PNP;
    IoGetNextIrpStackLocation(Irp)->MinorFunction = MinorFunction;
    IoSetCompletionRoutine(Irp, Done, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(Upper, Irp);
    IoFreeIrp(Irp);
}
