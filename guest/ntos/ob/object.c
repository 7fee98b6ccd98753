/*
 * Objects: creation, reference counts and deletion.
 *
 * Two changes of a count do not commute, although the sum is the same in both orders: whoever comes last
 * deletes, and at a count of two nobody knows yet who that is. So each change is a write of the count. But as long
 * as a permanent name holds a reference nobody can be last: then a change declares that it reads the flags, which
 * ObMakeTemporaryObject writes, and such changes commute. Deletion runs at PASSIVE_LEVEL: at once when the caller is there, else on a
 * system worker thread.
 */
#include "guest/include/exp.h"
#include "guest/include/obp.h"
#include "guest/include/vf.h"

#define REFERENCE_BY_POINTER_CODE 0x18

static POBJECT_HEADER ObpDeleteListHead;
static POBJECT_HEADER *ObpDeleteListTail = &ObpDeleteListHead;
static WORK_QUEUE_ITEM ObpDeleteWorkItem;
static BOOLEAN ObpDeleteWorkQueued;

static VOID ObpInitializeHeader(POBJECT_HEADER Header, POBJECT_TYPE Type)
{
    RtlZeroMemory(Header, sizeof *Header);
    Header->PointerCount = 1;
    Header->Type = Type;
    InitializeListHead(&Header->DirectoryLinks);
}

PVOID ObpAllocateObject(POBJECT_TYPE Type, SIZE_T BodySize)
{
    POBJECT_HEADER Header =
        ExAllocatePoolWithTag(NonPagedPool, sizeof(OBJECT_HEADER) + BodySize, OBP_TAG);
    if (Header == NULL)
    {
        return NULL;
    }
    ObpInitializeHeader(Header, Type);
    Header->BodySize = (ULONG)BodySize;
    RtlZeroMemory(Header->Body, BodySize);
    return Header->Body;
}

VOID ObpInitializeStaticHeader(POBJECT_HEADER Header, POBJECT_TYPE Type)
{
    ObpInitializeHeader(Header, Type);
    Header->Flags = OB_FLAG_STATIC;
}

/* PASSIVE_LEVEL; the pointer count is zero. */
VOID ObpDeleteObject(PVOID Object)
{
    POBJECT_HEADER Header = ObpHeaderOf(Object);

    RD_KASSERT(Header->PointerCount == 0 && !(Header->Flags & OB_FLAG_DELETED));
    Header->Flags |= OB_FLAG_DELETED;
    if (Header->Directory != NULL)
    {
        ObpRemoveName(Object);
    }
    if (Header->Type->Procedures.Delete != NULL)
    {
        Header->Type->Procedures.Delete(Object);
    }
    if (Header->Name.Buffer != NULL)
    {
        ExFreePoolWithTag(Header->Name.Buffer, OBP_TAG);
    }
    if (!(Header->Flags & OB_FLAG_STATIC))
    {
        ExFreePoolWithTag(Header, OBP_TAG);
    }
}

VOID ObpProcessDeferredDeletes(VOID)
{
    while (ObpDeleteListHead != NULL)
    {
        POBJECT_HEADER Header = ObpDeleteListHead;
        ObpDeleteListHead = Header->NextToDelete;
        if (ObpDeleteListHead == NULL)
        {
            ObpDeleteListTail = &ObpDeleteListHead;
        }
        ObpDeleteObject(Header->Body);
    }
    ObpDeleteWorkQueued = FALSE;
}

static VOID NTAPI ObpDeleteWorker(PVOID Context)
{
    ObpProcessDeferredDeletes();
}

static VOID ObpDeferDeletion(POBJECT_HEADER Header)
{
    Header->NextToDelete = NULL;
    *ObpDeleteListTail = Header;
    ObpDeleteListTail = &Header->NextToDelete;
    if (!ObpDeleteWorkQueued)
    {
        ObpDeleteWorkQueued = TRUE;
        ExInitializeWorkItem(&ObpDeleteWorkItem, ObpDeleteWorker, NULL);
        ExQueueWorkItem(&ObpDeleteWorkItem, CriticalWorkQueue);
    }
}

/* The count was zero before: the verifier has a word of its own for its drivers. */
static DECLSPEC_NORETURN VOID ObpBadReference(POBJECT_HEADER Header, const VOID *Caller)
{
    if ((Header->PointerCount == 1 || Header->PointerCount < 0) && VfFindDriver(Caller) != NULL)
    {
        VerifierBugCheck(0x3F, (ULONG_PTR)Header->Body, (ULONG_PTR)Header->PointerCount, 0);
    }
    KeBugCheckEx(REFERENCE_BY_POINTER_CODE, (ULONG_PTR)Header->Type, (ULONG_PTR)Header->Body,
                 (ULONG_PTR)Header->HandleCount, (ULONG_PTR)Header->PointerCount);
}

/* The count has just become zero or negative. */
static VOID __attribute__((noinline)) ObpLastDereference(
    POBJECT_HEADER Header, BOOLEAN Defer, const VOID *Caller)
{
    if (Header->PointerCount < 0 || Header->HandleCount != 0)
    {
        ObpBadReference(Header, Caller);
    }
    RD_KASSERT(!Header->Type->Permanent);
    if (Defer || KeGetCurrentIrql() > PASSIVE_LEVEL)
    {
        ObpDeferDeletion(Header);
    }
    else
    {
        ObpDeleteObject(Header->Body);
    }
}

/* The footprint of a change of the count (see the top of this file). */
static NOLOG VOID ObpTouchCount(POBJECT_HEADER Header)
{
    if (Header->Type->Permanent)
    {
        return;
    }
    if (Header->Flags & OB_FLAG_IMMORTAL)
    {
        RdTouchCount(&Header->PointerCount, sizeof Header->PointerCount);
        return;
    }
    RdTouch(&Header->Flags, sizeof Header->Flags, FALSE);
    if (!(Header->Flags & OB_FLAG_PERMANENT))
    {
        RdTouch(&Header->PointerCount, sizeof Header->PointerCount, TRUE);
    }
}

NTEXPORT(ObfReferenceObject, DISPATCH_LEVEL, "object");
NOLOG LONG_PTR FASTCALL ObfReferenceObject(PVOID Object)
{
    POBJECT_HEADER Header = ObpHeaderOf(Object);
    LONG_PTR Count = ++Header->PointerCount;
    ObpTouchCount(Header);
    if (Count <= 1)
    {
        ObpBadReference(Header, __builtin_return_address(0));
    }
    return Count;
}

static NOLOG LONG_PTR ObpDereference(PVOID Object, BOOLEAN Defer, const VOID *Caller)
{
    POBJECT_HEADER Header = ObpHeaderOf(Object);
    LONG_PTR Count = --Header->PointerCount;
    ObpTouchCount(Header);
    if (Count <= 0)
    {
        ObpLastDereference(Header, Defer, Caller);
    }
    return Count;
}

NTEXPORT(ObfDereferenceObject, DISPATCH_LEVEL, "object");
NOLOG LONG_PTR FASTCALL ObfDereferenceObject(PVOID Object)
{
    return ObpDereference(Object, FALSE, __builtin_return_address(0));
}

#undef ObDereferenceObject
NTSYSAPI VOID NTAPI ObDereferenceObject(PVOID Object);
NTEXPORT(ObDereferenceObject, DISPATCH_LEVEL, "object");
NOLOG VOID NTAPI ObDereferenceObject(PVOID Object)
{
    ObpDereference(Object, FALSE, __builtin_return_address(0));
}

NTEXPORT(ObDereferenceObjectDeferDelete, DISPATCH_LEVEL, "object");
NOLOG VOID NTAPI ObDereferenceObjectDeferDelete(PVOID Object)
{
    ObpDereference(Object, TRUE, __builtin_return_address(0));
}

NTEXPORT(ObfReferenceObjectWithTag, DISPATCH_LEVEL, "object");
NOLOG LONG_PTR FASTCALL ObfReferenceObjectWithTag(PVOID Object, ULONG Tag)
{
    return ObfReferenceObject(Object);
}

NTEXPORT(ObfDereferenceObjectWithTag, DISPATCH_LEVEL, "object");
NOLOG LONG_PTR FASTCALL ObfDereferenceObjectWithTag(PVOID Object, ULONG Tag)
{
    return ObpDereference(Object, FALSE, __builtin_return_address(0));
}

NTEXPORT(ObDereferenceObjectDeferDeleteWithTag, DISPATCH_LEVEL, "object");
NOLOG VOID NTAPI ObDereferenceObjectDeferDeleteWithTag(PVOID Object, ULONG Tag)
{
    ObpDereference(Object, TRUE, __builtin_return_address(0));
}

LONG_PTR ObpPointerCount(PVOID Object)
{
    return ObpHeaderOf(Object)->PointerCount;
}

NTEXPORT(ObReferenceObjectByPointer, DISPATCH_LEVEL, "object");
NTSTATUS NTAPI ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK DesiredAccess,
                                          POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode)
{
    if (ObjectType != NULL && ObpHeaderOf(Object)->Type != ObjectType)
    {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    ObfReferenceObject(Object);
    return STATUS_SUCCESS;
}

NTEXPORT(ObReferenceObjectByPointerWithTag, DISPATCH_LEVEL, "object");
NTSTATUS NTAPI ObReferenceObjectByPointerWithTag(PVOID Object, ACCESS_MASK DesiredAccess,
                                                 POBJECT_TYPE ObjectType,
                                                 KPROCESSOR_MODE AccessMode, ULONG Tag)
{
    return ObReferenceObjectByPointer(Object, DesiredAccess, ObjectType, AccessMode);
}

NTSYSAPI POBJECT_TYPE NTAPI ObGetObjectType(PVOID Object);
NTEXPORT(ObGetObjectType, DISPATCH_LEVEL, "object");
POBJECT_TYPE NTAPI ObGetObjectType(PVOID Object)
{
    return ObpHeaderOf(Object)->Type;
}

NTEXPORT(ObCreateObject, PASSIVE_LEVEL, "object");
NTSTATUS NTAPI ObCreateObject(KPROCESSOR_MODE ProbeMode, POBJECT_TYPE ObjectType,
                              POBJECT_ATTRIBUTES ObjectAttributes, KPROCESSOR_MODE OwnershipMode,
                              PVOID ParseContext, ULONG ObjectBodySize, ULONG PagedPoolCharge,
                              ULONG NonPagedPoolCharge, PVOID *Object)
{
    PVOID New = ObpAllocateObject(ObjectType, ObjectBodySize);

    if (New == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (ObjectAttributes != NULL && ObjectAttributes->ObjectName != NULL &&
        ObjectAttributes->ObjectName->Length != 0)
    {
        NTSTATUS Status = ObpInsertName(New, ObjectAttributes->ObjectName,
                                        (ObjectAttributes->Attributes & OBJ_PERMANENT) != 0);
        if (!NT_SUCCESS(Status))
        {
            /* Its owner has not initialised it, so its delete procedure must not see it. */
            ExFreePoolWithTag(ObpHeaderOf(New), OBP_TAG);
            return Status;
        }
    }
    *Object = New;
    return STATUS_SUCCESS;
}

NTEXPORT(ObInsertObject, PASSIVE_LEVEL, "object");
NTSTATUS NTAPI ObInsertObject(PVOID Object, PACCESS_STATE AccessState, ACCESS_MASK DesiredAccess,
                              ULONG ObjectPointerBias, PVOID *NewObject, PHANDLE Handle)
{
    NTSTATUS Status = STATUS_SUCCESS;

    if (ObjectPointerBias != 0)
    {
        return STATUS_INVALID_PARAMETER;
    }
    if (Handle != NULL)
    {
        Status = ObpCreateHandle(Object, DesiredAccess, 0, Handle);
    }
    if (NT_SUCCESS(Status) && NewObject != NULL)
    {
        ObfReferenceObject(Object);
        *NewObject = Object;
    }
    ObfDereferenceObject(Object); /* the creator's; the handle holds its own */
    return Status;
}

NTEXPORT(ObMakeTemporaryObject, APC_LEVEL, "object");
VOID NTAPI ObMakeTemporaryObject(PVOID Object)
{
    if (ObpHeaderOf(Object)->Flags & OB_FLAG_PERMANENT)
    {
        ObpRemoveName(Object);
    }
}
