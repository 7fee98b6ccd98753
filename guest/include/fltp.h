/*
 * The filter manager's own structures. FLT_OBJECT is the documented beginning of every filter, instance and volume.
 *
 * Like the kernel, fltmgr.sys runs without preemption between its calls into drivers, so it has no locks; every list
 * must be consistent before a callback or a wait. An instance stays on its volume's list, and its memory
 * valid, as long as anybody holds its run-down protection.
 */
#ifndef GUEST_FLTP_H
#define GUEST_FLTP_H

#include <stddef.h>
#include <stdint.h>

#include "guest/wdk/fltKernel.h"

#include "guest/include/fltctl.h"
#include "guest/include/ntexport.h"
#include "guest/include/rd.h"

#define FLTP_TAG 0x6C664D46         /* 'FMfl' */
#define FLTP_IRP_TAG 0x69634D46     /* 'FMci': an operation in progress */
#define FLTP_NAME_TAG 0x6E664D46    /* 'FMfn' */
#define FLTP_NAME_LENGTH 64u        /* of filters, instances; characters */

#define FLTMGR_FILE_SYSTEM 0xF5
#define FLTP_STOP_POST_NOT_REGISTERED 0x66
#define FLTP_STOP_NAME_OVER_DEREFERENCED 0x68
#define FLTP_STOP_CONTEXT_OVER_DEREFERENCED 0x6D
#define FLTP_STOP_CONTEXT_AFTER_FREE 0x6E

#define FLT_OBFL_DRAINING 0x00000001u
#define FLT_OBFL_TYPE_FILTER 0x01000000u
#define FLT_OBFL_TYPE_INSTANCE 0x02000000u
#define FLT_OBFL_TYPE_VOLUME 0x04000000u

typedef struct _FLT_OBJECT
{
    volatile ULONG Flags;
    ULONG PointerCount; /* keeps the memory; the run-down reference keeps the object usable */
    EX_RUNDOWN_REF RundownRef;
    LIST_ENTRY PrimaryLink;
} FLT_OBJECT, *PFLT_OBJECT;
C_ASSERT(sizeof(FLT_OBJECT) == 0x20);

#define FLTP_FILTER_STARTED 0x1u
#define FLTP_FILTER_UNLOADING 0x2u     /* its unload callback has been called and not refused */
#define FLTP_FILTER_MANDATORY 0x4u
#define FLTP_FILTER_UNREGISTERING 0x8u

typedef struct _FLT_FILTER
{
    FLT_OBJECT Base;
    UNICODE_STRING Name;
    UNICODE_STRING DefaultAltitude;
    ULONG State;
    PDRIVER_OBJECT DriverObject; /* referenced */
    PDRIVER_UNLOAD OldDriverUnload;
    LIST_ENTRY Instances;        /* FLT_INSTANCE.FilterLink */
    LIST_ENTRY Ports;
    FLT_REGISTRATION Registration;
    PFLT_OPERATION_REGISTRATION Operations; /* copied; ends with IRP_MJ_OPERATION_END; may be NULL */
    PFLT_CONTEXT_REGISTRATION Contexts;     /* copied; ends with FLT_CONTEXT_END; may be NULL */
    WCHAR NameBuffer[FLTP_NAME_LENGTH];
    WCHAR AltitudeBuffer[24];
} FLT_FILTER;

typedef struct _FLT_VOLUME
{
    FLT_OBJECT Base;
    UNICODE_STRING DeviceName;
    PDEVICE_OBJECT FilterDevice; /* ours, in the volume's stack */
    PDEVICE_OBJECT Lower;        /* what it is attached to */
    PDEVICE_OBJECT VolumeDevice; /* the file system's, bottom of that stack; referenced */
    PDEVICE_OBJECT DiskDevice;   /* NULL when the file system has none */
    LIST_ENTRY Instances;        /* FLT_INSTANCE.VolumeLink, from the highest altitude down */
    LIST_ENTRY VolumeContexts;
    LIST_ENTRY FileContexts;     /* of files, streams and handles */
    LIST_ENTRY Streams;          /* opened ones, while TrackStreams */
    BOOLEAN TrackStreams;        /* a filter here keeps contexts that must go with their stream */
} FLT_VOLUME;

typedef struct _FLT_INSTANCE
{
    FLT_OBJECT Base; /* RundownRef: references by name, FltObjectReference */
    EX_RUNDOWN_REF OperationRundown; /* held by every operation that is inside */
    PFLT_VOLUME Volume;
    PFLT_FILTER Filter;
    LIST_ENTRY VolumeLink;
    LIST_ENTRY FilterLink;
    LIST_ENTRY Outstanding; /* operations that are below this instance: FLTP_NODE.InstanceLink */
    UNICODE_STRING Name;
    UNICODE_STRING Altitude;
    PVOID Context; /* PFLTP_CONTEXT_NODE */
    KEVENT SetupDone;
    KEVENT Gone;   /* off its volume */
    BOOLEAN Ready; /* operations may enter: the setup callback has agreed, and teardown has not begun */
    WCHAR NameBuffer[FLTP_NAME_LENGTH];
    WCHAR AltitudeBuffer[24];
} FLT_INSTANCE;

/* A device object of ours: what it stands for. */
typedef enum _FLTP_DEVICE_KIND
{
    FltpControlDevice,
    FltpFileSystemDevice, /* over a file system's control device: sees mounts */
    FltpVolumeDevice
} FLTP_DEVICE_KIND;

typedef struct _FLTP_DEVICE
{
    FLTP_DEVICE_KIND Kind;
    PFLT_VOLUME Volume;
    PDEVICE_OBJECT Lower;
    PDEVICE_OBJECT FileSystem;
    LIST_ENTRY Links; /* of file system devices */
} FLTP_DEVICE, *PFLTP_DEVICE;

extern PDRIVER_OBJECT FltpDriverObject;
extern LIST_ENTRY FltpFilters; /* in order of registration */
extern LIST_ENTRY FltpVolumes;

static inline PVOID FltpAllocate(SIZE_T Bytes, ULONG Tag)
{
    PVOID Block = ExAllocatePoolWithTag(NonPagedPool, Bytes, Tag);

    if (Block != NULL)
    {
        RtlZeroMemory(Block, Bytes);
    }
    return Block;
}

/* object.c */
VOID FltpInitializeObject(PFLT_OBJECT Object, ULONG Type);
BOOLEAN FltpReference(PFLT_OBJECT Object); /* FALSE: being torn down */
VOID FltpDereference(PFLT_OBJECT Object);
VOID FltpDrop(PFLT_OBJECT Object); /* one pointer less; the last frees */
static inline VOID FltpHold(PFLT_OBJECT Object)
{
    Object->PointerCount++;
}
BOOLEAN FltpCopyName(PUNICODE_STRING To, PWCHAR Buffer, ULONG Characters, PCUNICODE_STRING From);
/* Decimal numbers with a fraction, as altitudes are: negative, zero or positive like memcmp. */
LONG FltpCompareAltitudes(PCUNICODE_STRING Left, PCUNICODE_STRING Right);

/* filter.c */
PFLT_FILTER FltpFindFilter(PCUNICODE_STRING Name);
PFLT_FILTER FltpFindFilterOfDriver(PDRIVER_OBJECT Driver);

/* unload.c */
NTSTATUS FltpUnloadByName(PCUNICODE_STRING Name);
NTSTATUS FltpLoadByName(PCUNICODE_STRING Name);
DRIVER_UNLOAD FltpMiniFilterDriverUnload;

/* volume.c */
VOID FltpStartVolumes(VOID); /* at the first registration: existing file systems and volumes */
NTSTATUS FltpFileSystemDispatch(PFLTP_DEVICE Device, PIRP Irp);
PFLT_VOLUME FltpFindVolume(PCUNICODE_STRING Name);
PFLT_VOLUME FltpVolumeOfDevice(PDEVICE_OBJECT Device);

/* instance.c */
NTSTATUS FltpAttach(PFLT_FILTER Filter, PFLT_VOLUME Volume, PCUNICODE_STRING Altitude, PCUNICODE_STRING Name,
                    FLT_INSTANCE_SETUP_FLAGS Flags, PFLT_INSTANCE *Instance);
/* To every volume that there is, for a filter that starts; to a new volume, of every filter that has started. */
VOID FltpAttachFilterEverywhere(PFLT_FILTER Filter);
VOID FltpAttachEveryFilter(PFLT_VOLUME Volume);
VOID FltpTeardownInstance(PFLT_INSTANCE Instance, FLT_INSTANCE_TEARDOWN_FLAGS Reason);
VOID FltpFillRelated(PFLT_RELATED_OBJECTS Related, PFLT_INSTANCE Instance, PFILE_OBJECT FileObject);

/* operation.c */
NTSTATUS FltpPassThrough(PFLT_VOLUME Volume, PIRP Irp, PFLT_INSTANCE Below);
VOID FltpDrainOperations(PFLT_INSTANCE Instance);

/* context.c */
/* Size FLT_VARIABLE_SIZED_CONTEXTS: any registration of that type. */
PFLT_CONTEXT_REGISTRATION FltpFindContextRegistration(PFLT_FILTER Filter, FLT_CONTEXT_TYPE Type, SIZE_T Size);

/* parameters.c */
VOID FltpReadParameters(PIRP Irp, PIO_STACK_LOCATION Stack, PFLT_CALLBACK_DATA Data);
VOID FltpWriteParameters(PIRP Irp, PIO_STACK_LOCATION Stack, PFLT_CALLBACK_DATA Data);

/* context.c */
VOID FltpForgetVolume(PFLT_VOLUME Volume);
VOID FltpDeleteInstanceContexts(PFLT_INSTANCE Instance);
VOID FltpDeleteVolumeContexts(PFLT_FILTER Filter);
VOID FltpFileOpened(PFLT_VOLUME Volume, PFILE_OBJECT FileObject);
VOID FltpFileClosed(PFLT_VOLUME Volume, PFILE_OBJECT FileObject, PVOID Stream);

/* The kernel's, ours only: one load or unload of a service at a time, from Windows 8 on; NULL before. */
PVOID NTAPI RdAcquireService(PCUNICODE_STRING ServiceName);
VOID NTAPI RdReleaseService(PVOID Lock);

#endif
