/*
 * What every kernel source includes: the DDK, told that this is the kernel itself, the hypercalls, and
 * the declarations of exported routines that the DDK headers leave out. A component's private matters
 * are in its own header (ki.h, exp.h, psp.h, mi.h; obp.h, iop.h, rtlp.h).
 */
#ifndef GUEST_NTOS_H
#define GUEST_NTOS_H

#define _NTOSKRNL_ 1
#define _NTSYSTEM_ 1
#define _NTHALDLL_ 1
#define _NTDRIVER_ 1

#include <stddef.h>
#include <stdint.h>

/* Ours: without it, excpt.h says that it comes from a DLL. */
#define __C_specific_handler __C_specific_handler_imported
#include <ntifs.h>
#undef __C_specific_handler

#include "guest/include/ntexport.h"
#include "guest/include/rd.h"

/* An exported variable: one line in front of its definition; tools/exports.sh reads it. */
#define NTEXPORTDATA(name) _Static_assert(sizeof(#name) > 1, "an exported variable")

#define OS_WIN8_OR_LATER (RdLoaderBlock->os >= RD_OS_WIN8)

/* Where the kernel's own image begins; the linker's. */
extern UCHAR __ImageBase;

/* Bugchecks that the DDK headers do not name. */
#define RDBC_APC_INDEX_MISMATCH 0x01
#define RDBC_INVALID_PROCESS_ATTACH_ATTEMPT 0x05
#define RDBC_INVALID_PROCESS_DETACH_ATTEMPT 0x06
#define RDBC_MAXIMUM_WAIT_OBJECTS_EXCEEDED 0x0C
#define RDBC_SPIN_LOCK_ALREADY_OWNED 0x0F
#define RDBC_SPIN_LOCK_NOT_OWNED 0x10
#define RDBC_REFERENCE_BY_POINTER 0x18
#define RDBC_KMODE_EXCEPTION_NOT_HANDLED 0x1E
#define RDBC_KERNEL_APC_PENDING_DURING_EXIT 0x20
#define RDBC_SYSTEM_EXIT_OWNED_MUTEX 0x39
#define RDBC_SYSTEM_SERVICE_EXCEPTION 0x3B
#define RDBC_IRQL_GT_ZERO_AT_SYSTEM_SERVICE 0x4A
#define RDBC_SYSTEM_THREAD_EXCEPTION_NOT_HANDLED 0x7E
#define RDBC_INVALID_WORK_QUEUE_ITEM 0x96
#define RDBC_ATTEMPTED_SWITCH_FROM_DPC 0xB8
#define RDBC_BAD_POOL_CALLER 0xC2
#define RDBC_IRQL_UNEXPECTED_VALUE 0xC8
#define RDBC_WORKER_THREAD_RETURNED_AT_BAD_IRQL 0xE1
#define RDBC_RESOURCE_NOT_OWNED 0xE3
#define RDBC_ACTIVE_EX_WORKER_THREAD_TERMINATION 0xE9
#define RDBC_KERNEL_SECURITY_CHECK_FAILURE 0x139
#define RDBC_THREAD_TERMINATE_HELD_MUTEX 0x4000008A

/* APCs (exported, in no DDK header). */
typedef enum _KAPC_ENVIRONMENT
{
    OriginalApcEnvironment,
    AttachedApcEnvironment,
    CurrentApcEnvironment,
    InsertApcEnvironment
} KAPC_ENVIRONMENT;

NTSYSAPI VOID NTAPI KeInitializeApc(PKAPC Apc, PKTHREAD Thread, KAPC_ENVIRONMENT Environment,
    PKKERNEL_ROUTINE KernelRoutine, PKRUNDOWN_ROUTINE RundownRoutine,
    PKNORMAL_ROUTINE NormalRoutine, KPROCESSOR_MODE ApcMode, PVOID NormalContext);
NTSYSAPI BOOLEAN NTAPI KeInsertQueueApc(
    PKAPC Apc, PVOID SystemArgument1, PVOID SystemArgument2, KPRIORITY Increment);
NTSYSAPI BOOLEAN NTAPI KeAlertThread(PKTHREAD Thread, KPROCESSOR_MODE AlertMode);
NTSYSAPI BOOLEAN NTAPI KeTestAlertThread(KPROCESSOR_MODE AlertMode);
NTSYSAPI VOID NTAPI KiCheckForKernelApcDelivery(VOID);

/* Object manager routines that the DDK headers leave out. */
NTSTATUS NTAPI ObCreateObject(KPROCESSOR_MODE ProbeMode, POBJECT_TYPE ObjectType,
    POBJECT_ATTRIBUTES ObjectAttributes, KPROCESSOR_MODE OwnershipMode, PVOID ParseContext,
    ULONG ObjectBodySize, ULONG PagedPoolCharge, ULONG NonPagedPoolCharge, PVOID *Object);

#endif
