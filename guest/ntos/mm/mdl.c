/*
 * MDLs. Memory has one mapping, at the address where it lies, so a "system address" is the buffer's own; what is
 * kept is the life cycle: built or locked, mapped, unmapped, unlocked once. Page frame numbers are those of the
 * addresses, which makes two MDLs of one buffer agree about them.
 */
#include "guest/include/mi.h"

#define RDBC_PFN_LIST_CORRUPT 0x4E

static PFN_NUMBER MiFrameOf(const VOID *Address)
{
    return (RD_ADDRESS(Address) & 0x0000FFFFFFFFFFFFull) >> PAGE_SHIFT;
}

static VOID MiFillFrames(PMDL Mdl)
{
    PPFN_NUMBER Frames = MmGetMdlPfnArray(Mdl);
    ULONG Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(Mdl), Mdl->ByteCount);
    ULONG Page;

    for (Page = 0; Page < Pages; Page++)
    {
        Frames[Page] = MiFrameOf((PUCHAR)Mdl->StartVa + Page * PAGE_SIZE);
    }
}

NTEXPORT(MmSizeOfMdl, ANY_LEVEL, "");
SIZE_T NTAPI MmSizeOfMdl(PVOID Base, SIZE_T Length)
{
    return sizeof(MDL) + sizeof(PFN_NUMBER) * ADDRESS_AND_SIZE_TO_SPAN_PAGES(Base, Length);
}

NTEXPORT(MmCreateMdl, DISPATCH_LEVEL, "mdl pool");
PMDL NTAPI MmCreateMdl(PMDL MemoryDescriptorList, PVOID Base, SIZE_T Length)
{
    if (MemoryDescriptorList == NULL)
    {
        MemoryDescriptorList =
            ExAllocatePoolWithTag(NonPagedPool, MmSizeOfMdl(Base, Length), 'ldmM');
    }
    if (MemoryDescriptorList != NULL)
    {
        MmInitializeMdl(MemoryDescriptorList, Base, Length);
    }
    return MemoryDescriptorList;
}

NTEXPORT(MmBuildMdlForNonPagedPool, DISPATCH_LEVEL, "mdl");
VOID NTAPI MmBuildMdlForNonPagedPool(PMDLX MemoryDescriptorList)
{
    MiFillFrames(MemoryDescriptorList);
    MemoryDescriptorList->MappedSystemVa = MmGetMdlVirtualAddress(MemoryDescriptorList);
    MemoryDescriptorList->Process = NULL;
    MemoryDescriptorList->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
}

NTEXPORT(MmProbeAndLockPages, DISPATCH_LEVEL, "mdl");
VOID NTAPI MmProbeAndLockPages(
    PMDLX MemoryDescriptorList, KPROCESSOR_MODE AccessMode, LOCK_OPERATION Operation)
{
    PUCHAR First = MmGetMdlVirtualAddress(MemoryDescriptorList);
    NTSTATUS Status = MiProbePages(First, MemoryDescriptorList->ByteCount, AccessMode);

    if (!NT_SUCCESS(Status))
    {
        ExRaiseStatus(Status);
    }
    MiFillFrames(MemoryDescriptorList);
    MemoryDescriptorList->Process =
        (LONG64)RD_ADDRESS(First) < 0 ? NULL : (PVOID)PsGetCurrentProcess();
    MemoryDescriptorList->MdlFlags |= MDL_PAGES_LOCKED;
    if (Operation != IoReadAccess)
    {
        MemoryDescriptorList->MdlFlags |= MDL_WRITE_OPERATION;
    }
}

NTEXPORT(MmProbeAndLockProcessPages, APC_LEVEL, "mdl");
VOID NTAPI MmProbeAndLockProcessPages(PMDL MemoryDescriptorList, PEPROCESS Process,
    KPROCESSOR_MODE AccessMode, LOCK_OPERATION Operation)
{
    MmProbeAndLockPages(MemoryDescriptorList, AccessMode, Operation);
}

NTEXPORT(MmUnlockPages, DISPATCH_LEVEL, "mdl");
VOID NTAPI MmUnlockPages(PMDLX MemoryDescriptorList)
{
    if (!(MemoryDescriptorList->MdlFlags & MDL_PAGES_LOCKED))
    {
        KeBugCheckEx(RDBC_PFN_LIST_CORRUPT, 7, MiFrameOf(MemoryDescriptorList->StartVa), 0, 0);
    }
    MemoryDescriptorList->MdlFlags &=
        ~(MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA | MDL_WRITE_OPERATION);
    MemoryDescriptorList->Process = NULL;
}

NTEXPORT(MmMapLockedPagesSpecifyCache, DISPATCH_LEVEL, "mdl");
PVOID NTAPI MmMapLockedPagesSpecifyCache(PMDLX MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
    MEMORY_CACHING_TYPE CacheType, PVOID BaseAddress, ULONG BugCheckOnFailure, MM_PAGE_PRIORITY Priority)
{
    PVOID Address = MmGetMdlVirtualAddress(MemoryDescriptorList);

    if (AccessMode == KernelMode)
    {
        MemoryDescriptorList->MappedSystemVa = Address;
        MemoryDescriptorList->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
    }
    return Address;
}

NTEXPORT(MmMapLockedPages, DISPATCH_LEVEL, "mdl");
PVOID NTAPI MmMapLockedPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode)
{
    return MmMapLockedPagesSpecifyCache(MemoryDescriptorList, AccessMode, MmCached, NULL, TRUE, 0);
}

NTEXPORT(MmUnmapLockedPages, DISPATCH_LEVEL, "mdl");
VOID NTAPI MmUnmapLockedPages(PVOID BaseAddress, PMDL MemoryDescriptorList)
{
    MemoryDescriptorList->MdlFlags &= ~(MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED);
}

NTEXPORT(MmProtectMdlSystemAddress, DISPATCH_LEVEL, "mdl");
NTSTATUS NTAPI MmProtectMdlSystemAddress(PMDL MemoryDescriptorList, ULONG NewProtect)
{
    return MemoryDescriptorList->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA ? STATUS_SUCCESS
                                                                    : STATUS_NOT_MAPPED_VIEW;
}

NTEXPORT(MmAdvanceMdl, DISPATCH_LEVEL, "mdl");
NTSTATUS NTAPI MmAdvanceMdl(PMDL Mdl, ULONG NumberOfBytes)
{
    PUCHAR Address = MmGetMdlVirtualAddress(Mdl);

    if (NumberOfBytes > Mdl->ByteCount)
    {
        return STATUS_INVALID_PARAMETER;
    }
    Address += NumberOfBytes;
    Mdl->StartVa = PAGE_ALIGN(Address);
    Mdl->ByteOffset = BYTE_OFFSET(Address);
    Mdl->ByteCount -= NumberOfBytes;
    MiFillFrames(Mdl);
    return STATUS_SUCCESS;
}

/* Pages without an address of the caller's choice: pool, described by an MDL. */

NTEXPORT(MmAllocatePagesForMdlEx, APC_LEVEL, "mdl pool");
PMDL NTAPI MmAllocatePagesForMdlEx(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
    PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes, MEMORY_CACHING_TYPE CacheType, ULONG Flags)
{
    SIZE_T Bytes = ROUND_TO_PAGES(TotalBytes);
    PVOID Pages;
    PMDL Mdl;

    if (Bytes == 0)
    {
        return NULL;
    }
    Pages = ExAllocatePoolWithTag(NonPagedPool, Bytes, 'dmlM');
    if (Pages == NULL)
    {
        return NULL;
    }
    Mdl = MmCreateMdl(NULL, Pages, Bytes);
    if (Mdl == NULL)
    {
        ExFreePool(Pages);
        return NULL;
    }
    MiFillFrames(Mdl);
    Mdl->MdlFlags |= MDL_PAGES_LOCKED;
    return Mdl;
}

NTEXPORT(MmAllocatePagesForMdl, APC_LEVEL, "mdl pool");
PMDL NTAPI MmAllocatePagesForMdl(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
    PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes)
{
    return MmAllocatePagesForMdlEx(LowAddress, HighAddress, SkipBytes, TotalBytes, MmCached, 0);
}

NTEXPORT(MmFreePagesFromMdl, APC_LEVEL, "mdl pool");
VOID NTAPI MmFreePagesFromMdl(PMDLX MemoryDescriptorList)
{
    ExFreePool(MemoryDescriptorList->StartVa);
    MemoryDescriptorList->MdlFlags &= ~MDL_PAGES_LOCKED;
}
