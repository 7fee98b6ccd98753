/*
 * The two APC routines that the kernel exports but no kit declares, with the types they take.
 * Layout and order of arguments are those that public write-ups agree on; KAPC itself is in the
 * kits.
 */
#ifndef SAMPLE_APC_H
#define SAMPLE_APC_H

#include <ntifs.h>

typedef VOID NTAPI APC_NORMAL_ROUTINE(PVOID NormalContext, PVOID SystemArgument1,
                                      PVOID SystemArgument2);
typedef APC_NORMAL_ROUTINE *PAPC_NORMAL_ROUTINE;

typedef VOID NTAPI APC_KERNEL_ROUTINE(PKAPC Apc, PAPC_NORMAL_ROUTINE *NormalRoutine,
                                      PVOID *NormalContext, PVOID *SystemArgument1,
                                      PVOID *SystemArgument2);
typedef VOID NTAPI APC_RUNDOWN_ROUTINE(PKAPC Apc);

typedef enum _APC_ENVIRONMENT
{
    ApcOriginalEnvironment,
    ApcAttachedEnvironment,
    ApcCurrentEnvironment,
    ApcInsertEnvironment
} APC_ENVIRONMENT;

NTKERNELAPI
VOID NTAPI
KeInitializeApc(PKAPC Apc, PKTHREAD Thread, APC_ENVIRONMENT Environment,
                APC_KERNEL_ROUTINE *KernelRoutine, APC_RUNDOWN_ROUTINE *RundownRoutine,
                APC_NORMAL_ROUTINE *NormalRoutine, KPROCESSOR_MODE ApcMode, PVOID NormalContext);

NTKERNELAPI
BOOLEAN NTAPI
KeInsertQueueApc(PKAPC Apc, PVOID SystemArgument1, PVOID SystemArgument2, KPRIORITY Increment);

#endif
