/*
 * Driver Verifier: what its files share and what the rest of the kernel may ask. A verified driver's imports are
 * bound to Verifier routines (thunks) where an option wants to see the call; the rest of the kernel calls in here
 * only where NT's own does: at load and unload of a driver and on the path of an IRP.
 */
#ifndef GUEST_VF_H
#define GUEST_VF_H

#include "abi/verifier.h"
#include "guest/include/iop.h"

#define VF_TAG 0x66566472 /* 'rdVf' */

/*
 * One line in front of `VerifierNAME`: verified drivers get that routine where they import NAME, when one of the
 * options is on (0: for every verified driver). One routine has one thunk; what several rules want to know about a
 * call is asked inside it.
 */
#define VF_TEXT_(x) #x
#define VF_TEXT(x) VF_TEXT_(x)
#define VFTHUNK(name, options)                                                                     \
    __asm__(".section .rdata$vfthunk_m,\"dr\"\n"                                                   \
            "    .quad 77f, Verifier" #name "\n"                                                   \
            "    .long " VF_TEXT((options)) ", 0, 0, 0\n"                                                \
            "    .section .rdata,\"dr\"\n"                                                         \
            "77: .asciz \"" #name "\"\n"                                                           \
            "    .text\n");                                                                        \
    _Static_assert(sizeof(#name) > 1, "a thunk")

/* The bits in a form that the assembler reads too. */
#define VF_OPTION_SPECIAL_POOL 0x1
#define VF_OPTION_FORCE_IRQL 0x2
#define VF_OPTION_POOL_TRACKING 0x8
#define VF_OPTION_IO 0x10
#define VF_OPTION_IRP_LOGGING 0x400
#define VF_OPTION_MISC 0x800
#define VF_OPTION_AUTOMATIC 0

/* A verified driver. The record outlives the image, for look-ups of addresses in logs. */
typedef struct _VF_DRIVER
{
    LIST_ENTRY Links; /* VfDriverList, in the order of loading */
    PDRIVER_OBJECT DriverObject;
    PUCHAR ImageBase;
    ULONG64 ImageSize;
    CHAR Name[64]; /* "upper.sys" */
    ULONG Flags;   /* RD_VF_* that it is verified with */
    BOOLEAN Unloading; /* its unload routine has been called */
    BOOLEAN Unloaded;
    BOOLEAN Deleting; /* nothing can keep its image any more */
    UCHAR Spare;
    ULONG64 Imported[RD_ABI_IMPORTED]; /* bases of drivers that it imports from */
} VF_DRIVER, *PVF_DRIVER;

extern LIST_ENTRY VfDriverList;

/* Options of the run. Read only during boot and never written after, so asking costs no footprint. */
static inline ULONG VfFlags(VOID)
{
    return (ULONG)RdLoaderBlock->verifier_flags;
}
static inline BOOLEAN VfIsOptionEnabled(ULONG Option)
{
    return (VfFlags() & Option) != 0;
}

/* driver.c. Is a driver of this service name to be verified? Fills in what the loader is to bind. */
VOID VfPrepareImageRequest(PCSTR ServiceName, struct rd_image_request *Request);
/* The image is mapped and its driver object exists; DriverEntry has not been called. */
VOID VfDriverLoaded(PDRIVER_OBJECT DriverObject, PCSTR FileName,
                    const struct rd_image_request *Request);
VOID VfDriverUnloading(PDRIVER_OBJECT DriverObject);
/* Its image goes now: rules about what is left behind. */
VOID VfDriverUnloaded(PDRIVER_OBJECT DriverObject);
/* The verified driver whose image holds the address; NULL: none. Unloaded ones are not found. */
PVF_DRIVER VfFindDriver(const VOID *Address);
/* A verified driver by its driver object; NULL: not verified. */
PVF_DRIVER VfFindDriverByObject(PDRIVER_OBJECT DriverObject);
/* Requests to this driver run verified code: it is verified itself, or a verified driver imports from it (a filter
 * manager's minifilters, a port driver's miniports). */
BOOLEAN VfIsDriverInvolved(PDRIVER_OBJECT DriverObject);
/* What a verified driver gets for the name of an export; NULL: the export itself. */
PVOID VfReplacementRoutine(const VOID *Caller, PCSTR Name);

/* report.c: DRIVER_VERIFIER_DETECTED_VIOLATION and its kin. */
DECLSPEC_NORETURN VOID VfReportIssue(ULONG Code, ULONG_PTR Parameter1, ULONG_PTR Parameter2,
                                     ULONG_PTR Parameter3, ULONG_PTR Parameter4);
static inline DECLSPEC_NORETURN VOID VerifierBugCheck(ULONG_PTR SubCode, ULONG_PTR Parameter2,
                                                      ULONG_PTR Parameter3, ULONG_PTR Parameter4)
{
    VfReportIssue(0xC4, SubCode, Parameter2, Parameter3, Parameter4);
}

/* region.c: notes for the report of a wrong APC disable count: the changes that nothing undid, and the critical-region
 * log. BlameLatest: the latest change is the culprit's, else the first. */
VOID VfNoteApcDisable(PKTHREAD Thread, BOOLEAN BlameLatest);

static inline DECLSPEC_NORETURN VOID VerifierIoBugCheck(ULONG_PTR SubCode, ULONG_PTR Parameter2,
                                                        ULONG_PTR Parameter3, ULONG_PTR Parameter4)
{
    VfReportIssue(0xC9, SubCode, Parameter2, Parameter3, Parameter4);
}

/* A thunk whose replacement has a name of its own. */
#define VFTHUNKTO(name, replacement, options)                                                      \
    __asm__(".section .rdata$vfthunk_m,\"dr\"\n"                                                   \
            "    .quad 77f, " #replacement "\n"                                                   \
            "    .long " VF_TEXT((options)) ", 0, 0, 0\n"                                          \
            "    .section .rdata,\"dr\"\n"                                                         \
            "77: .asciz \"" #name "\"\n"                                                           \
            "    .text\n");                                                                        \
    _Static_assert(sizeof(#name) > 1, "a thunk")

/* iocall.c: IoCallDriver when I/O verification looks on. */
typedef struct rd_call_driver_state IOV_CALL, *PIOV_CALL;
NTSTATUS FASTCALL IovCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp);
static inline BOOLEAN VfIsCallVerified(PDEVICE_OBJECT DeviceObject)
{
    return VfIsOptionEnabled(VF_OPTION_IO) && VfIsDriverInvolved(DeviceObject->DriverObject);
}
/* Something has happened to the callee of a call in progress. */
VOID VfNoteCallsOfLocation(PIRP Irp, PIO_STACK_LOCATION Location, NTSTATUS Status, BOOLEAN Marked);
VOID VfNoteForwarded(PIRP Irp);
VOID VfNoteCallsOfDevice(PDEVICE_OBJECT DeviceObject, ULONG Flags);
/* Does the running thread send this device an IRP of that kind at present? */
BOOLEAN VfIsIrpInCall(PIRP Irp);
BOOLEAN VfIsDeviceHandling(PDEVICE_OBJECT DeviceObject, UCHAR Major, UCHAR Minor);
DECLSPEC_NORETURN VOID VfBugCheckNoStackUsage(ULONG Code, ULONG_PTR Parameter1,
    ULONG_PTR Parameter2, ULONG_PTR Parameter3, ULONG_PTR Parameter4);
#define IOV_VIOLATION 0xC9

/* irplog.c: what was sent to a device; reports read it there. */
extern struct rd_irp_log VfIrpLog;
VOID VfLogIrp(ULONG64 Device, ULONG64 Irp, ULONG64 Caller, UCHAR Major, UCHAR Minor);

/* iocomplete.c: around a completion routine. */
NTSTATUS IovpLocalCompletionRoutine(PIO_COMPLETION_ROUTINE Routine, PDEVICE_OBJECT DeviceObject,
    PIRP Irp, PVOID Context);
/* pnp.c calls it behind an AddDevice that succeeded. */
VOID VfAfterAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDevice);

#endif
