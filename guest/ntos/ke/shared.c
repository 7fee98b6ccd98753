/*
 * Variables that drivers read: the shared user data page at its fixed address, and the kernel's exported ones. The
 * page's times are those of boot and of the last clock interrupt, as on a machine whose ticks fall there.
 */
#include "guest/include/ki.h"

NTEXPORTDATA(KeTickCount);
volatile KSYSTEM_TIME KeTickCount;
NTEXPORTDATA(KeNumberProcessors);
volatile CCHAR KeNumberProcessors = 1;
NTEXPORTDATA(NtBuildNumber);
ULONG NtBuildNumber;
NTEXPORTDATA(InitSafeBootMode);
ULONG InitSafeBootMode;
NTEXPORTDATA(KdDebuggerEnabled);
BOOLEAN KdDebuggerEnabled = FALSE;
NTEXPORTDATA(KdDebuggerNotPresent);
BOOLEAN KdDebuggerNotPresent = TRUE;
NTEXPORTDATA(NtGlobalFlag);
ULONG NtGlobalFlag;

typedef struct _KI_OS
{
    ULONG Major, Minor, Build;
} KI_OS;

static const KI_OS KiOsTable[] = {
    [RD_OS_WIN7] = {6, 1, 7601},
    [RD_OS_WIN8] = {6, 2, 9200},
    [RD_OS_WIN10] = {10, 0, 19045},
};

static const KI_OS *KiOs(VOID)
{
    RD_KASSERT(RdLoaderBlock->os >= RD_OS_WIN7 && RdLoaderBlock->os <= RD_OS_WIN10);
    return &KiOsTable[RdLoaderBlock->os];
}

static VOID KiSetTime(volatile KSYSTEM_TIME *Target, ULONG64 Value)
{
    Target->High2Time = (LONG)(Value >> 32);
    Target->LowPart = (ULONG)Value;
    Target->High1Time = (LONG)(Value >> 32);
}

VOID KiUpdateSharedTime(VOID)
{
    KUSER_SHARED_DATA *Shared = (KUSER_SHARED_DATA *)(ULONG_PTR)RD_SHARED_DATA_BASE;
    ULONG64 Now = RdTime();

    KiSetTime(&Shared->SystemTime, (ULONG64)KiSystemTime());
    KiSetTime(&Shared->InterruptTime, Now);
    KiSetTime(&Shared->TickCount, Now / KI_TICK);
    KiSetTime(&KeTickCount, Now / KI_TICK);
}

VOID KiInitializeSharedData(VOID)
{
    KUSER_SHARED_DATA *Shared = (KUSER_SHARED_DATA *)(ULONG_PTR)RD_SHARED_DATA_BASE;

    RdMap(Shared, RD_SHARED_DATA_SIZE, RD_SHADOW_VALID);
    Shared->TickCountMultiplier = 0x0FA00000;
    Shared->NtMajorVersion = KiOs()->Major;
    Shared->NtMinorVersion = KiOs()->Minor;
    Shared->NtProductType = NtProductWinNt;
    Shared->ProductTypeIsValid = TRUE;
    NtBuildNumber = 0xF0000000 | KiOs()->Build;
    KeNumberProcessors = (CCHAR)KiActiveProcessors();
    KiUpdateSharedTime();
}

NTEXPORT(PsGetVersion, ANY_LEVEL, "");
BOOLEAN NTAPI PsGetVersion(
    PULONG MajorVersion, PULONG MinorVersion, PULONG BuildNumber, PUNICODE_STRING CSDVersion)
{
    if (MajorVersion != NULL)
    {
        *MajorVersion = KiOs()->Major;
    }
    if (MinorVersion != NULL)
    {
        *MinorVersion = KiOs()->Minor;
    }
    if (BuildNumber != NULL)
    {
        *BuildNumber = KiOs()->Build;
    }
    if (CSDVersion != NULL)
    {
        CSDVersion->Length = 0;
    }
    return FALSE;
}

NTEXPORT(RtlGetVersion, PASSIVE_LEVEL, "");
NTSTATUS NTAPI RtlGetVersion(PRTL_OSVERSIONINFOW VersionInformation)
{
    VersionInformation->dwMajorVersion = KiOs()->Major;
    VersionInformation->dwMinorVersion = KiOs()->Minor;
    VersionInformation->dwBuildNumber = KiOs()->Build;
    VersionInformation->dwPlatformId = 2;
    VersionInformation->szCSDVersion[0] = 0;
    return STATUS_SUCCESS;
}

/* Processors. */

NTEXPORT(KeQueryActiveProcessors, ANY_LEVEL, "");
KAFFINITY NTAPI KeQueryActiveProcessors(VOID)
{
    return (KAFFINITY)((1ull << KiActiveProcessors()) - 1);
}

NTEXPORT(KeQueryActiveProcessorCount, ANY_LEVEL, "");
ULONG NTAPI KeQueryActiveProcessorCount(PKAFFINITY ActiveProcessors)
{
    if (ActiveProcessors != NULL)
    {
        *ActiveProcessors = KeQueryActiveProcessors();
    }
    return KiActiveProcessors();
}

NTEXPORT(KeQueryActiveProcessorCountEx, ANY_LEVEL, "");
ULONG NTAPI KeQueryActiveProcessorCountEx(USHORT GroupNumber)
{
    return KiActiveProcessors();
}

NTEXPORT(KeQueryMaximumProcessorCount, ANY_LEVEL, "");
ULONG NTAPI KeQueryMaximumProcessorCount(VOID)
{
    return KiActiveProcessors();
}

NTEXPORT(KeQueryMaximumProcessorCountEx, ANY_LEVEL, "");
ULONG NTAPI KeQueryMaximumProcessorCountEx(USHORT GroupNumber)
{
    return KiActiveProcessors();
}

NTEXPORT(KeQueryActiveGroupCount, ANY_LEVEL, "");
USHORT NTAPI KeQueryActiveGroupCount(VOID)
{
    return 1;
}

NTEXPORT(KeGetCurrentProcessorNumberEx, ANY_LEVEL, "");
ULONG NTAPI KeGetCurrentProcessorNumberEx(PPROCESSOR_NUMBER ProcNumber)
{
    RdToldApart();
    ULONG Number = KiCurrentPrcb()->Number;

    if (ProcNumber != NULL)
    {
        ProcNumber->Group = 0;
        ProcNumber->Number = (UCHAR)Number;
        ProcNumber->Reserved = 0;
    }
    return Number;
}

/* A thread stays on the processor that it was bound to, and is told that its wish was granted. */
NTEXPORT(KeSetSystemAffinityThread, APC_LEVEL, "");
VOID NTAPI KeSetSystemAffinityThread(KAFFINITY Affinity)
{
}

NTEXPORT(KeSetSystemAffinityThreadEx, APC_LEVEL, "");
KAFFINITY NTAPI KeSetSystemAffinityThreadEx(KAFFINITY Affinity)
{
    return 0;
}

NTEXPORT(KeRevertToUserAffinityThread, APC_LEVEL, "");
VOID NTAPI KeRevertToUserAffinityThread(VOID)
{
}

NTEXPORT(KeRevertToUserAffinityThreadEx, APC_LEVEL, "");
VOID NTAPI KeRevertToUserAffinityThreadEx(KAFFINITY Affinity)
{
}

/* x64 kernels save floating point state lazily for the caller; the switch code here keeps all of it. */
NTEXPORT(KeSaveFloatingPointState, DISPATCH_LEVEL, "");
NTSTATUS NTAPI KeSaveFloatingPointState(PKFLOATING_SAVE FloatSave)
{
    return STATUS_SUCCESS;
}

NTEXPORT(KeRestoreFloatingPointState, DISPATCH_LEVEL, "");
NTSTATUS NTAPI KeRestoreFloatingPointState(PKFLOATING_SAVE FloatSave)
{
    return STATUS_SUCCESS;
}

/* Stacks do not grow: the routine runs on the present one, or not at all when it would not fit. */
NTEXPORT(KeExpandKernelStackAndCallout, DISPATCH_LEVEL, "");
NTSTATUS NTAPI KeExpandKernelStackAndCallout(
    PEXPAND_STACK_CALLOUT Callout, PVOID Parameter, SIZE_T Size)
{
    ULONG_PTR Left = (ULONG_PTR)__builtin_frame_address(0)
        - (ULONG_PTR)KiCurrentThread()->StackLimit;

    if (Size > Left)
    {
        return STATUS_NO_MEMORY;
    }
    Callout(Parameter);
    return STATUS_SUCCESS;
}

NTEXPORT(IoGetInitialStack, ANY_LEVEL, "");
PVOID NTAPI IoGetInitialStack(VOID)
{
    return KiCurrentThread()->InitialStack;
}

NTEXPORT(IoGetStackLimits, ANY_LEVEL, "");
VOID NTAPI IoGetStackLimits(PULONG_PTR LowLimit, PULONG_PTR HighLimit)
{
    *LowLimit = (ULONG_PTR)KiCurrentThread()->StackLimit;
    *HighLimit = (ULONG_PTR)KiCurrentThread()->InitialStack;
}
