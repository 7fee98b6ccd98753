/*
 * Which drivers are verified, and their records. A driver is chosen by its file name (loader block) before its
 * image is bound, since binding is where the verifier comes in: NT redirects the import slots of verified drivers to
 * Verifier routines of the kernel (verifier.md section 2).
 */
#include "guest/include/exp.h"
#include "guest/include/mi.h"
#include "guest/include/vfmem.h"

LIST_ENTRY VfDriverList = {&VfDriverList, &VfDriverList};

/* The linker sorts these sections by name, so the table of thunks lies between the two marks. */
__attribute__((section(".rdata$vfthunk_a"), used)) static const struct rd_thunk VfThunksStart[1] = {{0}};
__attribute__((section(".rdata$vfthunk_z"), used)) static const struct rd_thunk VfThunksEnd[1] = {{0}};

static ULONG VfThunkTable(const struct rd_thunk **Table)
{
    *Table = VfThunksStart + 1;
    __asm__("" : "+r"(*Table)); /* more than one array, whatever the compiler thinks */
    return (ULONG)(((ULONG64)VfThunksEnd - (ULONG64)*Table) / sizeof(struct rd_thunk));
}

/* Equal up to case and, in what was asked for, a ".sys" ending: a service name has none. */
static BOOLEAN VfSameService(const WCHAR *Wanted, ULONG Length, PCSTR Name)
{
    static const CHAR Ending[] = ".sys";

    for (ULONG Index = 0; Index < Length; Index++, Name++)
    {
        if (*Name == 0 && Length - Index == sizeof Ending - 1)
        {
            Name = Ending;
        }
        if (RtlUpcaseUnicodeChar(Wanted[Index]) != RtlUpcaseUnicodeChar((UCHAR)*Name))
        {
            return FALSE;
        }
    }
    return *Name == 0;
}

static BOOLEAN VfIsDriverSelected(PCSTR ServiceName)
{
    const WCHAR *List = (const WCHAR *)(ULONG_PTR)RdLoaderBlock->verifier_drivers;

    if (VfFlags() == 0)
    {
        return FALSE;
    }
    if (List == NULL)
    {
        return TRUE;
    }
    while (*List != 0)
    {
        ULONG Length = 0;
        while (List[Length] != 0 && List[Length] != L';')
        {
            Length++;
        }
        if (VfSameService(List, Length, ServiceName))
        {
            return TRUE;
        }
        List += Length + (List[Length] == L';');
    }
    return FALSE;
}

VOID VfPrepareImageRequest(PCSTR ServiceName, struct rd_image_request *Request)
{
    const struct rd_thunk *Table;

    if (VfIsDriverSelected(ServiceName))
    {
        Request->thunk_count = VfThunkTable(&Table);
        Request->thunks = RD_ADDRESS(Table);
        Request->options = VfFlags();
    }
}

VOID VfDriverLoaded(PDRIVER_OBJECT DriverObject, PCSTR FileName,
                    const struct rd_image_request *Request)
{
    PVF_DRIVER Driver;

    if (Request->thunks == 0)
    {
        return;
    }
    Driver = ExpAllocateKernelPool(sizeof *Driver, VF_TAG);
    RtlZeroMemory(Driver, sizeof *Driver);
    Driver->DriverObject = DriverObject;
    Driver->ImageBase = (PUCHAR)(ULONG_PTR)Request->base;
    Driver->ImageSize = Request->size;
    Driver->Flags = VfFlags();
    strncpy(Driver->Name, FileName, sizeof Driver->Name - 1);
    RtlCopyMemory(Driver->Imported, Request->imports, sizeof Driver->Imported);
    InsertTailList(&VfDriverList, &Driver->Links);
    VfTrimImage(Driver);
}

VOID VfDriverUnloading(PDRIVER_OBJECT DriverObject)
{
    PVF_DRIVER Driver = VfFindDriverByObject(DriverObject);

    if (Driver != NULL)
    {
        Driver->Unloading = TRUE;
    }
}

VOID VfDriverUnloaded(PDRIVER_OBJECT DriverObject)
{
    PVF_DRIVER Driver = VfFindDriverByObject(DriverObject);

    if (Driver != NULL)
    {
        VfCheckUnloadedImage(Driver);
        VfCheckPoolAtUnload(Driver);
        Driver->Unloaded = TRUE;
        Driver->DriverObject = NULL;
    }
}

PVF_DRIVER VfFindDriver(const VOID *Address)
{
    for (PLIST_ENTRY Entry = VfDriverList.Flink; Entry != &VfDriverList; Entry = Entry->Flink)
    {
        PVF_DRIVER Driver = CONTAINING_RECORD(Entry, VF_DRIVER, Links);
        if (!Driver->Unloaded && (PUCHAR)Address - Driver->ImageBase >= 0 &&
            (ULONG64)((PUCHAR)Address - Driver->ImageBase) < Driver->ImageSize)
        {
            return Driver;
        }
    }
    return NULL;
}

PVF_DRIVER VfFindDriverByObject(PDRIVER_OBJECT DriverObject)
{
    for (PLIST_ENTRY Entry = VfDriverList.Flink; Entry != &VfDriverList; Entry = Entry->Flink)
    {
        PVF_DRIVER Driver = CONTAINING_RECORD(Entry, VF_DRIVER, Links);
        if (Driver->DriverObject == DriverObject)
        {
            return Driver;
        }
    }
    return NULL;
}

BOOLEAN VfIsDriverInvolved(PDRIVER_OBJECT DriverObject)
{
    for (PLIST_ENTRY Entry = VfDriverList.Flink; Entry != &VfDriverList; Entry = Entry->Flink)
    {
        PVF_DRIVER Driver = CONTAINING_RECORD(Entry, VF_DRIVER, Links);
        if (Driver->DriverObject == DriverObject)
        {
            return TRUE;
        }
        for (ULONG Index = 0; Index < RD_ABI_IMPORTED && !Driver->Unloaded; Index++)
        {
            if (Driver->Imported[Index] != 0 &&
                Driver->Imported[Index] == RD_ADDRESS(DriverObject->DriverStart))
            {
                return TRUE;
            }
        }
    }
    return FALSE;
}

PVOID VfReplacementRoutine(const VOID *Caller, PCSTR Name)
{
    const struct rd_thunk *Table;
    ULONG Count = VfThunkTable(&Table);

    if (VfFindDriver(Caller) == NULL)
    {
        return NULL;
    }
    for (ULONG Index = 0; Index < Count; Index++)
    {
        if (strcmp((PCSTR)(ULONG_PTR)Table[Index].name, Name) == 0 &&
            (Table[Index].options == 0 || VfIsOptionEnabled(Table[Index].options)))
        {
            return (PVOID)(ULONG_PTR)Table[Index].replacement;
        }
    }
    return NULL;
}

NTEXPORT(MmIsVerifierEnabled, ANY_LEVEL, "");
NTSTATUS NTAPI MmIsVerifierEnabled(PULONG VerifierFlags)
{
    *VerifierFlags = VfFlags();
    return VfFlags() != 0 ? STATUS_SUCCESS : STATUS_NOT_SUPPORTED;
}

NTEXPORT(MmIsDriverVerifying, ANY_LEVEL, "");
LOGICAL NTAPI MmIsDriverVerifying(PDRIVER_OBJECT DriverObject)
{
    return VfFindDriverByObject(DriverObject) != NULL;
}

NTEXPORT(MmIsDriverVerifyingByAddress, ANY_LEVEL, "");
LOGICAL NTAPI MmIsDriverVerifyingByAddress(PVOID AddressWithinSection)
{
    return VfFindDriver(AddressWithinSection) != NULL;
}

NTSYSAPI LOGICAL NTAPI MmIsDriverSuspectForVerifier(PDRIVER_OBJECT DriverObject);
NTEXPORT(MmIsDriverSuspectForVerifier, ANY_LEVEL, "");
LOGICAL NTAPI MmIsDriverSuspectForVerifier(PDRIVER_OBJECT DriverObject)
{
    return VfFindDriverByObject(DriverObject) != NULL;
}
