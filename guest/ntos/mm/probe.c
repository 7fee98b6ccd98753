/*
 * Buffers of user programs: probing raises, as documented, and touches what the caller says it will use.
 */
#include "guest/include/mi.h"
#include "guest/include/seh.h"

/* Misalignment comes first; an empty buffer may lie anywhere. */
static VOID MiProbeRange(const volatile VOID *Address, SIZE_T Length, ULONG Alignment)
{
    ULONG64 Start = RD_ADDRESS(Address);

    if (Start & (Alignment - 1))
    {
        ExRaiseDatatypeMisalignment();
    }
    if (Start + Length < Start || Start + Length > MmUserProbeAddress)
    {
        ExRaiseAccessViolation();
    }
}

NTEXPORT(ProbeForRead, APC_LEVEL, "");
VOID NTAPI ProbeForRead(CONST VOID *Address, SIZE_T Length, ULONG Alignment)
{
    if (Length != 0)
    {
        MiProbeRange(Address, Length, Alignment);
    }
}

NTEXPORT(ProbeForWrite, APC_LEVEL, "");
VOID NTAPI ProbeForWrite(PVOID Address, SIZE_T Length, ULONG Alignment)
{
    ULONG64 Start = RD_ADDRESS(Address);
    ULONG64 Page;

    if (Length == 0)
    {
        return;
    }
    MiProbeRange(Address, Length, Alignment);
    /* Every page is written with what it holds: one that is not there, or not writable, faults here. */
    for (Page = Start; Page < Start + Length; Page = (Page & ~(ULONG64)(PAGE_SIZE - 1)) + PAGE_SIZE)
    {
        volatile CHAR *Byte = (volatile CHAR *)(ULONG_PTR)Page;
        *Byte = *Byte;
    }
}

NTSTATUS MiProbePages(PVOID Start, SIZE_T Bytes, KPROCESSOR_MODE AccessMode)
{
    ULONG64 First = RD_ADDRESS(Start);
    ULONG64 Page;
    UCHAR Byte;

    if ((LONG64)First < 0)
    {
        return AccessMode == KernelMode ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION;
    }
    if (AccessMode != KernelMode && (First + Bytes < First || First + Bytes > MmUserProbeAddress))
    {
        return STATUS_ACCESS_VIOLATION;
    }
    for (Page = First; Page < First + Bytes; Page = (Page & ~(ULONG64)(PAGE_SIZE - 1)) + PAGE_SIZE)
    {
        NTSTATUS Status = KiCopyGuarded(&Byte, (PVOID)(ULONG_PTR)Page, 1);
        if (!NT_SUCCESS(Status))
        {
            return Status;
        }
    }
    return STATUS_SUCCESS;
}
