/*
 * The half of the verifier that looks after memory: whose a pool block is, what must not lie in memory that is freed
 * or unloaded, and which memory is pageable.
 *
 * None of its bookkeeping is a footprint. Whose block it is stands in the machine's pool records; initialised objects
 * stand in a table that only NOLOG code touches. Both are sound for one reason: an entry is made and taken away by code
 * of the driver that it is about, or by whoever writes the object's own memory, and both are ordered already with
 * the unload or the free that asks for it.
 */
#ifndef GUEST_VFMEM_H
#define GUEST_VFMEM_H

#include "guest/include/vf.h"

int __cdecl _snprintf(char *Buffer, size_t Count, const char *Format, ...); /* rtl/printf.c */

/* Sub-codes of 0xC4 that are ours: rules that Windows has no number for ("RD" in the upper half). */
enum
{
    VF_UNLOAD_WORK_ITEM = 0x52440001,
    VF_UNLOAD_NOTIFY_ROUTINE = 0x52440002,
    VF_UNLOAD_CALLBACK = 0x52440003,
    VF_UNLOAD_BUGCHECK_CALLBACK = 0x52440004,
    VF_UNLOAD_SYSTEM_THREAD = 0x52440005,
    VF_UNLOAD_APC = 0x52440006,
    VF_UNLOAD_REGISTRATION = 0x52440007,
    VF_FREE_APC = 0x52440008
};

/* track.c: objects that a driver has initialised and not deleted. */
enum
{
    VF_TRACK_RESOURCE = 1,
    VF_TRACK_LOOKASIDE,
    VF_TRACK_CALLBACK
};
typedef struct _VF_TRACKED
{
    ULONG64 Object; /* 0: the entry is free */
    ULONG64 Key;    /* the address that a range is asked about: the object, or the routine of a registration */
    ULONG64 Kind;
} VF_TRACKED;
VOID VfTrack(ULONG Kind, PVOID Object, PVOID Key);
BOOLEAN VfUntrack(ULONG Kind, PVOID Object);
BOOLEAN VfIsTracked(ULONG Kind, PVOID Object);
/* The lowest object whose key lies in [Start, End); NULL: none. */
PVOID VfFindTracked(ULONG Kind, ULONG64 Start, ULONG64 End);
PVOID VfTrackedKey(ULONG Kind, PVOID Object);

/* pool.c: the verified driver whose code holds Caller, without a footprint; NULL: none. */
PVF_DRIVER VfOwnerOf(PVOID Caller);
VOID VfCheckPoolAtUnload(PVF_DRIVER Driver);
/* The image is about to go: who allocates in it from here on is late (0xC4/0x61). */
VOID VfDriverDeleting(PDRIVER_OBJECT DriverObject);

/* residue.c */
VOID VfCheckFreedBlock(const struct rd_pool_record *Record);
VOID VfCheckUnloadedImage(PVF_DRIVER Driver);
/* The unload routine has returned. */
VOID VfCheckRegistrations(PDRIVER_OBJECT DriverObject);

/* paging.c: force IRQL checking. */
VOID VfTrimImage(PVF_DRIVER Driver);
BOOLEAN VfIsPageable(const volatile VOID *Address);

#endif
