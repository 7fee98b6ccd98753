/*
 * File systems that register themselves, and who wants to be told. A registration for changes holds
 * its driver object, so its image, until it is undone; existing file systems are announced at once.
 */
#include "guest/include/exp.h"
#include "guest/include/iop.h"

typedef struct _IOP_FILE_SYSTEM
{
    LIST_ENTRY Links;
    PDEVICE_OBJECT Device; /* referenced */
} IOP_FILE_SYSTEM, *PIOP_FILE_SYSTEM;

typedef struct _IOP_FS_CHANGE
{
    LIST_ENTRY Links;
    PDRIVER_OBJECT Driver; /* referenced */
    PDRIVER_FS_NOTIFICATION Routine;
} IOP_FS_CHANGE, *PIOP_FS_CHANGE;

static LIST_ENTRY IopFileSystems = {&IopFileSystems, &IopFileSystems};
static LIST_ENTRY IopFsChanges = {&IopFsChanges, &IopFsChanges};

/* Routines may change the list: each is called at most once, in order, as far as it still stands
 * there. */
static VOID IopTellFsChange(PDEVICE_OBJECT Device, BOOLEAN Active)
{
    PLIST_ENTRY Link = IopFsChanges.Flink;

    while (Link != &IopFsChanges)
    {
        PIOP_FS_CHANGE Change = CONTAINING_RECORD(Link, IOP_FS_CHANGE, Links);
        PDRIVER_OBJECT Driver = Change->Driver;
        PLIST_ENTRY Next = Link->Flink;
        ObfReferenceObject(Driver);
        Change->Routine(Device, Active);
        ObfDereferenceObject(Driver);
        for (Link = IopFsChanges.Flink; Link != &IopFsChanges && Link != Next; Link = Link->Flink)
        {
        }
    }
}

NTEXPORT(IoRegisterFileSystem, PASSIVE_LEVEL, "device");
VOID NTAPI IoRegisterFileSystem(PDEVICE_OBJECT DeviceObject)
{
    PIOP_FILE_SYSTEM Entry = ExpAllocateKernelPool(sizeof *Entry, IOP_TAG);

    ObfReferenceObject(DeviceObject);
    Entry->Device = DeviceObject;
    InsertHeadList(&IopFileSystems, &Entry->Links);
    DeviceObject->Flags &= ~DO_DEVICE_INITIALIZING;
    IopTellFsChange(DeviceObject, TRUE);
}

NTEXPORT(IoUnregisterFileSystem, PASSIVE_LEVEL, "device");
VOID NTAPI IoUnregisterFileSystem(PDEVICE_OBJECT DeviceObject)
{
    for (PLIST_ENTRY Link = IopFileSystems.Flink; Link != &IopFileSystems; Link = Link->Flink)
    {
        PIOP_FILE_SYSTEM Entry = CONTAINING_RECORD(Link, IOP_FILE_SYSTEM, Links);
        if (Entry->Device == DeviceObject)
        {
            RemoveEntryList(Link);
            ExFreePoolWithTag(Entry, IOP_TAG);
            IopTellFsChange(DeviceObject, FALSE);
            ObfDereferenceObject(DeviceObject);
            return;
        }
    }
}

NTEXPORT(IoRegisterFsRegistrationChange, PASSIVE_LEVEL, "driver");
NTSTATUS NTAPI IoRegisterFsRegistrationChange(PDRIVER_OBJECT DriverObject,
                                              PDRIVER_FS_NOTIFICATION DriverNotificationRoutine)
{
    PIOP_FS_CHANGE Change = ExAllocatePoolWithTag(NonPagedPool, sizeof *Change, IOP_TAG);

    if (Change == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ObfReferenceObject(DriverObject);
    Change->Driver = DriverObject;
    Change->Routine = DriverNotificationRoutine;
    InsertTailList(&IopFsChanges, &Change->Links);
    for (PLIST_ENTRY Link = IopFileSystems.Flink; Link != &IopFileSystems; Link = Link->Flink)
    {
        DriverNotificationRoutine(CONTAINING_RECORD(Link, IOP_FILE_SYSTEM, Links)->Device, TRUE);
    }
    return STATUS_SUCCESS;
}

NTEXPORT(IoUnregisterFsRegistrationChange, PASSIVE_LEVEL, "driver");
VOID NTAPI IoUnregisterFsRegistrationChange(PDRIVER_OBJECT DriverObject,
                                            PDRIVER_FS_NOTIFICATION DriverNotificationRoutine)
{
    for (PLIST_ENTRY Link = IopFsChanges.Flink; Link != &IopFsChanges; Link = Link->Flink)
    {
        PIOP_FS_CHANGE Change = CONTAINING_RECORD(Link, IOP_FS_CHANGE, Links);
        if (Change->Driver == DriverObject && Change->Routine == DriverNotificationRoutine)
        {
            RemoveEntryList(Link);
            ExFreePoolWithTag(Change, IOP_TAG);
            ObfDereferenceObject(DriverObject);
            return;
        }
    }
}

/* A registration of the driver's for changes; for the verifier. NULL: none. */
PVOID IopFindFsRegistration(PDRIVER_OBJECT Driver)
{
    for (PLIST_ENTRY Link = IopFsChanges.Flink; Link != &IopFsChanges; Link = Link->Flink)
    {
        PIOP_FS_CHANGE Change = CONTAINING_RECORD(Link, IOP_FS_CHANGE, Links);
        if (Change->Driver == Driver)
        {
            return Change;
        }
    }
    return NULL;
}
