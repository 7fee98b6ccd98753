/*
 * I/O manager: what its own files share. Three counts must never be merged:
 * DEVICE_OBJECT.ReferenceCount (open files), the pointer count of the device object, and the
 * pointer count of the driver object. Unload looks at the first, the image's life at the last.
 */
#ifndef GUEST_IOP_H
#define GUEST_IOP_H

#include "guest/include/obp.h"

#define IOP_TAG 0x20206F49     /* 'Io  ' */
#define IOP_IRP_TAG 0x20707249 /* 'Irp ' */
#define IOP_VPB_TAG 0x20627056 /* 'Vpb ' */

/* Header says 0x148: Microsoft's DEVICE_OBJECT is aligned to 16 bytes. */
#define IOP_DEVICE_OBJECT_SIZE 0x150u

/* DEVOBJ_EXTENSION, with the fields that the public header leaves out. */
typedef struct _IOP_DEVOBJ_EXTENSION
{
    CSHORT Type;
    USHORT Size;
    PDEVICE_OBJECT DeviceObject;
    ULONG PowerFlags;
    PVOID Dope;
    ULONG ExtensionFlags; /* DOE_* */
    PVOID DeviceNode;
    PDEVICE_OBJECT AttachedTo;
    LONG StartIoCount;
    LONG StartIoKey;
    ULONG StartIoFlags;
    PVPB Vpb;
    ULONG64 ReferenceGate; /* never read: the footprint that changes of ReferenceCount declare */
} IOP_DEVOBJ_EXTENSION, *PIOP_DEVOBJ_EXTENSION;

#define DOE_UNLOAD_PENDING 0x1u
#define DOE_DELETE_PENDING 0x2u
#define DOE_REMOVE_PENDING 0x4u
#define DOE_REMOVE_PROCESSED 0x8u

static inline PIOP_DEVOBJ_EXTENSION IopExtensionOf(PDEVICE_OBJECT Device)
{
    return (PIOP_DEVOBJ_EXTENSION)Device->DeviceObjectExtension;
}

/* IoAllocateDriverObjectExtension's blocks. */
typedef struct _IOP_CLIENT_EXTENSION
{
    struct _IOP_CLIENT_EXTENSION *Next;
    PVOID Identification;
    ULONG64 Body[0];
} IOP_CLIENT_EXTENSION, *PIOP_CLIENT_EXTENSION;

/* A driver object's extension with the I/O manager's own fields behind it. */
typedef struct _IOP_DRIVER_EXTENSION
{
    DRIVER_EXTENSION Public;
    PIOP_CLIENT_EXTENSION ClientExtensions;
    PVOID ImageBase;
    ULONG64 ImageSize;
    CHAR FileName[64];
    LIST_ENTRY Reinitialization;
    KEVENT EntryDone; /* set when DriverEntry has returned */
    LONG
        Notifications; /* PnP registrations; while there are any, a legacy driver is not unloaded */
    BOOLEAN EntryReturned; /* devices created later keep DO_DEVICE_INITIALIZING */
    BOOLEAN UnloadPending; /* an unload waits for references to go */
    BOOLEAN Removed;       /* PnP has removed its devices: unload with the last */
} IOP_DRIVER_EXTENSION, *PIOP_DRIVER_EXTENSION;

static inline PIOP_DRIVER_EXTENSION IopDriverExtensionOf(PDRIVER_OBJECT Driver)
{
    return CONTAINING_RECORD(Driver->DriverExtension, IOP_DRIVER_EXTENSION, Public);
}

/* Indices into ETHREAD.IoReserved. */
#define IOP_THREAD_TOP_LEVEL_IRP 0
#define IOP_THREAD_EMPTY_EVENT 1 /* set when the list of threaded IRPs becomes empty */

/* init.c: the \Device tree's own drivers and the PnP manager's; needs work queues. */
VOID IoInitSystem(VOID);

/* driver.c */
extern PDRIVER_OBJECT IopPnpDriver;
NTSTATUS IopRequestDriver(PCUNICODE_STRING ServiceName, BOOLEAN Load);
/* Work that a system thread must do for somebody who waits. The routine gets the packet and ends
 * with IopEndSystemCall; it is called at once when the caller is a system thread. */
typedef struct _IOP_SYSTEM_CALL
{
    WORK_QUEUE_ITEM Item;
    KEVENT Done;
    NTSTATUS Status;
} IOP_SYSTEM_CALL, *PIOP_SYSTEM_CALL;
NTSTATUS IopCallInSystemThread(PWORKER_THREAD_ROUTINE Routine, PIOP_SYSTEM_CALL Call);
static inline VOID IopEndSystemCall(PIOP_SYSTEM_CALL Call, NTSTATUS Status)
{
    Call->Status = Status;
    KeSetEvent(&Call->Done, IO_NO_INCREMENT, FALSE); /* the packet may be gone from here on */
}
NTSTATUS IopReferenceDriverByName(PCUNICODE_STRING ServiceName, PDRIVER_OBJECT *Driver);
PDRIVER_OBJECT IopCreateDriverObject(PCUNICODE_STRING ServiceName, PVOID ImageBase,
                                     ULONG64 ImageSize);
VOID IopDropDriverObject(PDRIVER_OBJECT Driver);
/* Unload of a PnP driver whose last device has gone, or of a marked legacy driver whose last
 * reference has. */
BOOLEAN IopIsUnloadSafe(PDRIVER_OBJECT Driver);
VOID IopInvokeUnload(PDRIVER_OBJECT Driver);
VOID IopReadyDeviceObjects(PDRIVER_OBJECT Driver);
VOID IopUnloadIfDue(PDRIVER_OBJECT Driver);
/* The driver's devices have been removed: it goes with the last of them. */
VOID IopPnpDriverMayUnload(PDRIVER_OBJECT Driver);
VOID IopDeleteDriver(PVOID Object);
DRIVER_DISPATCH IopInvalidDeviceRequest;

/* device.c */
VOID IopDeleteDeviceObject(PVOID Object);
NTSTATUS IopReferenceDeviceForOpen(PDEVICE_OBJECT Device);
VOID IopDereferenceDevice(PDEVICE_OBJECT Device);
LONG IopDeviceReferences(PDEVICE_OBJECT Device);
VOID IopCompleteUnloadOrDelete(PDEVICE_OBJECT Device);
VOID IopDeleteTimer(PDEVICE_OBJECT DeviceObject);
/* The top of the stack above the named device, as a reference; what a kernel client would hold. */
NTSTATUS IopReferenceTopDevice(PCUNICODE_STRING Name, PDEVICE_OBJECT *Device);

/* irp.c, complete.c, cancel.c */
/* Pointers that the sender leaves in the IRP. A location that the driver above filled and this one skipped is held
 * already; what a driver's own IRP says of its sender is new each time that it is sent. */
static inline __attribute__((always_inline)) VOID IopHoldSender(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    if (Stack->Control & (SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR | SL_INVOKE_ON_CANCEL))
    {
        RdKeepFrame(Stack->Context, &Stack->Context, RD_HOLD_COMPLETION_CONTEXT);
    }
    if (Irp->CurrentLocation == Irp->StackCount && IsListEmpty(&Irp->ThreadListEntry)
        && !(Irp->Flags & IRP_SYNCHRONOUS_API))
    {
        RdHoldFrame(Irp->UserEvent, &Irp->UserEvent, RD_HOLD_IRP_EVENT);
        RdHoldFrame(Irp->UserIosb, &Irp->UserIosb, RD_HOLD_IRP_STATUS);
    }
}

/* Moves the IRP to its next stack location; returns the routine to be called. */
static inline __attribute__((always_inline)) PDRIVER_DISPATCH IopNextDispatch(
    PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack;

    if (--Irp->CurrentLocation <= 0)
    {
        KeBugCheckEx(NO_MORE_IRP_STACK_LOCATIONS, (ULONG_PTR)Irp, 0, 0, 0);
    }
    Stack = IoGetNextIrpStackLocation(Irp);
    Irp->Tail.Overlay.CurrentStackLocation = Stack;
    Stack->DeviceObject = DeviceObject;
    IopHoldSender(Irp, Stack);
    RdEvent(RD_EVENT_DISPATCH, Irp, DeviceObject, Stack->MajorFunction << 8 | Stack->MinorFunction);
    return DeviceObject->DriverObject->MajorFunction[Stack->MajorFunction];
}
PIRP IopAllocateIrpMustSucceed(CCHAR StackSize);
/* Sends a synchronous request of the I/O manager's own and finishes it (fact C4). The IRP's
 * UserEvent and UserIosb are set here. */
NTSTATUS IopCallAndComplete(PDEVICE_OBJECT Device, PIRP Irp, PFILE_OBJECT File,
                            PIO_STATUS_BLOCK IoStatus);
VOID IopQueueThreadIrp(PIRP Irp);
VOID IopDequeueThreadIrp(PIRP Irp);
VOID NTAPI IopCompleteRequest(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                              PVOID *SystemArgument1, PVOID *SystemArgument2);
VOID NTAPI IopAbortRequest(PKAPC Apc);
/* Stage 2 in the issuing thread, for a request that did not pend. */
VOID IopCompleteDirectly(PIRP Irp, PFILE_OBJECT File);
/* Cancels and waits for the IRPs of a thread that exits; part of PspExitThread. */
VOID IopCancelThreadIrps(PETHREAD Thread);

/* file.c */
VOID IopDeleteFile(PVOID Object);
VOID IopCloseFile(PEPROCESS Process, PVOID Object, LONG_PTR HandlesLeft);
/* What an open asks for, beside its name. */
typedef struct _IOP_OPEN
{
    ACCESS_MASK Access;
    ULONG FileAttributes, ShareAccess, Disposition, Options;
    LARGE_INTEGER AllocationSize;
    UCHAR StackFlags;        /* SL_OPEN_TARGET_DIRECTORY and its like */
    PDEVICE_OBJECT TopHint;  /* requests go to this device of the stack, not to its top */
    KPROCESSOR_MODE Mode;
} IOP_OPEN, *PIOP_OPEN;
NTSTATUS IopCreateFile(PHANDLE Handle, POBJECT_ATTRIBUTES Attributes, PIO_STATUS_BLOCK IoStatus,
                       const IOP_OPEN *Open);
/* The device that IoCreateFileSpecifyDeviceObjectHint named for this file; NULL: none. */
PDEVICE_OBJECT IopTopDeviceHint(PFILE_OBJECT File);

/* volume.c */
BOOLEAN IopNeedsVpb(DEVICE_TYPE Type);
NTSTATUS IopCreateVpb(PDEVICE_OBJECT Device);
VOID IopDeleteVpb(PDEVICE_OBJECT Device);
VOID IopDereferenceVpb(PVPB Vpb);
NTSTATUS IopReferenceMountedVpb(PDEVICE_OBJECT Device, PVPB *Result);

/* service.c: a request on an open file, from the handle to the driver. */
typedef struct _IOP_REQUEST
{
    PFILE_OBJECT File;
    PDEVICE_OBJECT Device;
    PKEVENT Event;
    PIRP Irp;
    PIO_STACK_LOCATION Stack;
    KPROCESSOR_MODE Mode;
} IOP_REQUEST, *PIOP_REQUEST;

NTSTATUS IopProbe(PVOID Address, ULONG Length, KPROCESSOR_MODE Mode);
/* References what the handles name, locks a synchronous file and makes the IRP. The reference on
 * the file becomes the IRP's. */
NTSTATUS IopBeginRequest(PIOP_REQUEST Request, HANDLE FileHandle, HANDLE EventHandle,
                         PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                         PIO_STATUS_BLOCK IoStatusBlock, UCHAR Major);
/* Gives everything back; returns Status. */
NTSTATUS IopFailRequest(PIOP_REQUEST Request, NTSTATUS Status);
NTSTATUS IopSendRequest(PIOP_REQUEST Request);
/* For requests that are synchronous whatever the file is: flush and the information calls. */
NTSTATUS IopSynchronousRequest(PIOP_REQUEST Request, PIO_STATUS_BLOCK IoStatusBlock);
/* SystemBuffer of Size bytes that starts with a copy of Input. */
NTSTATUS IopAllocateSystemBuffer(PIRP Irp, PVOID Input, ULONG InputLength, ULONG Size);
NTSTATUS IopLockBuffer(PIOP_REQUEST Request, PVOID Buffer, ULONG Length, LOCK_OPERATION Operation);
/* Our file system is the kernel's class, so no driver code is a scheduling point between two requests
 * on a volume; this is, behind each (a close's is behind its cleanup, with nothing between them). A
 * request that is waited for needs none: the processor halts. */
static inline VOID IopEndRequestOnVolume(PFILE_OBJECT File)
{
    if (File != NULL && File->Vpb != NULL)
    {
        RdSchedule();
    }
}
/* What belongs to the request beside its buffers: a directory query's pattern. */
VOID IopFreeAuxiliaryBuffer(PIRP Irp);

/* System services that no kit header declares. */
NTSTATUS NTAPI NtFlushBuffersFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock);
NTSTATUS NTAPI NtDeleteFile(POBJECT_ATTRIBUTES ObjectAttributes);
NTSTATUS NTAPI NtCancelIoFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock);
NTSTATUS NTAPI NtLoadDriver(PUNICODE_STRING DriverServiceName);
NTSTATUS NTAPI NtUnloadDriver(PUNICODE_STRING DriverServiceName);
NTSTATUS NTAPI NtWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout);

/* pnp.c */
VOID IopInitializePnp(VOID);
/* Drivers: "lower;upper". The device is started too. */
NTSTATUS IopPnpAddDevice(PCUNICODE_STRING Instance, PCUNICODE_STRING Drivers);
/* Name: an instance's, or that of a driver in its stack. PowerState is for IRP_MN_SET_POWER. */
VOID IopLastHandleClosed(PDEVICE_OBJECT Device);
NTSTATUS IopPnpRequest(PCUNICODE_STRING Name, UCHAR Major, UCHAR Minor, ULONG PowerState);
/* NULL: not a device that the PnP manager made. */
PCUNICODE_STRING IopInstanceOf(PDEVICE_OBJECT PhysicalDevice);
VOID IopCallReinitializationRoutines(VOID);

/* misc.c, fsregister.c: for the verifier */
PDEVICE_OBJECT IopFindShutdownNotification(PDRIVER_OBJECT Driver);
PVOID IopFindFsRegistration(PDRIVER_OBJECT Driver);

/* notify.c */
NTSTATUS IopNotifyTarget(PDEVICE_OBJECT PhysicalDevice, ULONG Minor);
VOID IopDeleteInterfaces(PDEVICE_OBJECT PhysicalDevice);

#endif
