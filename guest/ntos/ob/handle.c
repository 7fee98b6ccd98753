/*
 * Handle tables: one a process. A table has a slab of entries for each thread, used by that
 * thread's own opens, so unrelated opens touch no common memory and give the same values in every
 * schedule. An entry is used a second time only when its slab has none left that was never used.
 */
#include "guest/include/exp.h"
#include "guest/include/obp.h"
#include "guest/include/psp.h"

#define OBP_SLAB_ENTRIES 128u

typedef struct _OBP_HANDLE_ENTRY
{
    PVOID Object;
    ACCESS_MASK Access;
    ULONG Attributes;
} OBP_HANDLE_ENTRY, *POBP_HANDLE_ENTRY;

typedef struct _OBP_HANDLE_SLAB
{
    ULONG64 Used; /* entries [0, Used) have been handed out */
    OBP_HANDLE_ENTRY Entry[OBP_SLAB_ENTRIES];
} OBP_HANDLE_SLAB, *POBP_HANDLE_SLAB;

typedef struct _OBP_HANDLE_TABLE
{
    POBP_HANDLE_SLAB Slab[RD_MAX_STACKS];
} OBP_HANDLE_TABLE, *POBP_HANDLE_TABLE;

static POBP_HANDLE_TABLE ObpTableOf(PEPROCESS Process)
{
    if (Process->ObjectTable == NULL)
    {
        Process->ObjectTable = ExpAllocateKernelPool(sizeof(OBP_HANDLE_TABLE), OBP_TAG);
        RtlZeroMemory(Process->ObjectTable, sizeof(OBP_HANDLE_TABLE));
    }
    return Process->ObjectTable;
}

VOID ObpCreateHandleTable(PEPROCESS Process)
{
    ObpTableOf(Process);
}

static PEPROCESS ObpCurrentProcess(VOID)
{
    return CONTAINING_RECORD(KiCurrentThread()->Process, EPROCESS, Pcb);
}

static POBP_HANDLE_ENTRY ObpEntryOf(HANDLE Handle, PEPROCESS *Owner)
{
    ULONG64 Value = (ULONG64)(ULONG_PTR)Handle;
    PEPROCESS Process = ObpCurrentProcess();
    POBP_HANDLE_SLAB Slab;
    ULONG64 Number;

    if ((Value & OBP_KERNEL_HANDLE) == OBP_KERNEL_HANDLE)
    {
        Value &= ~OBP_KERNEL_HANDLE;
        Process = PsInitialSystemProcess;
    }
    Number = (Value >> 2) - 1;
    if ((Value >> 2) == 0 || Number >= RD_MAX_STACKS * OBP_SLAB_ENTRIES)
    {
        return NULL;
    }
    Slab = ObpTableOf(Process)->Slab[Number / OBP_SLAB_ENTRIES];
    if (Slab == NULL || Slab->Entry[Number % OBP_SLAB_ENTRIES].Object == NULL)
    {
        return NULL;
    }
    *Owner = Process;
    return &Slab->Entry[Number % OBP_SLAB_ENTRIES];
}

static NOLOG VOID ObpChangeHandleCount(POBJECT_HEADER Header, LONG Change)
{
    Header->HandleCount += Change;
    RdTouch(&Header->HandleCount, sizeof Header->HandleCount, TRUE);
}

NTSTATUS ObpCreateHandle(PVOID Object, ACCESS_MASK Access, ULONG Attributes, PHANDLE Handle)
{
    BOOLEAN Kernel = (Attributes & OBJ_KERNEL_HANDLE) != 0;
    PEPROCESS Process = Kernel ? PsInitialSystemProcess : ObpCurrentProcess();
    ULONG Thread = KiCurrentThread()->Index;
    POBP_HANDLE_TABLE Table = ObpTableOf(Process);
    POBP_HANDLE_SLAB Slab = Table->Slab[Thread];
    ULONG64 Number;

    if (Slab == NULL)
    {
        Slab = ExpAllocateKernelPool(sizeof *Slab, OBP_TAG);
        RtlZeroMemory(Slab, sizeof *Slab);
        Table->Slab[Thread] = Slab;
    }
    if (Slab->Used < OBP_SLAB_ENTRIES)
    {
        Number = Slab->Used++;
    }
    else
    {
        for (Number = 0; Number < OBP_SLAB_ENTRIES && Slab->Entry[Number].Object != NULL; Number++)
        {
        }
        if (Number == OBP_SLAB_ENTRIES)
        {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
    }
    ObfReferenceObject(Object);
    ObpChangeHandleCount(ObpHeaderOf(Object), 1);
    Slab->Entry[Number].Object = Object;
    Slab->Entry[Number].Access = Access;
    Slab->Entry[Number].Attributes = Attributes;
    Number = (Thread * OBP_SLAB_ENTRIES + Number + 1) << 2;
    *Handle = (HANDLE)(ULONG_PTR)(Kernel ? Number | OBP_KERNEL_HANDLE : Number);
    return STATUS_SUCCESS;
}

static VOID ObpCloseEntry(PEPROCESS Process, POBP_HANDLE_ENTRY Entry)
{
    PVOID Object = Entry->Object;
    POBJECT_HEADER Header = ObpHeaderOf(Object);
    LONG_PTR Left;

    Entry->Object = NULL;
    ObpChangeHandleCount(Header, -1);
    Left = Header->HandleCount;
    if (Header->Type->Procedures.Close != NULL)
    {
        Header->Type->Procedures.Close(Process, Object, Left);
    }
    if (Left == 0 && !(Header->Flags & OB_FLAG_PERMANENT) && Header->Directory != NULL)
    {
        ObpRemoveName(Object);
    }
    ObfDereferenceObject(Object);
}

NTSTATUS ObpCloseHandle(HANDLE Handle, KPROCESSOR_MODE Mode)
{
    PEPROCESS Process;
    POBP_HANDLE_ENTRY Entry = ObpEntryOf(Handle, &Process);

    if (Entry == NULL || (Mode != KernelMode &&
                          ((ULONG64)(ULONG_PTR)Handle & OBP_KERNEL_HANDLE) == OBP_KERNEL_HANDLE))
    {
        return STATUS_INVALID_HANDLE;
    }
    ObpCloseEntry(Process, Entry);
    return STATUS_SUCCESS;
}

VOID ObKillProcess(PEPROCESS Process)
{
    POBP_HANDLE_TABLE Table = Process->ObjectTable;

    if (Table == NULL)
    {
        return;
    }
    for (ULONG Thread = 0; Thread < RD_MAX_STACKS; Thread++)
    {
        POBP_HANDLE_SLAB Slab = Table->Slab[Thread];
        for (ULONG i = 0; Slab != NULL && i < Slab->Used; i++)
        {
            if (Slab->Entry[i].Object != NULL)
            {
                ObpCloseEntry(Process, &Slab->Entry[i]);
            }
        }
    }
}

NTEXPORT(ObReferenceObjectByHandle, PASSIVE_LEVEL, "object");
NTSTATUS NTAPI ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess,
                                         POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                         PVOID *Object,
                                         POBJECT_HANDLE_INFORMATION HandleInformation)
{
    PEPROCESS Process;
    POBP_HANDLE_ENTRY Entry;
    PVOID Found;
    ACCESS_MASK Access = 0x1FFFFF;
    ULONG Attributes = 0;

    *Object = NULL;
    if (Handle == NtCurrentThread())
    {
        Found = KiCurrentThread();
    }
    else if (Handle == NtCurrentProcess())
    {
        Found = ObpCurrentProcess();
    }
    else
    {
        Entry = ObpEntryOf(Handle, &Process);
        if (Entry == NULL || (AccessMode != KernelMode && ((ULONG64)(ULONG_PTR)Handle &
                                                           OBP_KERNEL_HANDLE) == OBP_KERNEL_HANDLE))
        {
            return STATUS_INVALID_HANDLE;
        }
        Found = Entry->Object;
        Access = Entry->Access;
        Attributes = Entry->Attributes;
    }
    if (ObjectType != NULL && ObpHeaderOf(Found)->Type != ObjectType)
    {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    if (AccessMode != KernelMode && (DesiredAccess & ~Access) != 0)
    {
        return STATUS_ACCESS_DENIED;
    }
    if (HandleInformation != NULL)
    {
        HandleInformation->HandleAttributes = Attributes;
        HandleInformation->GrantedAccess = Access;
    }
    ObfReferenceObject(Found);
    *Object = Found;
    return STATUS_SUCCESS;
}

NTEXPORT(ObReferenceObjectByHandleWithTag, PASSIVE_LEVEL, "object");
NTSTATUS NTAPI ObReferenceObjectByHandleWithTag(HANDLE Handle, ACCESS_MASK DesiredAccess,
                                                POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                                ULONG Tag, PVOID *Object,
                                                POBJECT_HANDLE_INFORMATION HandleInformation)
{
    return ObReferenceObjectByHandle(Handle, DesiredAccess, ObjectType, AccessMode, Object,
                                     HandleInformation);
}

NTEXPORT(ObOpenObjectByPointer, PASSIVE_LEVEL, "object");
NTSTATUS NTAPI ObOpenObjectByPointer(PVOID Object, ULONG HandleAttributes,
                                     PACCESS_STATE PassedAccessState, ACCESS_MASK DesiredAccess,
                                     POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                     PHANDLE Handle)
{
    if (ObjectType != NULL && ObpHeaderOf(Object)->Type != ObjectType)
    {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    return ObpCreateHandle(Object, DesiredAccess, HandleAttributes, Handle);
}

NTEXPORT(ObOpenObjectByPointerWithTag, PASSIVE_LEVEL, "object");
NTSTATUS NTAPI ObOpenObjectByPointerWithTag(PVOID Object, ULONG HandleAttributes,
                                            PACCESS_STATE PassedAccessState,
                                            ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                            KPROCESSOR_MODE AccessMode, ULONG Tag, PHANDLE Handle)
{
    return ObOpenObjectByPointer(Object, HandleAttributes, PassedAccessState, DesiredAccess,
                                 ObjectType, AccessMode, Handle);
}

NTEXPORT(ObIsKernelHandle, DISPATCH_LEVEL, "");
BOOLEAN NTAPI ObIsKernelHandle(HANDLE Handle)
{
    return ((ULONG64)(ULONG_PTR)Handle & OBP_KERNEL_HANDLE) == OBP_KERNEL_HANDLE;
}

NTSYSAPI NTSTATUS NTAPI ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE PreviousMode);
NTEXPORT(ObCloseHandle, PASSIVE_LEVEL, "object");
NTSTATUS NTAPI ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE PreviousMode)
{
    return ObpCloseHandle(Handle, PreviousMode);
}

NTEXPORT(NtClose, PASSIVE_LEVEL, "object");
NTSTATUS NTAPI NtClose(HANDLE Handle)
{
    return ObpCloseHandle(Handle, KiCurrentThread()->PreviousMode);
}

NTEXPORT(ZwClose, PASSIVE_LEVEL, "object");
NTSTATUS NTAPI ZwClose(HANDLE Handle)
{
    ZW(ObpCloseHandle(Handle, KernelMode));
}
