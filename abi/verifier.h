/*
 * Driver Verifier as both worlds see it: the option bits with NT's own values (the kit's DRIVER_VERIFIER_*),
 * which of them are implemented, and the structures of its logs, which lie in the kernel image and which a
 * debugger reads there.
 */
#ifndef RD_ABI_VERIFIER_H
#define RD_ABI_VERIFIER_H

#include <stdint.h>

#define RD_VF_SPECIAL_POOL 0x1u
#define RD_VF_FORCE_IRQL 0x2u
#define RD_VF_LOW_RESOURCES 0x4u
#define RD_VF_POOL_TRACKING 0x8u
#define RD_VF_IO 0x10u
#define RD_VF_DEADLOCK 0x20u
#define RD_VF_ENHANCED_IO 0x40u
#define RD_VF_DMA 0x80u
#define RD_VF_SECURITY 0x100u
#define RD_VF_FORCE_PENDING 0x200u
#define RD_VF_IRP_LOGGING 0x400u
#define RD_VF_MISC 0x800u
#define RD_VF_DDI 0x20000u

/* What guest/ntos/vf does; every other bit is refused by name. */
#define RD_VF_IMPLEMENTED                                                                                   \
    (RD_VF_SPECIAL_POOL | RD_VF_FORCE_IRQL | RD_VF_POOL_TRACKING | RD_VF_IO |                               \
     RD_VF_IRP_LOGGING | RD_VF_MISC)

/* What `verifier /standard` sets. */
#define RD_VF_STANDARD_WIN7 0x9BBu
#define RD_VF_STANDARD_WIN8 0x209BBu

/* A routine that verified drivers get in place of an export: one entry of the kernel's thunk table. */
struct rd_thunk {
    uint64_t name;        /* NUL-terminated ASCII */
    uint64_t replacement;
    uint32_t options;     /* any of these bits turns it on; 0: always on for a verified driver */
    uint32_t reserved0;
    uint64_t reserved1;   /* 32 bytes: linkers align what each file brings to 16 */
};
_Static_assert(sizeof(struct rd_thunk) == 32, "ABI");

/*
 * The critical-region log of verified drivers (option 0x800): the kernel's variable VfCriticalRegionLog. Records are
 * written in order, record n at n % RD_VF_REGION_RECORDS. The first frame lies in nt!VerifierKeEnterCriticalRegion or
 * nt!VerifierKeLeaveCriticalRegion, the following are return addresses; 0 behind the last.
 */
#define RD_VF_REGION_RECORDS 128u
#define RD_VF_REGION_FRAMES 7u
struct rd_region_record {
    uint64_t thread; /* KTHREAD */
    uint64_t frames[RD_VF_REGION_FRAMES];
};
struct rd_region_log {
    uint64_t total; /* records ever written */
    struct rd_region_record records[RD_VF_REGION_RECORDS];
};

/*
 * The IRP log (option 0x400): the kernel's variable VfIrpLog. A ring a device, in the order in which the devices got their
 * first IRP; record n of a ring at n % RD_VF_IRP_RECORDS.
 */
#define RD_VF_IRP_DEVICES 16u
#define RD_VF_IRP_RECORDS 20u
struct rd_irp_record {
    uint64_t irp;
    uint64_t thread; /* KTHREAD that sent it */
    uint64_t caller; /* return address of IoCallDriver */
    uint8_t major, minor;
    uint8_t reserved[6];
};
struct rd_irp_ring {
    uint64_t device; /* 0: not used yet */
    uint64_t total;  /* records ever written */
    struct rd_irp_record records[RD_VF_IRP_RECORDS];
};
struct rd_irp_log {
    uint64_t dropped; /* IRPs to devices that found no ring left */
    struct rd_irp_ring devices[RD_VF_IRP_DEVICES];
};
_Static_assert(sizeof(struct rd_irp_record) == 32, "ABI");

/*
 * What I/O verification remembers of a call to a driver while it lasts (nt!IovCallDriver's local, the first argument of
 * nt!VfAfterCallDriver).
 */
struct rd_call_driver_state {
    uint64_t irp;
    uint64_t thread;
    uint64_t caller;           /* return address of IoCallDriver */
    uint64_t dispatch_routine;
    uint32_t apc_disable;      /* CombinedApcDisable before the call */
    uint8_t irql;
    uint8_t interrupts;        /* were enabled */
    uint8_t major, minor;
    uint64_t next, previous;   /* calls in progress */
    uint64_t location;         /* the callee's stack location */
    uint64_t user_event;       /* the IRP's, when it was set before the call */
    uint32_t flags;            /* RD_VF_CALL_* */
    int32_t completed_status;  /* with which the callee's location was completed */
    int32_t status;            /* what the dispatch routine returned */
    uint32_t reserved0;
    uint64_t reserved1[9];
    uint64_t device_object;    /* +0xa0 */
};
#define RD_VF_CALL_COMPLETED 1u /* completion has passed the callee's location */
#define RD_VF_CALL_MARKED 2u    /* ... which was marked pending */
#define RD_VF_CALL_FORWARDED 4u /* the callee sent the IRP on */
#define RD_VF_CALL_DETACHED 8u  /* the callee's device was detached from what is beneath it */
#define RD_VF_CALL_DELETED 16u  /* ... or deleted */
#define RD_VF_CALL_CALLEE 32u   /* the callee is verified */
_Static_assert(__builtin_offsetof(struct rd_call_driver_state, device_object) == 0xA0, "where a debugger looks");

#endif
