/*
 * Force IRQL checking: pageable memory of verified drivers is resident below DISPATCH_LEVEL only. The pageable sections
 * of an image are those whose name begins with PAGE; the driver may lock them (MmLockPagableDataSection and its
 * kin). Pool is marked where it is allocated (pool.c); the machine's shadow does the rest.
 */
#include "guest/include/mi.h"
#include "guest/include/vfmem.h"

#include <ntimage.h>

#define VF_PAGED_POOL 1u

static ULONG64 VfSectionBytes(const IMAGE_SECTION_HEADER *Section)
{
    return (Section->Misc.VirtualSize + PAGE_SIZE - 1) & ~(ULONG64)(PAGE_SIZE - 1);
}

/* The next pageable section of the image, from number *Index on; NULL: no more. */
static const IMAGE_SECTION_HEADER *VfNextPageable(PUCHAR Base, PULONG Index)
{
    const IMAGE_NT_HEADERS64 *Headers =
        (PVOID)(Base + ((const IMAGE_DOS_HEADER *)Base)->e_lfanew);
    const IMAGE_SECTION_HEADER *Sections = IMAGE_FIRST_SECTION(Headers);

    while (*Index < Headers->FileHeader.NumberOfSections)
    {
        const IMAGE_SECTION_HEADER *Section = &Sections[(*Index)++];
        if (RtlCompareMemory(Section->Name, "PAGE", 4) == 4)
        {
            return Section;
        }
    }
    return NULL;
}

VOID VfTrimImage(PVF_DRIVER Driver)
{
    const IMAGE_SECTION_HEADER *Section;
    ULONG Index = 0;

    if (!(Driver->Flags & VF_OPTION_FORCE_IRQL))
    {
        return;
    }
    while ((Section = VfNextPageable(Driver->ImageBase, &Index)) != NULL)
    {
        RdMap(Driver->ImageBase + Section->VirtualAddress, VfSectionBytes(Section),
            RD_SHADOW_PAGED_IMAGE);
    }
}

static const IMAGE_SECTION_HEADER *VfPageableSectionAt(PVF_DRIVER Driver, ULONG64 Address)
{
    const IMAGE_SECTION_HEADER *Section;
    ULONG Index = 0;

    while ((Section = VfNextPageable(Driver->ImageBase, &Index)) != NULL)
    {
        ULONG64 Start = RD_ADDRESS(Driver->ImageBase) + Section->VirtualAddress;
        if (Address - Start < VfSectionBytes(Section))
        {
            return Section;
        }
    }
    return NULL;
}

BOOLEAN VfIsPageable(const volatile VOID *Address)
{
    PVF_DRIVER Driver = VfOwnerOf((PVOID)Address);
    struct rd_pool_record Record;

    if (Driver != NULL)
    {
        return VfPageableSectionAt(Driver, RD_ADDRESS(Address)) != NULL;
    }
    return RdPoolQuery(Address, &Record) && Record.type & VF_PAGED_POOL;
}

/* Sections that are locked, by number of locks. */
typedef struct _VF_LOCKED
{
    ULONG64 Start;
    ULONG Count;
} VF_LOCKED;
static VF_LOCKED VfLocked[64];

static VOID VfLockSection(PVOID Address, LONG Step)
{
    PVF_DRIVER Driver = VfOwnerOf(Address);
    const IMAGE_SECTION_HEADER *Section = NULL;
    VF_LOCKED *Entry = VfLocked;
    ULONG64 Start;

    if (Driver != NULL && Driver->Flags & VF_OPTION_FORCE_IRQL)
    {
        Section = VfPageableSectionAt(Driver, RD_ADDRESS(Address));
    }
    if (Section == NULL)
    {
        return;
    }
    Start = RD_ADDRESS(Driver->ImageBase) + Section->VirtualAddress;
    while (Entry->Start != Start && Entry->Start != 0)
    {
        Entry++;
        RD_KASSERT(Entry != VfLocked + RTL_NUMBER_OF(VfLocked));
    }
    Entry->Start = Start;
    if (Step < 0 && Entry->Count == 0)
    {
        return; /* unlocked once too often: Windows says nothing either */
    }
    Entry->Count += Step;
    if (Entry->Count == (Step > 0))
    {
        RdMap((PVOID)(ULONG_PTR)Start, VfSectionBytes(Section),
            Step > 0 ? RD_SHADOW_VALID : RD_SHADOW_PAGED_IMAGE);
    }
}

VFTHUNK(MmLockPagableDataSection, VF_OPTION_FORCE_IRQL);
__attribute__((noinline)) PVOID NTAPI VerifierMmLockPagableDataSection(PVOID AddressWithinSection)
{
    VfLockSection(AddressWithinSection, 1);
    return MmLockPagableDataSection(AddressWithinSection);
}

VFTHUNK(MmLockPagableSectionByHandle, VF_OPTION_FORCE_IRQL);
__attribute__((noinline)) VOID NTAPI VerifierMmLockPagableSectionByHandle(PVOID ImageSectionHandle)
{
    VfLockSection(ImageSectionHandle, 1);
    MmLockPagableSectionByHandle(ImageSectionHandle);
}

VFTHUNK(MmUnlockPagableImageSection, VF_OPTION_FORCE_IRQL);
__attribute__((noinline)) VOID NTAPI VerifierMmUnlockPagableImageSection(PVOID ImageSectionHandle)
{
    VfLockSection(ImageSectionHandle, -1);
    MmUnlockPagableImageSection(ImageSectionHandle);
}
