/*
 * A small file system in memory. It behaves to the I/O manager, and to filters above it, as a file
 * system on a disk does: a control device that mounts, a volume device, contexts in file objects
 * that begin with the documented header, locks taken inside critical regions.
 *
 * Locks, in this order: the volume's resource (the tree of names, exclusive for every change of
 * it), then a file's (its data, sizes, share access). A file control block lives while it has
 * references: file objects that are not closed, children, and its place in the tree.
 */
#ifndef GUEST_MEMFS_PRIVATE_H
#define GUEST_MEMFS_PRIVATE_H

#include <ntifs.h>

#include "guest/include/memfs.h"

#define MEMFS_TAG 'sFmM'
#define MEMFS_SECTOR 512u
#define MEMFS_MAXIMUM_FILE 0x8000u   /* bytes; data is one block of nonpaged pool */
#define MEMFS_VOLUME_SECTORS 2048u

enum
{
    MEMFS_CONTROL = 1,
    MEMFS_DISK,
    MEMFS_VOLUME
};

/* Every device extension begins so. */
typedef struct _MEMFS_DEVICE
{
    ULONG Kind;
    BOOLEAN MayPend; /* disk and volume */
    UNICODE_STRING DosName;
} MEMFS_DEVICE, *PMEMFS_DEVICE;

typedef enum _MEMFS_NODE
{
    MemfsFile,
    MemfsDirectory,
    MemfsVolumeNode /* an open of the volume itself */
} MEMFS_NODE;

typedef struct _MEMFS_FCB
{
    FSRTL_ADVANCED_FCB_HEADER Header; /* Resource, sizes, per-stream contexts of filters */
    FAST_MUTEX HeaderMutex;
    ERESOURCE Resource;
    MEMFS_NODE Node;
    struct _MEMFS_FCB *Parent; /* referenced; NULL: the root, or the volume */
    LIST_ENTRY Siblings;       /* in Parent->Children */
    LIST_ENTRY Children;       /* in order of MEMFS_FCB.Order */
    ULONG64 Order;             /* place in an enumeration of the parent */
    ULONG64 FileId;
    UNICODE_STRING Name;
    PUCHAR Data; /* Header.AllocationSize bytes */
    LARGE_INTEGER CreationTime, LastAccessTime, LastWriteTime, ChangeTime;
    ULONG Attributes; /* without FILE_ATTRIBUTE_DIRECTORY and _NORMAL */
    SHARE_ACCESS ShareAccess;
    LONG Handles;          /* file objects without cleanup */
    volatile LONG References;
    BOOLEAN DeletePending;
    BOOLEAN Unlinked;
} MEMFS_FCB, *PMEMFS_FCB;

typedef struct _MEMFS_CCB
{
    BOOLEAN DeleteOnClose;
    BOOLEAN Searched;          /* a query fixed the pattern */
    ULONG64 NextOrder;         /* where the enumeration goes on */
    UNICODE_STRING Pattern;    /* empty: all */
} MEMFS_CCB, *PMEMFS_CCB;

typedef struct _MEMFS_VCB
{
    MEMFS_DEVICE Device;
    PDEVICE_OBJECT VolumeDevice;
    PVPB Vpb;
    ERESOURCE Resource;
    PMEMFS_FCB Root, Volume;
    ULONG64 NextOrder;
    BOOLEAN Dismounted;
} MEMFS_VCB, *PMEMFS_VCB;

/* A request on a file; Irp->IoStatus.Information is 0 on entry. The dispatcher completes it. */
typedef NTSTATUS MEMFS_ROUTINE(PMEMFS_VCB Vcb, PIRP Irp, PIO_STACK_LOCATION Stack);
MEMFS_ROUTINE MemfsCreate, MemfsCleanup, MemfsClose, MemfsRead, MemfsWrite, MemfsQueryInformation,
    MemfsSetInformation, MemfsDirectoryControl, MemfsQueryVolume, MemfsFlush, MemfsUserControl;

/* node.c */
PMEMFS_FCB MemfsCreateNode(MEMFS_NODE Node, PCUNICODE_STRING Name, ULONG Attributes);
VOID MemfsLink(PMEMFS_VCB Vcb, PMEMFS_FCB Parent, PMEMFS_FCB Fcb);
VOID MemfsUnlink(PMEMFS_FCB Fcb);
VOID MemfsDereference(PMEMFS_FCB Fcb);
PMEMFS_FCB MemfsFindChild(PMEMFS_FCB Parent, PCUNICODE_STRING Name);
BOOLEAN MemfsIsValidName(PCUNICODE_STRING Name);
/* Follows Path from Start. *Last is the last component when that is missing (then
 * STATUS_OBJECT_NAME_NOT_FOUND and *Fcb its directory), *TrailingSlash whether one followed. */
NTSTATUS MemfsWalk(PMEMFS_FCB Start, PCUNICODE_STRING Path, PMEMFS_FCB *Fcb, PUNICODE_STRING Last,
                   PBOOLEAN TrailingSlash);
/* Bytes of \DIR\NAME; writes as many of them as fit. */
ULONG MemfsPath(PMEMFS_FCB Fcb, PWCHAR Buffer, ULONG Bytes);
NTSTATUS MemfsResize(PMEMFS_FCB Fcb, LONG64 FileSize);
/* The file's information as every directory and information class gives it. */
ULONG MemfsAttributes(PMEMFS_FCB Fcb);
VOID MemfsTouch(PMEMFS_FCB Fcb, BOOLEAN Written);

/* mount.c */
NTSTATUS MemfsMount(PIRP Irp, PIO_STACK_LOCATION Stack);
NTSTATUS MemfsDismount(PMEMFS_VCB Vcb);
/* A file of a dismounted volume has been closed; the last one ends the volume. */
VOID MemfsEndVolumeIfDue(PMEMFS_VCB Vcb);

static inline PMEMFS_FCB MemfsFcbOf(PFILE_OBJECT File)
{
    return (PMEMFS_FCB)File->FsContext;
}

#endif
