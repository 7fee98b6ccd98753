/*
 * The part of PnP that drivers meet: root-enumerated devices. The kernel's own driver
 * \Driver\PnpManager makes the physical device object, the listed drivers' AddDevice routines build
 * the stack, and requests go to its top.
 *
 * Removal sends IRP_MN_REMOVE_DEVICE whatever handles are open and detaches nothing itself.
 * Afterwards each driver of the stack that has no device object left is unloaded, from the bottom
 * up; one that still has waits for its last device. After a surprise removal nothing more can be
 * opened, and IRP_MN_REMOVE_DEVICE follows when the last handle of the stack is closed, at once if
 * none is open (nt-semantics P3).
 *
 * What changes a stack's state is done for one stack at a time, as PnP's own thread does it. Power
 * requests and questions of other components come whenever they like, in their sender's thread.
 */
#include "guest/include/exp.h"
#include "guest/include/iop.h"
#include "guest/include/vf.h"
#include "guest/include/psp.h"

#define IOP_MAX_STACK 8u

typedef struct _IOP_DEVICE_NODE
{
    LIST_ENTRY Links;
    UNICODE_STRING Instance;
    PDEVICE_OBJECT PhysicalDevice;
    PDRIVER_OBJECT Drivers[IOP_MAX_STACK]; /* bottom first; referenced until removal */
    ULONG DriverCount;
    BOOLEAN SurpriseRemoved;
    BOOLEAN Removed;
    WORK_QUEUE_ITEM RemoveItem; /* the removal that follows a surprise removal */
} IOP_DEVICE_NODE, *PIOP_DEVICE_NODE;

typedef struct _IOP_PNP_CALL
{
    IOP_SYSTEM_CALL Call;
    PCUNICODE_STRING Name, Drivers;
    UCHAR Major, Minor;
    ULONG PowerState;
} IOP_PNP_CALL, *PIOP_PNP_CALL;

PDRIVER_OBJECT IopPnpDriver;
static LIST_ENTRY IopDeviceNodes = {&IopDeviceNodes, &IopDeviceNodes};
static KEVENT IopTreeIsFree;

static NTSTATUS IopFinish(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    IofCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* The physical device: what a bus driver would answer for a device without hardware. */
static NTSTATUS NTAPI IopPdoPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    switch (Stack->MinorFunction)
    {
    case IRP_MN_START_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        return IopFinish(Irp, STATUS_SUCCESS);
    case IRP_MN_QUERY_CAPABILITIES:
        /* Nothing can be said of it beyond what the sender has filled in. */
        return IopFinish(Irp, Stack->Parameters.DeviceCapabilities.Capabilities->Version == 1
                                  ? STATUS_SUCCESS
                                  : STATUS_UNSUCCESSFUL);
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        if (Stack->Parameters.QueryDeviceRelations.Type == TargetDeviceRelation)
        {
            PDEVICE_RELATIONS Relations =
                ExAllocatePoolWithTag(PagedPool, sizeof *Relations, IOP_TAG);
            if (Relations == NULL)
            {
                return IopFinish(Irp, STATUS_INSUFFICIENT_RESOURCES);
            }
            Relations->Count = 1;
            Relations->Objects[0] = DeviceObject;
            ObfReferenceObject(DeviceObject);
            Irp->IoStatus.Information = (ULONG_PTR)Relations;
            return IopFinish(Irp, STATUS_SUCCESS);
        }
        return IopFinish(Irp, Irp->IoStatus.Status);
    default:
        return IopFinish(Irp, Irp->IoStatus.Status); /* not handled: the status stays as it is */
    }
}

static NTSTATUS NTAPI IopPdoPower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    PoStartNextPowerIrp(Irp);
    if (Stack->MinorFunction == IRP_MN_SET_POWER &&
        Stack->Parameters.Power.Type == DevicePowerState)
    {
        PoSetPowerState(DeviceObject, DevicePowerState, Stack->Parameters.Power.State);
    }
    return IopFinish(Irp, Stack->MinorFunction == IRP_MN_SET_POWER ||
                                  Stack->MinorFunction == IRP_MN_QUERY_POWER
                              ? STATUS_SUCCESS
                              : Irp->IoStatus.Status);
}

static NTSTATUS NTAPI IopPdoOpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return IopFinish(Irp, STATUS_SUCCESS);
}

VOID IopInitializePnp(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"PnpManager");

    IopPnpDriver = IopCreateDriverObject(&Name, NULL, 0);
    RD_KASSERT(IopPnpDriver != NULL);
    KeInitializeEvent(&IopTreeIsFree, SynchronizationEvent, TRUE);
    IopPnpDriver->Flags |= DRVO_BUILTIN_DRIVER | DRVO_INITIALIZED;
    IopPnpDriver->MajorFunction[IRP_MJ_PNP] = IopPdoPnp;
    IopPnpDriver->MajorFunction[IRP_MJ_POWER] = IopPdoPower;
    IopPnpDriver->MajorFunction[IRP_MJ_CREATE] = IopPdoOpenClose;
    IopPnpDriver->MajorFunction[IRP_MJ_CLEANUP] = IopPdoOpenClose;
    IopPnpDriver->MajorFunction[IRP_MJ_CLOSE] = IopPdoOpenClose;
}

static NTSTATUS NTAPI IopPnpCompletion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Event)
{
    if (Irp->PendingReturned)
    {
        KeSetEvent(Event, IO_NO_INCREMENT, FALSE);
    }
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Sends *Request to the top of the stack above Device and waits. The top device is held meanwhile.
 */
static NTSTATUS IopSynchronousCall(PDEVICE_OBJECT Device, const IO_STACK_LOCATION *Request,
                                   NTSTATUS Initial)
{
    PDEVICE_OBJECT Top = IoGetAttachedDeviceReference(Device);
    PIRP Irp = IopAllocateIrpMustSucceed(Top->StackSize);
    KEVENT Event;
    NTSTATUS Status;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp->RequestorMode = KernelMode;
    Irp->IoStatus.Status = Initial;
    Irp->Tail.Overlay.Thread = (PETHREAD)KiCurrentThread();
    *IoGetNextIrpStackLocation(Irp) = *Request;
    IoSetCompletionRoutine(Irp, IopPnpCompletion, &Event, TRUE, TRUE, TRUE);
    Status = IofCallDriver(Top, Irp);
    if (Status == STATUS_PENDING)
    {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    }
    Status = Irp->IoStatus.Status;
    IoFreeIrp(Irp);
    ObfDereferenceObject(Top);
    return Status;
}

static NTSTATUS IopSendPnp(PIOP_DEVICE_NODE Node, UCHAR Minor)
{
    IO_STACK_LOCATION Request;

    RtlZeroMemory(&Request, sizeof Request);
    Request.MajorFunction = IRP_MJ_PNP;
    Request.MinorFunction = Minor;
    return IopSynchronousCall(Node->PhysicalDevice, &Request, STATUS_NOT_SUPPORTED);
}

static NTSTATUS IopSendQueryCapabilities(PIOP_DEVICE_NODE Node)
{
    DEVICE_CAPABILITIES Capabilities;
    IO_STACK_LOCATION Request;

    RtlZeroMemory(&Capabilities, sizeof Capabilities);
    Capabilities.Size = sizeof Capabilities;
    Capabilities.Version = 1;
    Capabilities.Address = Capabilities.UINumber = MAXULONG;
    RtlZeroMemory(&Request, sizeof Request);
    Request.MajorFunction = IRP_MJ_PNP;
    Request.MinorFunction = IRP_MN_QUERY_CAPABILITIES;
    Request.Parameters.DeviceCapabilities.Capabilities = &Capabilities;
    return IopSynchronousCall(Node->PhysicalDevice, &Request, STATUS_NOT_SUPPORTED);
}

static NTSTATUS IopSendPower(PIOP_DEVICE_NODE Node, UCHAR Minor, ULONG State)
{
    IO_STACK_LOCATION Request;

    RtlZeroMemory(&Request, sizeof Request);
    Request.MajorFunction = IRP_MJ_POWER;
    Request.MinorFunction = Minor;
    Request.Parameters.Power.Type = DevicePowerState;
    Request.Parameters.Power.State.DeviceState = (DEVICE_POWER_STATE)State;
    return IopSynchronousCall(Node->PhysicalDevice, &Request, STATUS_NOT_SUPPORTED);
}

/* The next name of a list that semicolons separate; FALSE: none left. */
static BOOLEAN IopNextName(PUNICODE_STRING List, PUNICODE_STRING Name)
{
    USHORT Count = List->Length / sizeof(WCHAR), i = 0;

    if (Count == 0)
    {
        return FALSE;
    }
    while (i < Count && List->Buffer[i] != L';')
    {
        i++;
    }
    Name->Buffer = List->Buffer;
    Name->Length = Name->MaximumLength = i * sizeof(WCHAR);
    i += i < Count;
    List->Buffer += i;
    List->Length -= i * sizeof(WCHAR);
    return TRUE;
}

static VOID IopReleaseDrivers(PIOP_DEVICE_NODE Node)
{
    for (ULONG i = 0; i < Node->DriverCount; i++)
    {
        PDRIVER_OBJECT Driver = Node->Drivers[i];
        Node->Drivers[i] = NULL;
        IopPnpDriverMayUnload(Driver);
        RdSchedule();
        ObfDereferenceObject(Driver);
    }
    Node->DriverCount = 0;
}

/* The device will not come back: its physical device object goes as a bus driver would let it go.
 */
static VOID IopDiscardNode(PIOP_DEVICE_NODE Node)
{
    Node->Removed = TRUE;
    IopDeleteInterfaces(Node->PhysicalDevice);
    IoDeleteDevice(Node->PhysicalDevice);
    IopReleaseDrivers(Node);
}

/* The drivers of the stack, referenced: those of the list that have an AddDevice routine. Others
 * are no PnP drivers and have no part in it. */
static NTSTATUS IopCollectDrivers(PIOP_DEVICE_NODE Node, PCUNICODE_STRING Drivers)
{
    UNICODE_STRING Rest = *Drivers, Service;
    PDRIVER_OBJECT Driver;

    while (IopNextName(&Rest, &Service))
    {
        NTSTATUS Status = IopReferenceDriverByName(&Service, &Driver);
        if (!NT_SUCCESS(Status))
        {
            return Status;
        }
        if (Driver->DriverExtension->AddDevice == NULL)
        {
            ObfDereferenceObject(Driver);
            continue;
        }
        if (Node->DriverCount == IOP_MAX_STACK)
        {
            ObfDereferenceObject(Driver);
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        Node->Drivers[Node->DriverCount++] = Driver;
    }
    return STATUS_SUCCESS;
}

static VOID IopFreeNode(PIOP_DEVICE_NODE Node)
{
    for (ULONG i = 0; i < Node->DriverCount; i++)
    {
        ObfDereferenceObject(Node->Drivers[i]);
    }
    ExFreePoolWithTag(Node, IOP_TAG);
}

static NTSTATUS IopAddDevice(PCUNICODE_STRING Instance, PCUNICODE_STRING Drivers)
{
    PIOP_DEVICE_NODE Node =
        ExpAllocateKernelPool(sizeof *Node + Instance->Length + sizeof(WCHAR), IOP_TAG);
    NTSTATUS Status;

    RtlZeroMemory(Node, sizeof *Node + Instance->Length + sizeof(WCHAR));
    Node->Instance.Buffer = (PWSTR)(Node + 1);
    Node->Instance.Length = Instance->Length;
    Node->Instance.MaximumLength = Instance->Length + sizeof(WCHAR);
    RtlCopyMemory(Node->Instance.Buffer, Instance->Buffer, Instance->Length);
    Status = IopCollectDrivers(Node, Drivers);
    if (!NT_SUCCESS(Status) || Node->DriverCount == 0)
    {
        IopFreeNode(Node);
        return Status;
    }
    Status = IoCreateDevice(IopPnpDriver, 0, NULL, FILE_DEVICE_CONTROLLER,
                            FILE_AUTOGENERATED_DEVICE_NAME, FALSE, &Node->PhysicalDevice);
    if (!NT_SUCCESS(Status))
    {
        IopFreeNode(Node);
        return Status;
    }
    IopExtensionOf(Node->PhysicalDevice)->DeviceNode = Node;
    Node->PhysicalDevice->Flags |= DO_BUS_ENUMERATED_DEVICE | DO_POWER_PAGABLE;
    Node->PhysicalDevice->Flags &= ~DO_DEVICE_INITIALIZING;
    InsertTailList(&IopDeviceNodes, &Node->Links);
    for (ULONG i = 0; i < Node->DriverCount && NT_SUCCESS(Status); i++)
    {
        Status =
            Node->Drivers[i]->DriverExtension->AddDevice(Node->Drivers[i], Node->PhysicalDevice);
        if (NT_SUCCESS(Status))
        {
            VfAfterAddDevice(Node->Drivers[i], Node->PhysicalDevice);
        }
    }
    if (NT_SUCCESS(Status))
    {
        Status = IopSendPnp(Node, IRP_MN_START_DEVICE);
    }
    if (!NT_SUCCESS(Status))
    {
        IopSendPnp(Node, IRP_MN_REMOVE_DEVICE);
        IopDiscardNode(Node);
    }
    return Status;
}

PCUNICODE_STRING IopInstanceOf(PDEVICE_OBJECT PhysicalDevice)
{
    PIOP_DEVICE_NODE Node = IopExtensionOf(PhysicalDevice)->DeviceNode;

    return Node != NULL ? &Node->Instance : NULL;
}

/* By instance name, or by the name of a driver in the stack. */
static PIOP_DEVICE_NODE IopFindNode(PCUNICODE_STRING Name)
{
    PDRIVER_OBJECT Driver = NULL;
    PIOP_DEVICE_NODE Found = NULL;

    if (NT_SUCCESS(IopReferenceDriverByName(Name, &Driver)))
    {
        ObfDereferenceObject(Driver);
    }
    for (PLIST_ENTRY Entry = IopDeviceNodes.Flink; Entry != &IopDeviceNodes; Entry = Entry->Flink)
    {
        PIOP_DEVICE_NODE Node = CONTAINING_RECORD(Entry, IOP_DEVICE_NODE, Links);
        if (Node->Removed || Node->SurpriseRemoved)
        {
            continue;
        }
        if (RtlEqualUnicodeString(&Node->Instance, Name, TRUE))
        {
            return Node;
        }
        for (ULONG i = 0; i < Node->DriverCount && Found == NULL; i++)
        {
            Found = Driver != NULL && Node->Drivers[i] == Driver ? Node : NULL;
        }
    }
    return Found;
}

static NTSTATUS IopRemoveNode(PIOP_DEVICE_NODE Node)
{
    NTSTATUS Status;

    Node->Removed = TRUE; /* a second request finds no device */
    if (!Node->SurpriseRemoved)
    {
        IopNotifyTarget(Node->PhysicalDevice, IRP_MN_REMOVE_DEVICE);
    }
    Status = IopSendPnp(Node, IRP_MN_REMOVE_DEVICE);
    RdSchedule();
    IopDiscardNode(Node);
    return Status;
}

static VOID IopAcquireTree(VOID)
{
    KeWaitForSingleObject(&IopTreeIsFree, Executive, KernelMode, FALSE, NULL);
}

static VOID IopReleaseTree(VOID)
{
    KeSetEvent(&IopTreeIsFree, IO_NO_INCREMENT, FALSE);
}

static BOOLEAN IopStackHasHandles(PIOP_DEVICE_NODE Node)
{
    for (PDEVICE_OBJECT Device = Node->PhysicalDevice; Device != NULL;
         Device = Device->AttachedDevice)
    {
        if (IopDeviceReferences(Device) != 0)
        {
            return TRUE;
        }
    }
    return FALSE;
}

/* Worker routine. */
static VOID NTAPI IopRemoveAfterLastClose(PVOID Parameter)
{
    IopAcquireTree();
    IopRemoveNode(Parameter);
    IopReleaseTree();
}

/* A device of a stack that was removed by surprise has no open handle any more. */
VOID IopLastHandleClosed(PDEVICE_OBJECT Device)
{
    PIOP_DEVICE_NODE Node;

    while (IopExtensionOf(Device)->AttachedTo != NULL)
    {
        Device = IopExtensionOf(Device)->AttachedTo;
    }
    Node = IopExtensionOf(Device)->DeviceNode;
    if (Node != NULL && Node->SurpriseRemoved && !Node->Removed && !IopStackHasHandles(Node))
    {
        Node->Removed = TRUE;
        ExInitializeWorkItem(&Node->RemoveItem, IopRemoveAfterLastClose, Node);
        ExQueueWorkItem(&Node->RemoveItem, CriticalWorkQueue);
    }
}

static NTSTATUS IopSurpriseRemoveNode(PIOP_DEVICE_NODE Node)
{
    NTSTATUS Status;

    Node->SurpriseRemoved = TRUE; /* no more requests for it, but the last */
    for (PDEVICE_OBJECT Device = Node->PhysicalDevice; Device != NULL;
         Device = Device->AttachedDevice)
    {
        IopExtensionOf(Device)->ExtensionFlags |= DOE_REMOVE_PENDING;
    }
    /* Held back until the drivers know, whoever closes meanwhile. */
    Node->Removed = TRUE;
    Status = IopSendPnp(Node, IRP_MN_SURPRISE_REMOVAL);
    IopNotifyTarget(Node->PhysicalDevice, IRP_MN_REMOVE_DEVICE);
    RdSchedule();
    if (IopStackHasHandles(Node))
    {
        Node->Removed = FALSE;
        return Status;
    }
    IopRemoveNode(Node);
    return Status;
}

static NTSTATUS IopSendToDevice(PIOP_PNP_CALL Call)
{
    PIOP_DEVICE_NODE Node = IopFindNode(Call->Name);
    NTSTATUS Status;

    if (Node == NULL)
    {
        return STATUS_NO_SUCH_DEVICE;
    }
    if (Call->Major == IRP_MJ_POWER)
    {
        return IopSendPower(Node, Call->Minor, Call->PowerState);
    }
    switch (Call->Minor)
    {
    case IRP_MN_REMOVE_DEVICE:
        return IopRemoveNode(Node);
    case IRP_MN_SURPRISE_REMOVAL:
        return IopSurpriseRemoveNode(Node);
    case IRP_MN_QUERY_CAPABILITIES:
        return IopSendQueryCapabilities(Node);
    case IRP_MN_QUERY_REMOVE_DEVICE:
        Status = IopNotifyTarget(Node->PhysicalDevice, IRP_MN_QUERY_REMOVE_DEVICE);
        return NT_SUCCESS(Status) ? IopSendPnp(Node, Call->Minor) : Status;
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        Status = IopSendPnp(Node, Call->Minor);
        IopNotifyTarget(Node->PhysicalDevice, IRP_MN_CANCEL_REMOVE_DEVICE);
        return Status;
    default:
        return IopSendPnp(Node, Call->Minor);
    }
}

/* Worker routine. */
static VOID NTAPI IopProcessPnpRequest(PVOID Parameter)
{
    PIOP_PNP_CALL Call = Parameter;
    NTSTATUS Status =
        Call->Drivers != NULL ? IopAddDevice(Call->Name, Call->Drivers) : IopSendToDevice(Call);

    IopEndSystemCall(&Call->Call, Status);
}

/* The tree is taken by the caller: no worker thread waits for it. */
static NTSTATUS IopChangeTree(PIOP_PNP_CALL Call)
{
    NTSTATUS Status;

    IopAcquireTree();
    Status = IopCallInSystemThread(IopProcessPnpRequest, &Call->Call);
    IopReleaseTree();
    return Status;
}

NTSTATUS IopPnpAddDevice(PCUNICODE_STRING Instance, PCUNICODE_STRING Drivers)
{
    IOP_PNP_CALL Call = {.Name = Instance, .Drivers = Drivers};

    return IopChangeTree(&Call);
}

NTSTATUS IopPnpRequest(PCUNICODE_STRING Name, UCHAR Major, UCHAR Minor, ULONG PowerState)
{
    IOP_PNP_CALL Call = {.Name = Name, .Major = Major, .Minor = Minor, .PowerState = PowerState};

    return Major == IRP_MJ_POWER || Minor == IRP_MN_QUERY_CAPABILITIES ? IopSendToDevice(&Call)
                                                                       : IopChangeTree(&Call);
}
