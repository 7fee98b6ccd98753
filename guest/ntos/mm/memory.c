/*
 * Address queries, contiguous memory, and the calls that on a machine with paging would change what is
 * resident: everything is, always.
 */
#include "guest/include/mi.h"

NTEXPORTDATA(MmHighestUserAddress);
PVOID MmHighestUserAddress = (PVOID)0x000007FFFFFEFFFFull;
NTEXPORTDATA(MmSystemRangeStart);
PVOID MmSystemRangeStart = (PVOID)0xFFFF080000000000ull;
NTEXPORTDATA(MmUserProbeAddress);
ULONG64 MmUserProbeAddress = 0x000007FFFFFF0000ull;
NTEXPORTDATA(MmBadPointer);
PVOID MmBadPointer;
NTEXPORTDATA(Mm64BitPhysicalAddress);
BOOLEAN Mm64BitPhysicalAddress = TRUE;

typedef struct _MI_RANGE
{
    ULONG64 Base;
    ULONG64 Size;
} MI_RANGE;

static const MI_RANGE MiRanges[] = {
    {RD_SHARED_DATA_BASE, RD_SHARED_DATA_SIZE},
    {RD_IMAGE_BASE, RD_IMAGE_SIZE},
    {RD_SYSTEM_BASE, RD_SYSTEM_SIZE},
    {RD_POOL_BASE, RD_POOL_SIZE},
    {RD_USER_BASE, RD_USER_SIZE},
};

BOOLEAN MmInitSystem(VOID)
{
    MmBadPointer = (PVOID)(ULONG_PTR)0x1000;
    return TRUE;
}

/* As with the real one, TRUE does not mean that the access would be right: freed pool is mapped. */
NTEXPORT(MmIsAddressValid, DISPATCH_LEVEL, "");
BOOLEAN NTAPI MmIsAddressValid(PVOID VirtualAddress)
{
    ULONG64 Address = RD_ADDRESS(VirtualAddress);
    ULONG Range;

    for (Range = 0; Range < RTL_NUMBER_OF(MiRanges); Range++)
    {
        if (Address - MiRanges[Range].Base < MiRanges[Range].Size)
        {
            return TRUE;
        }
    }
    return FALSE;
}

NTEXPORT(MmIsNonPagedSystemAddressValid, DISPATCH_LEVEL, "");
BOOLEAN NTAPI MmIsNonPagedSystemAddressValid(PVOID VirtualAddress)
{
    return (LONG64)RD_ADDRESS(VirtualAddress) < 0 && MmIsAddressValid(VirtualAddress);
}

/* Physical addresses are the low 48 bits of virtual ones. */
NTEXPORT(MmGetPhysicalAddress, ANY_LEVEL, "");
PHYSICAL_ADDRESS NTAPI MmGetPhysicalAddress(PVOID BaseAddress)
{
    PHYSICAL_ADDRESS Physical;

    Physical.QuadPart = (LONG64)(RD_ADDRESS(BaseAddress) & 0x0000FFFFFFFFFFFFull);
    return Physical;
}

NTEXPORT(MmGetVirtualForPhysical, ANY_LEVEL, "");
PVOID NTAPI MmGetVirtualForPhysical(PHYSICAL_ADDRESS PhysicalAddress)
{
    return (PVOID)(ULONG_PTR)((PhysicalAddress.QuadPart << 16) >> 16);
}

static PVOID MiAllocateContiguous(SIZE_T Bytes)
{
    return ExAllocatePoolWithTag(NonPagedPool, ROUND_TO_PAGES(Bytes), 'gtCM');
}

NTEXPORT(MmAllocateContiguousMemory, DISPATCH_LEVEL, "pool");
PVOID NTAPI MmAllocateContiguousMemory(
    SIZE_T NumberOfBytes, PHYSICAL_ADDRESS HighestAcceptableAddress)
{
    return MiAllocateContiguous(NumberOfBytes);
}

NTEXPORT(MmAllocateContiguousMemorySpecifyCache, DISPATCH_LEVEL, "pool");
PVOID NTAPI MmAllocateContiguousMemorySpecifyCache(SIZE_T NumberOfBytes,
    PHYSICAL_ADDRESS LowestAcceptableAddress, PHYSICAL_ADDRESS HighestAcceptableAddress,
    PHYSICAL_ADDRESS BoundaryAddressMultiple, MEMORY_CACHING_TYPE CacheType)
{
    return MiAllocateContiguous(NumberOfBytes);
}

NTEXPORT(MmAllocateContiguousMemorySpecifyCacheNode, DISPATCH_LEVEL, "pool");
PVOID NTAPI MmAllocateContiguousMemorySpecifyCacheNode(SIZE_T NumberOfBytes,
    PHYSICAL_ADDRESS LowestAcceptableAddress, PHYSICAL_ADDRESS HighestAcceptableAddress,
    PHYSICAL_ADDRESS BoundaryAddressMultiple, MEMORY_CACHING_TYPE CacheType, NODE_REQUIREMENT Node)
{
    return MiAllocateContiguous(NumberOfBytes);
}

NTEXPORT(MmFreeContiguousMemory, DISPATCH_LEVEL, "pool");
VOID NTAPI MmFreeContiguousMemory(PVOID BaseAddress)
{
    ExFreePool(BaseAddress);
}

NTEXPORT(MmFreeContiguousMemorySpecifyCache, DISPATCH_LEVEL, "pool");
VOID NTAPI MmFreeContiguousMemorySpecifyCache(
    PVOID BaseAddress, SIZE_T NumberOfBytes, MEMORY_CACHING_TYPE CacheType)
{
    ExFreePool(BaseAddress);
}

NTEXPORT(MmAllocateNonCachedMemory, APC_LEVEL, "pool");
PVOID NTAPI MmAllocateNonCachedMemory(SIZE_T NumberOfBytes)
{
    return MiAllocateContiguous(NumberOfBytes);
}

NTEXPORT(MmFreeNonCachedMemory, APC_LEVEL, "pool");
VOID NTAPI MmFreeNonCachedMemory(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
    ExFreePool(BaseAddress);
}

/* Pageable sections. The handle is the address. */

NTEXPORT(MmLockPagableDataSection, APC_LEVEL, "");
PVOID NTAPI MmLockPagableDataSection(PVOID AddressWithinSection)
{
    return AddressWithinSection;
}

NTEXPORT(MmLockPagableSectionByHandle, APC_LEVEL, "");
VOID NTAPI MmLockPagableSectionByHandle(PVOID ImageSectionHandle)
{
}

NTEXPORT(MmUnlockPagableImageSection, APC_LEVEL, "");
VOID NTAPI MmUnlockPagableImageSection(PVOID ImageSectionHandle)
{
}

NTEXPORT(MmPageEntireDriver, APC_LEVEL, "");
PVOID NTAPI MmPageEntireDriver(PVOID AddressWithinSection)
{
    return AddressWithinSection;
}

NTEXPORT(MmResetDriverPaging, APC_LEVEL, "");
VOID NTAPI MmResetDriverPaging(PVOID AddressWithinSection)
{
}

/* Facts about the system. */

NTEXPORT(MmQuerySystemSize, ANY_LEVEL, "");
MM_SYSTEMSIZE NTAPI MmQuerySystemSize(VOID)
{
    return MmLargeSystem;
}

NTEXPORT(MmIsThisAnNtAsSystem, ANY_LEVEL, "");
BOOLEAN NTAPI MmIsThisAnNtAsSystem(VOID)
{
    return FALSE;
}

/* There is no device memory: as when the system is out of page table entries. */
NTEXPORT(MmMapIoSpace, DISPATCH_LEVEL, "");
PVOID NTAPI MmMapIoSpace(
    PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes, MEMORY_CACHING_TYPE CacheType)
{
    return NULL;
}

NTEXPORT(MmUnmapIoSpace, DISPATCH_LEVEL, "");
VOID NTAPI MmUnmapIoSpace(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
    KeBugCheckEx(0x1A, 0, RD_ADDRESS(BaseAddress), NumberOfBytes, 0);
}
