/*
 * What drivers do with driver objects: register to be called again after DriverEntry, make driver
 * objects without an image, hang private extensions on them.
 */
#include "guest/include/iop.h"

/* Drivers that asked to be called again once others are there. At run time that is right after a
 * load. */
typedef struct _IOP_REINITIALIZATION
{
    LIST_ENTRY Links;
    PDRIVER_OBJECT Driver;
    PDRIVER_REINITIALIZE Routine;
    PVOID Context;
} IOP_REINITIALIZATION, *PIOP_REINITIALIZATION;

static LIST_ENTRY IopReinitializations = {&IopReinitializations, &IopReinitializations};

NTEXPORT(IoRegisterDriverReinitialization, PASSIVE_LEVEL, "driver");
VOID NTAPI IoRegisterDriverReinitialization(PDRIVER_OBJECT DriverObject,
                                            PDRIVER_REINITIALIZE DriverReinitializationRoutine,
                                            PVOID Context)
{
    PIOP_REINITIALIZATION Entry = ExAllocatePoolWithTag(NonPagedPool, sizeof *Entry, IOP_TAG);

    if (Entry != NULL)
    {
        DriverObject->Flags |= DRVO_REINIT_REGISTERED;
        Entry->Driver = DriverObject;
        Entry->Routine = DriverReinitializationRoutine;
        Entry->Context = Context;
        InsertTailList(&IopReinitializations, &Entry->Links);
    }
}

NTEXPORT(IoRegisterBootDriverReinitialization, PASSIVE_LEVEL, "driver");
VOID NTAPI IoRegisterBootDriverReinitialization(PDRIVER_OBJECT DriverObject,
                                                PDRIVER_REINITIALIZE DriverReinitializationRoutine,
                                                PVOID Context)
{
    IoRegisterDriverReinitialization(DriverObject, DriverReinitializationRoutine, Context);
}

VOID IopCallReinitializationRoutines(VOID)
{
    /* A routine may register again: that one is for the next load. */
    PLIST_ENTRY Last = IopReinitializations.Blink;
    PLIST_ENTRY Entry = NULL;

    while (Entry != Last && !IsListEmpty(&IopReinitializations))
    {
        IOP_REINITIALIZATION Copy;
        Entry = RemoveHeadList(&IopReinitializations);
        Copy = *CONTAINING_RECORD(Entry, IOP_REINITIALIZATION, Links);
        ExFreePoolWithTag(CONTAINING_RECORD(Entry, IOP_REINITIALIZATION, Links), IOP_TAG);
        Copy.Driver->Flags &= ~DRVO_REINIT_REGISTERED;
        Copy.Routine(Copy.Driver, Copy.Context, ++Copy.Driver->DriverExtension->Count);
    }
}

/* A driver object without an image of its own (drivers that drive others use it). */
NTSYSAPI NTSTATUS NTAPI IoCreateDriver(PUNICODE_STRING DriverName,
                                       PDRIVER_INITIALIZE InitializationFunction);
NTEXPORT(IoCreateDriver, PASSIVE_LEVEL, "driver");
NTSTATUS NTAPI IoCreateDriver(PUNICODE_STRING DriverName, PDRIVER_INITIALIZE InitializationFunction)
{
    PDRIVER_OBJECT Driver = IopCreateDriverObject(DriverName, NULL, 0);
    NTSTATUS Status;

    if (Driver == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Driver->DriverInit = InitializationFunction;
    Driver->Flags |= DRVO_BUILTIN_DRIVER;
    Status = InitializationFunction(Driver, NULL);
    if (!NT_SUCCESS(Status))
    {
        IopDropDriverObject(Driver);
        return Status;
    }
    IopReadyDeviceObjects(Driver);
    IopDriverExtensionOf(Driver)->EntryReturned = TRUE;
    return STATUS_SUCCESS;
}

NTSYSAPI VOID NTAPI IoDeleteDriver(PDRIVER_OBJECT DriverObject);
NTEXPORT(IoDeleteDriver, PASSIVE_LEVEL, "driver");
VOID NTAPI IoDeleteDriver(PDRIVER_OBJECT DriverObject)
{
    IopDropDriverObject(DriverObject);
}

NTEXPORT(IoAllocateDriverObjectExtension, APC_LEVEL, "driver");
NTSTATUS NTAPI IoAllocateDriverObjectExtension(PDRIVER_OBJECT DriverObject,
                                               PVOID ClientIdentificationAddress,
                                               ULONG DriverObjectExtensionSize,
                                               PVOID *DriverObjectExtension)
{
    PIOP_CLIENT_EXTENSION Block;

    *DriverObjectExtension = NULL;
    if (IoGetDriverObjectExtension(DriverObject, ClientIdentificationAddress) != NULL)
    {
        return STATUS_OBJECT_NAME_COLLISION;
    }
    Block = ExAllocatePoolWithTag(NonPagedPool, sizeof *Block + DriverObjectExtensionSize, IOP_TAG);
    if (Block == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(Block, sizeof *Block + DriverObjectExtensionSize);
    Block->Identification = ClientIdentificationAddress;
    Block->Next = IopDriverExtensionOf(DriverObject)->ClientExtensions;
    IopDriverExtensionOf(DriverObject)->ClientExtensions = Block;
    *DriverObjectExtension = Block->Body;
    return STATUS_SUCCESS;
}

NTEXPORT(IoGetDriverObjectExtension, DISPATCH_LEVEL, "driver");
PVOID NTAPI IoGetDriverObjectExtension(PDRIVER_OBJECT DriverObject,
                                       PVOID ClientIdentificationAddress)
{
    PIOP_CLIENT_EXTENSION Block = IopDriverExtensionOf(DriverObject)->ClientExtensions;

    while (Block != NULL && Block->Identification != ClientIdentificationAddress)
    {
        Block = Block->Next;
    }
    return Block != NULL ? Block->Body : NULL;
}
