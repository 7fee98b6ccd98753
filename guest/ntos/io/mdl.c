/* Allocating and freeing MDLs. Locking and mapping them is the memory manager's part. */
#include "guest/include/iop.h"

#define IOP_MDL_TAG 0x206C644D /* 'Mdl ' */

NTEXPORT(IoAllocateMdl, DISPATCH_LEVEL, "mdl");
PMDL NTAPI IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer,
                         BOOLEAN ChargeQuota, PIRP Irp)
{
    ULONG Pages = (ULONG)ADDRESS_AND_SIZE_TO_SPAN_PAGES(VirtualAddress, Length);
    ULONG Size = sizeof(MDL) + Pages * sizeof(PFN_NUMBER);
    PMDL Mdl;

    if (Length >= 0x80000000u)
    {
        return NULL;
    }
    Mdl = ExAllocatePoolWithTag(NonPagedPool, Size, IOP_MDL_TAG);
    if (Mdl == NULL)
    {
        return NULL;
    }
    RtlZeroMemory(Mdl, Size);
    MmInitializeMdl(Mdl, VirtualAddress, Length);
    Mdl->MdlFlags = 0;
    if (Irp != NULL && !SecondaryBuffer)
    {
        Irp->MdlAddress = Mdl;
    }
    else if (Irp != NULL)
    {
        PMDL Last = Irp->MdlAddress;
        while (Last->Next != NULL)
        {
            Last = Last->Next;
        }
        Last->Next = Mdl;
    }
    return Mdl;
}

NTEXPORT(IoFreeMdl, DISPATCH_LEVEL, "mdl");
VOID NTAPI IoFreeMdl(PMDL Mdl)
{
    MmPrepareMdlForReuse(Mdl);
    ExFreePoolWithTag(Mdl, IOP_MDL_TAG);
}

NTEXPORT(IoBuildPartialMdl, DISPATCH_LEVEL, "mdl");
VOID NTAPI IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress, ULONG Length)
{
    PUCHAR Start = MmGetMdlVirtualAddress(SourceMdl), At = VirtualAddress;
    ULONG Offset = (ULONG)(At - Start);
    PPFN_NUMBER From, To;
    ULONG Pages;

    if (Length == 0)
    {
        Length = MmGetMdlByteCount(SourceMdl) - Offset;
    }
    if (At < Start || (ULONG64)Offset + Length > MmGetMdlByteCount(SourceMdl))
    {
        KeBugCheckEx(0x12E, (ULONG_PTR)SourceMdl, (ULONG_PTR)TargetMdl, (ULONG_PTR)VirtualAddress,
                     Length);
    }
    Pages = (ULONG)ADDRESS_AND_SIZE_TO_SPAN_PAGES(VirtualAddress, Length);
    TargetMdl->Process = SourceMdl->Process;
    TargetMdl->StartVa = PAGE_ALIGN(VirtualAddress);
    TargetMdl->ByteOffset = BYTE_OFFSET(VirtualAddress);
    TargetMdl->ByteCount = Length;
    TargetMdl->MdlFlags = (TargetMdl->MdlFlags & ~MDL_MAPPED_TO_SYSTEM_VA) | MDL_PARTIAL |
                          (SourceMdl->MdlFlags & MDL_IO_PAGE_READ);
    if (SourceMdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))
    {
        TargetMdl->MdlFlags |= MDL_PARENT_MAPPED_SYSTEM_VA;
        TargetMdl->MappedSystemVa = (PUCHAR)SourceMdl->MappedSystemVa + Offset;
    }
    From = MmGetMdlPfnArray(SourceMdl) +
           (((ULONG_PTR)TargetMdl->StartVa - (ULONG_PTR)SourceMdl->StartVa) >> PAGE_SHIFT);
    To = MmGetMdlPfnArray(TargetMdl);
    for (ULONG i = 0; i < Pages; i++)
    {
        To[i] = From[i];
    }
}
