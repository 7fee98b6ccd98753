/*
 * Bugchecks by code: the name that WinDbg prints, what its parameters are, and the rule that a driver broke when the
 * guest kernel raises it. Names and parameters follow Microsoft's bug check code reference.
 */
#include <stdio.h>

#include "check/internal.h"

static const struct bugcheck_info table[] = {
    {0x01, "APC_INDEX_MISMATCH", "apc-disable-count",
     "a system call or work item returned with its APC disable count changed",
     {"The address of the system call function or worker routine", "The thread's ApcStateIndex",
      "The thread's combined APC disable count", "0: system call, 1: worker routine"}},
    {0x05, "INVALID_PROCESS_ATTACH_ATTEMPT", "attach-twice", "a thread attached to a process while attached", {0}},
    {0x0A, "IRQL_NOT_LESS_OR_EQUAL", "irql", "kernel code touched memory that is invalid at its IRQL",
     {"Memory referenced", "IRQL", "0: read, 1: write, 8: execute", "Address which referenced memory"}},
    {0x0F, "SPIN_LOCK_ALREADY_OWNED", "spin-lock-recursion", "a spin lock was acquired by its holder", {0}},
    {0x10, "SPIN_LOCK_NOT_OWNED", "spin-lock-not-owned", "a spin lock was released that nobody holds", {0}},
    {0x11, "THREAD_NOT_MUTEX_OWNER", "mutex-not-owned", "a mutex was released by a thread that does not own it", {0}},
    {0x18, "REFERENCE_BY_POINTER", "object-reference",
     "an object's reference count was taken below what its holders own",
     {"Object type", "Object", "Reserved", "Reserved"}},
    {0x19, "BAD_POOL_HEADER", "pool-header", "a pool block's header is damaged", {"Kind", 0, 0, 0}},
    {0x1E, "KMODE_EXCEPTION_NOT_HANDLED", "unhandled-exception", "kernel-mode code raised an exception that nobody handled",
     {"Exception code", "Address where it occurred", "Exception information 0", "Exception information 1"}},
    {0x20, "KERNEL_APC_PENDING_DURING_EXIT", "apc-disable-count-at-exit",
     "a thread exited with its APCs disabled or with a kernel APC still queued",
     {"The address of the APC found pending during exit", "The thread's APC disable count", "The current IRQL", ""}},
    {0x35, "NO_MORE_IRP_STACK_LOCATIONS", "irp-stack-locations", "an IRP was sent to a driver with no stack location left",
     {"Address of the IRP", "", "", ""}},
    {0x36, "DEVICE_REFERENCE_COUNT_NOT_ZERO", "device-references", "a device object was deleted while referenced",
     {"Address of the device object", "", "", ""}},
    {0x39, "SYSTEM_EXIT_OWNED_MUTEX", "mutex-at-exit", "a work item returned owning a mutex",
     {"The address of the worker routine", "The parameter", "The work item", ""}},
    {0x3B, "SYSTEM_SERVICE_EXCEPTION", "unhandled-exception", "an exception happened on the way of a system service",
     {"Exception code", "Address of the instruction", "Address of the context record", "0"}},
    {0x44, "MULTIPLE_IRP_COMPLETE_REQUESTS", "irp-completed-twice", "an IRP was completed a second time",
     {"Address of the IRP", "", "", ""}},
    {0x48, "CANCEL_STATE_IN_COMPLETED_IRP", "irp-cancel-state", "an IRP was completed with its cancel routine still set",
     {"Address of the IRP", "Cancel routine", "", ""}},
    {0x4A, "IRQL_GT_ZERO_AT_SYSTEM_SERVICE", "irql-at-system-service", "a system service returned above PASSIVE_LEVEL",
     {"Address of the system service", "IRQL", "0", "0"}},
    {0x50, "PAGE_FAULT_IN_NONPAGED_AREA", "invalid-address", "invalid system memory was referenced",
     {"Memory referenced", "0: read, 2: write, 0x10: execute", "Address which referenced memory", "0: freed, 2: not mapped"}},
    {0x7E, "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED", "unhandled-exception", "a system thread raised an exception that nobody handled",
     {"Exception code", "Address where it occurred", "Exception record", "Context record"}},
    {0x7F, "UNEXPECTED_KERNEL_MODE_TRAP", "kernel-stack-overflow", "the kernel stack overflowed",
     {"Trap number, 8: double fault", "Address referenced", "Instruction", ""}},
    {0x96, "INVALID_WORK_QUEUE_ITEM", "work-item-queued-twice", "a work item was queued while it was queued",
     {"Queue entry", "Queue", "", "Worker routine"}},
    {0xB8, "ATTEMPTED_SWITCH_FROM_DPC", "wait-in-dpc", "a DPC routine waited, attached or yielded",
     {"Original thread", "New thread", "Stack of the original thread", ""}},
    {0xBE, "ATTEMPTED_WRITE_TO_READONLY_MEMORY", "write-read-only", "read-only memory was written",
     {"Virtual address", "Page table entry", "", ""}},
    {0xC1, "SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION", "pool-corruption", "damage was found when a block was freed", {0}},
    {0xC2, "BAD_POOL_CALLER", "bad-pool-caller", "the pool was asked for something that it must refuse",
     {"Kind of violation, 7: freed twice", "", "", "Address of the block"}},
    {0xC4, "DRIVER_VERIFIER_DETECTED_VIOLATION", "driver-verifier", "Driver Verifier's rules were broken", {"Sub-code", 0, 0, 0}},
    {0xC7, "TIMER_OR_DPC_INVALID", "timer-or-dpc", "a timer or DPC outlived the memory it lives in", {0}},
    {0xC8, "IRQL_UNEXPECTED_VALUE", "irql-unexpected", "a routine returned at another IRQL than it was entered",
     {"Current IRQL << 16 | expected << 8 | kind", "Kind", "KAPC", "Normal routine"}},
    {0xC9, "DRIVER_VERIFIER_IOMANAGER_VIOLATION", "io-verifier", "Driver Verifier's I/O rules were broken", {"Sub-code", 0, 0, 0}},
    {0xCA, "PNP_DETECTED_FATAL_ERROR", "pnp-fatal", "the PnP manager met a device in an impossible state", {0}},
    {0xCC, "PAGE_FAULT_IN_FREED_SPECIAL_POOL", "use-after-free", "the system touched freed pool",
     {"Memory referenced", "0: read, 1: write", "Address which referenced memory", ""}},
    {0xCD, "PAGE_FAULT_BEYOND_END_OF_ALLOCATION", "pool-overrun", "the system touched memory beyond a pool block",
     {"Memory referenced", "0: read, 1: write", "Address which referenced memory", ""}},
    {0xCE, "DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS", "unloaded-image",
     "a driver was unloaded while something still referred to its image",
     {"Memory referenced", "0: read, 1: write, 8: execute", "Address which referenced memory", ""}},
    {0xD1, "DRIVER_IRQL_NOT_LESS_OR_EQUAL", "irql", "a driver touched memory that is invalid at its IRQL",
     {"Memory referenced", "IRQL", "0: read, 1: write, 8: execute", "Address which referenced memory"}},
    {0xD3, "DRIVER_PORTION_MUST_BE_NONPAGED", "pageable-memory", "a driver used its own pageable code or data at raised IRQL",
     {"Memory referenced", "IRQL", "0: read, 1: write, 8: execute", "Address which referenced memory"}},
    {0xD4, "SYSTEM_SCAN_AT_RAISED_IRQL_CAUGHT_IMPROPER_DRIVER_UNLOAD", "unloaded-image",
     "a driver was unloaded while something still referred to its image, at raised IRQL",
     {"Memory referenced", "IRQL", "0: read, 1: write, 8: execute", "Address which referenced memory"}},
    {0xD5, "DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL", "use-after-free", "a driver touched freed pool",
     {"Memory referenced", "0: read, 1: write", "Address which referenced memory", ""}},
    {0xD6, "DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION", "pool-overrun", "a driver touched memory beyond a pool block",
     {"Memory referenced", "0: read, 1: write", "Address which referenced memory", ""}},
    {0xDC, "DRIVER_INVALID_STACK_ACCESS", "stack-below-pointer", "memory below the stack pointer was touched",
     {"Memory referenced", "Stack pointer", "Address which referenced memory", ""}},
    {0xE1, "WORKER_THREAD_RETURNED_AT_BAD_IRQL", "irql-of-worker", "a work item returned at raised IRQL",
     {"Worker routine", "IRQL", "Parameter", "Work item"}},
    {0xE3, "RESOURCE_NOT_OWNED", "resource-not-owned", "an ERESOURCE was released by a thread that does not own it",
     {"Resource", "Thread", "Owner table", ""}},
    {0xE4, "WORKER_INVALID", "work-item", "a work item was freed or reused while queued", {"Kind", "Work item", 0, 0}},
    {0xE9, "ACTIVE_EX_WORKER_THREAD_TERMINATION", "worker-terminated", "a work item terminated its worker thread",
     {"Thread", "", "", ""}},
    {0xFC, "ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY", "execute-data", "memory that is not code was executed",
     {"Virtual address", "Page table entry", "", ""}},
    {0x11B, "DRIVER_RETURNED_HOLDING_CANCEL_LOCK", "cancel-lock-held", "a cancel routine returned holding the cancel spin lock",
     {"IRP", "Cancel routine", "", ""}},
    {0x139, "KERNEL_SECURITY_CHECK_FAILURE", "fast-fail", "a data structure failed its integrity check",
     {"Type of failure", "Trap frame", "Exception record", ""}},
    {0x16C, "INVALID_RUNDOWN_PROTECTION_FLAGS", "rundown-flags", "a rundown reference has invalid flags", {0}},
    {0x1F2, "KASAN_ILLEGAL_ACCESS", "illegal-access", "memory was touched that its shadow says is not valid",
     {"Address of the illegal access", "Size of the access", "Address of the instruction", "Shadow code; bit 8: a write"}},
    {0x4000008A, "THREAD_TERMINATE_HELD_MUTEX", "mutex-at-exit", "a thread terminated owning a mutex",
     {"Thread", "Mutex", "", ""}},
};

const struct bugcheck_info *bugcheck_find(uint32_t code)
{
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].code == code)
            return &table[i];
    static char name[32];
    static struct bugcheck_info unknown;
    snprintf(name, sizeof name, "BUGCHECK_%X", code);
    unknown = (struct bugcheck_info){code, name, "bugcheck", "the kernel stopped", {"", "", "", ""}};
    return &unknown;
}
