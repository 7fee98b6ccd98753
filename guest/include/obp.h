/*
 * Object manager: what lies in front of every object, the types, the name space and the handle
 * tables.
 *
 * An object's header comes straight before its body. Its pointer count is the number of references,
 * of which every handle holds one; the body is deleted when it reaches zero, at PASSIVE_LEVEL.
 * The routines that change a count live in .nolog and declare what they depend on (ob/object.c; docs/architecture.md,
 * "Footprints and sharing").
 */
#ifndef GUEST_OBP_H
#define GUEST_OBP_H

#include "guest/include/ki.h"

#define OBP_TAG 0x624F624F /* 'ObOb' */

typedef struct _OBJECT_DIRECTORY *POBJECT_DIRECTORY;

typedef struct _OBP_TYPE_PROCEDURES
{
    /* The last reference is gone; PASSIVE_LEVEL. The body's memory is freed afterwards. */
    VOID (*Delete)(PVOID Object);
    /* A handle of Process was closed; HandlesLeft is the number of handles that remain, in all
     * processes. */
    VOID (*Close)(PEPROCESS Process, PVOID Object, LONG_PTR HandlesLeft);
    /* Offset of the dispatcher header that a wait on the object's handle waits for; -1: cannot be
     * waited for. */
    LONG WaitOffset;
} OBP_TYPE_PROCEDURES;

typedef struct _OBJECT_TYPE
{
    /* Importers that dereference the exported variable once more than Microsoft's do (compilers
     * that honour dllimport on IoFileObjectType and its like) read this and find the type again. */
    struct _OBJECT_TYPE *Self;
    LIST_ENTRY TypeList;
    UNICODE_STRING Name;
    OBP_TYPE_PROCEDURES Procedures;
    BOOLEAN Permanent; /* objects of this type are never deleted */
} OBJECT_TYPE;

typedef struct _OBJECT_HEADER
{
    volatile LONG_PTR PointerCount; /* -0x60 */
    volatile LONG_PTR HandleCount;
    POBJECT_TYPE Type;
    POBJECT_DIRECTORY Directory; /* NULL: not in the name space */
    LIST_ENTRY DirectoryLinks;
    UNICODE_STRING Name;
    struct _OBJECT_HEADER *NextToDelete;
    ULONG Flags;
    ULONG BodySize;
    ULONG64 Spare[2];
    ULONG64 Body[0];
} OBJECT_HEADER, *POBJECT_HEADER;
C_ASSERT(sizeof(OBJECT_HEADER) == 0x60);
C_ASSERT(sizeof(OBJECT_HEADER) % 16 == 0);

#define OB_FLAG_PERMANENT 1u /* the name holds a reference */
#define OB_FLAG_STATIC 2u    /* memory is not the pool's */
#define OB_FLAG_DELETED 4u
#define OB_FLAG_IMMORTAL 8u  /* nobody can be the last to drop it: the System process */

static inline POBJECT_HEADER ObpHeaderOf(const volatile VOID *Object)
{
    return (POBJECT_HEADER)Object - 1;
}

typedef struct _OBJECT_DIRECTORY
{
    LIST_ENTRY Entries; /* OBJECT_HEADER.DirectoryLinks, in order of insertion */
} OBJECT_DIRECTORY;

typedef struct _OBJECT_SYMBOLIC_LINK
{
    UNICODE_STRING Target;
} OBJECT_SYMBOLIC_LINK, *POBJECT_SYMBOLIC_LINK;

extern POBJECT_TYPE ObpTypeObjectType;
extern POBJECT_TYPE ObpDirectoryType;
extern POBJECT_TYPE ObpSymbolicLinkType;
extern POBJECT_TYPE ObpEventType;
extern POBJECT_TYPE ObpSemaphoreType;
extern POBJECT_TYPE ObpMutantType;
extern POBJECT_TYPE ObpThreadType;
extern POBJECT_TYPE ObpProcessType;
extern POBJECT_TYPE ObpCallbackType;
extern POBJECT_TYPE ObpDriverType;
extern POBJECT_TYPE ObpDeviceType;
extern POBJECT_TYPE ObpFileType;

/* Types and the root directories; needs pool. Sets PsThreadType, IoFileObjectType and their like.
 */
VOID ObInitSystem(VOID);
POBJECT_TYPE ObpCreateType(PCWSTR Name, const OBP_TYPE_PROCEDURES *Procedures);
/* The owner of a type fills in its procedures (Ps for threads and processes, Ex for callbacks). */
VOID ObpSetTypeProcedures(POBJECT_TYPE Type, const OBP_TYPE_PROCEDURES *Procedures);

/* A new object, zeroed, with one reference. Name may be empty. NULL: no pool. ObpInsertName puts it
 * into the name space; STATUS_OBJECT_NAME_COLLISION if the name is taken. */
PVOID ObpAllocateObject(POBJECT_TYPE Type, SIZE_T BodySize);
NTSTATUS ObpInsertName(PVOID Object, PCUNICODE_STRING FullName, BOOLEAN Permanent);
/* Out of the name space; a permanent object loses the name's reference. */
VOID ObpRemoveName(PVOID Object);
/* Header in memory of the caller's, for bodies that are not allocated here (the idle threads). */
VOID ObpInitializeStaticHeader(POBJECT_HEADER Header, POBJECT_TYPE Type);

/* The object of that name, referenced, following symbolic links. Type NULL: any. A device swallows
 * the rest of the path: Remaining (NULL: then a rest is an error) receives it, as a part of
 * *Storage, pool that the caller frees unless NULL. */
NTSTATUS ObpLookupName(PCUNICODE_STRING Name, POBJECT_TYPE Type, PVOID *Object,
                       PUNICODE_STRING Remaining, PWSTR *Storage);

VOID ObpDeleteObject(PVOID Object);
LONG_PTR ObpPointerCount(PVOID Object);

/* Handles. Kernel handles have the high bit set and belong to the System process. */
#define OBP_KERNEL_HANDLE 0xFFFFFFFF80000000ull
NTSTATUS ObpCreateHandle(PVOID Object, ACCESS_MASK Access, ULONG Attributes, PHANDLE Handle);
NTSTATUS ObpCloseHandle(HANDLE Handle, KPROCESSOR_MODE Mode);
/* Gives a process its handle table before its first open, so that two first opens commute. */
VOID ObpCreateHandleTable(PEPROCESS Process);
/* Closes all handles of a process whose last thread has gone. */
VOID ObKillProcess(PEPROCESS Process);

/* Runs the deferred deletions; called by the object manager's work item. */
VOID ObpProcessDeferredDeletes(VOID);

#endif
