/*
 * Processors as drivers ask about them: one group, one node, no affinity. A thread stays on the processor that it was
 * bound to when it was created; requests to move it are granted on paper.
 */
#include "guest/include/ki.h"

NTEXPORT(KeGetProcessorNumberFromIndex, ANY_LEVEL, "");
NTSTATUS NTAPI KeGetProcessorNumberFromIndex(ULONG ProcIndex, PPROCESSOR_NUMBER ProcNumber)
{
    if (ProcIndex >= KiActiveProcessors())
    {
        return STATUS_INVALID_PARAMETER;
    }
    ProcNumber->Group = 0;
    ProcNumber->Number = (UCHAR)ProcIndex;
    ProcNumber->Reserved = 0;
    return STATUS_SUCCESS;
}

NTEXPORT(KeGetProcessorIndexFromNumber, ANY_LEVEL, "");
ULONG NTAPI KeGetProcessorIndexFromNumber(PPROCESSOR_NUMBER ProcNumber)
{
    return ProcNumber->Group == 0 && ProcNumber->Number < KiActiveProcessors()
        ? ProcNumber->Number
        : INVALID_PROCESSOR_INDEX;
}

NTEXPORT(KeGetCurrentNodeNumber, ANY_LEVEL, "");
USHORT NTAPI KeGetCurrentNodeNumber(VOID)
{
    return 0;
}

NTEXPORT(KeQueryHighestNodeNumber, ANY_LEVEL, "");
USHORT NTAPI KeQueryHighestNodeNumber(VOID)
{
    return 0;
}

NTEXPORT(KeQueryMaximumGroupCount, ANY_LEVEL, "");
USHORT NTAPI KeQueryMaximumGroupCount(VOID)
{
    return 1;
}

NTEXPORT(KeQueryGroupAffinity, ANY_LEVEL, "");
KAFFINITY NTAPI KeQueryGroupAffinity(USHORT GroupNumber)
{
    return GroupNumber == 0 ? KeQueryActiveProcessors() : 0;
}

NTEXPORT(KeSetSystemGroupAffinityThread, APC_LEVEL, "");
VOID NTAPI KeSetSystemGroupAffinityThread(
    PGROUP_AFFINITY Affinity, PGROUP_AFFINITY PreviousAffinity)
{
    if (PreviousAffinity != NULL)
    {
        RtlZeroMemory(PreviousAffinity, sizeof(*PreviousAffinity));
    }
}

NTEXPORT(KeRevertToUserGroupAffinityThread, APC_LEVEL, "");
VOID NTAPI KeRevertToUserGroupAffinityThread(PGROUP_AFFINITY PreviousAffinity)
{
}

NTEXPORT(KeSetIdealProcessorThread, ANY_LEVEL, "thread");
UCHAR NTAPI KeSetIdealProcessorThread(PKTHREAD Thread, UCHAR Processor)
{
    return (UCHAR)Thread->Rd.cpu;
}

NTEXPORT(KeGetRecommendedSharedDataAlignment, ANY_LEVEL, "");
ULONG NTAPI KeGetRecommendedSharedDataAlignment(VOID)
{
    return 64;
}

/* Stacks are never paged out. */
NTEXPORT(KeSetKernelStackSwapEnable, PASSIVE_LEVEL, "");
BOOLEAN NTAPI KeSetKernelStackSwapEnable(BOOLEAN Enable)
{
    return TRUE;
}

/* Features of the processor that CPUID shows to the guest: SSE2, CMPXCHG16B, no more than the x64 base. */
NTEXPORT(ExIsProcessorFeaturePresent, ANY_LEVEL, "");
BOOLEAN NTAPI ExIsProcessorFeaturePresent(ULONG ProcessorFeature)
{
    switch (ProcessorFeature)
    {
    case PF_COMPARE_EXCHANGE_DOUBLE:
    case PF_MMX_INSTRUCTIONS_AVAILABLE:
    case PF_XMMI_INSTRUCTIONS_AVAILABLE:
    case PF_XMMI64_INSTRUCTIONS_AVAILABLE:
    case PF_RDTSC_INSTRUCTION_AVAILABLE:
    case PF_NX_ENABLED:
    case PF_COMPARE_EXCHANGE128:
        return TRUE;
    default:
        return FALSE;
    }
}

NTEXPORT(ExVerifySuite, PASSIVE_LEVEL, "");
BOOLEAN NTAPI ExVerifySuite(SUITE_TYPE SuiteType)
{
    return SuiteType == SingleUserTS;
}

NTEXPORT(KeRegisterNmiCallback, PASSIVE_LEVEL, "callback pool");
PVOID NTAPI KeRegisterNmiCallback(PNMI_CALLBACK CallbackRoutine, PVOID Context)
{
    /* There are no NMIs to call it for; the handle is what deregistration looks for. */
    return ExAllocatePoolWithTag(NonPagedPool, sizeof(PVOID), 'imNK');
}

NTEXPORT(KeDeregisterNmiCallback, PASSIVE_LEVEL, "callback pool");
NTSTATUS NTAPI KeDeregisterNmiCallback(PVOID Handle)
{
    ExFreePool(Handle);
    return STATUS_SUCCESS;
}

/* 64-bit callers of the APC interface are never WOW64 threads here. */
NTSTATUS NTAPI PsWrapApcWow64Thread(PVOID *ApcContext, PVOID *ApcRoutine);
NTEXPORT(PsWrapApcWow64Thread, APC_LEVEL, "");
NTSTATUS NTAPI PsWrapApcWow64Thread(PVOID *ApcContext, PVOID *ApcRoutine)
{
    return STATUS_SUCCESS;
}
