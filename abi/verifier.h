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
    (RD_VF_SPECIAL_POOL | RD_VF_FORCE_IRQL | RD_VF_POOL_TRACKING | RD_VF_IO | RD_VF_MISC)

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

#endif
