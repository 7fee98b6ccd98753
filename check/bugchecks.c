/*
 * The table of bugchecks. A code with cases gives its parameters the meaning that its first one selects; where that is
 * unknown the table's own texts stand.
 */
#include "check/bugchecks.h"

#include <inttypes.h>
#include <stdio.h>

#define READ_WRITE "0: read, 1: write"
#define READ_WRITE_EXECUTE "0: read, 1: write, 8: execute"
#define REFERENCED "Memory referenced"
#define BY "Address which referenced memory"
#define ITEM {"Worker routine", "Value found", "Parameter", "Work item"}

static const struct bugcheck_info table[] = {
    {0x01, "APC_INDEX_MISMATCH", "apc-disable-count", "a system call or work item returned with its APC disable count changed",
     "Calls that disable APCs and calls that enable them come in pairs. A system call or a worker\n"
     "routine returned to the kernel with one of them missing, or attached to another process.",
     {"The address of the system call function or worker routine", "The thread's ApcStateIndex",
      "The thread's combined APC disable count", "0: system call, 1: worker routine"}},
    {0x02, "DEVICE_QUEUE_NOT_BUSY", "device-queue", "a device queue is not in the state that the call needs", NULL, {0}},
    {0x05, "INVALID_PROCESS_ATTACH_ATTEMPT", "attach-twice", "a thread attached to a process while attached, or did not detach",
     NULL, {"Target or original process", "Process attached to", "The thread's ApcStateIndex", "Not 0: a DPC routine is running"}},
    {0x06, "INVALID_PROCESS_DETACH_ATTEMPT", "detach-unbalanced", "a thread detached from a process that it is not attached to", NULL, {0}},
    {0x07, "INVALID_SOFTWARE_INTERRUPT", "irql", "a software interrupt of an impossible level was asked for", NULL, {0}},
    {0x08, "IRQL_NOT_DISPATCH_LEVEL", "irql", "the IRQL is not DISPATCH_LEVEL where it must be", NULL, {0}},
    {0x09, "IRQL_NOT_GREATER_OR_EQUAL", "irql", "the IRQL is lower than it must be", NULL, {0}},
    {0x0A, "IRQL_NOT_LESS_OR_EQUAL", "irql", "kernel code touched memory that is invalid at its IRQL",
     "The kernel touched memory that is invalid, or that may be paged out, while the IRQL was too high for\n"
     "a page fault. Usually a driver gave it a bad pointer.",
     {REFERENCED, "IRQL", READ_WRITE_EXECUTE, BY}},
    {0x0C, "MAXIMUM_WAIT_OBJECTS_EXCEEDED", "wait-objects", "a thread waits for more objects than it may", NULL, {0}},
    {0x0D, "MUTEX_LEVEL_NUMBER_VIOLATION", "mutex-level", "mutexes were acquired against the order of their levels", NULL, {0}},
    {0x0F, "SPIN_LOCK_ALREADY_OWNED", "spin-lock-recursion", "a spin lock was acquired by its holder",
     "A processor that holds a spin lock asked for it again. It would have waited for itself for ever.",
     {"Address of the spin lock"}},
    {0x10, "SPIN_LOCK_NOT_OWNED", "spin-lock-not-owned", "a spin lock was released that nobody holds", NULL, {"Address of the spin lock"}},
    {0x11, "THREAD_NOT_MUTEX_OWNER", "mutex-not-owned", "a mutex was released by a thread that does not own it", NULL, {0}},
    {0x18, "REFERENCE_BY_POINTER", "object-reference", "an object's reference count was taken below what its holders own",
     "Every reference belongs to somebody who dereferences once. An object was dereferenced once more than\n"
     "it had been referenced, or it fell to zero while handles to it are open.",
     {"Object type", "Object", NULL, NULL}},
    {0x19, "BAD_POOL_HEADER", "pool-header", "a pool block's header is damaged",
     "The records around a pool block are damaged; the write that did it came earlier.", {"Kind", "Varies", "Varies", "Varies"}, &bugcheck_19},
    {0x1A, "MEMORY_MANAGEMENT", "memory-management", "the memory manager met a state that must not be", NULL,
     {"Kind", "Varies", "Varies", "Varies"}},
    {0x1E, "KMODE_EXCEPTION_NOT_HANDLED", "unhandled-exception", "kernel-mode code raised an exception that nobody handled",
     "An exception was raised in kernel mode, and no handler on the stack wanted it.",
     {"Exception code", "Address where it occurred", "Exception information 0", "Exception information 1"}},
    {0x20, "KERNEL_APC_PENDING_DURING_EXIT", "apc-disable-count-at-exit",
     "a thread exited with its APCs disabled or with a kernel APC still queued",
     "The APC disable count is what to look at: whoever disables APCs (KeEnterCriticalRegion, a mutex, the\n"
     "file system's entry) enables them again before the thread ends, and then it is zero. The stack shows\n"
     "the thread's ordinary end; the call without a partner came earlier.",
     {"The address of the APC found pending during exit.", "The thread's APC disable count", "The current IRQL", NULL}},
    {0x2A, "INCONSISTENT_IRP", "irp-state", "an IRP has fields that do not fit together", NULL, {"Address of the IRP"}},
    {0x35, "NO_MORE_IRP_STACK_LOCATIONS", "irp-stack-locations", "an IRP was sent to a driver with no stack location left",
     "An IRP has a stack location for each driver that it was made for. It was passed to one more: it was\n"
     "made for a smaller stack, or passed along the same way twice.", {"Address of the IRP"}},
    {0x36, "DEVICE_REFERENCE_COUNT_NOT_ZERO", "device-references", "a device object was deleted while referenced", NULL,
     {"Address of the device object"}},
    {0x39, "SYSTEM_EXIT_OWNED_MUTEX", "mutex-at-exit", "a work item returned owning a mutex", NULL,
     {"The address of the worker routine", "The parameter", "The work item"}},
    {0x3B, "SYSTEM_SERVICE_EXCEPTION", "unhandled-exception", "an exception happened on the way of a system service",
     "A thread that had come from user mode into the kernel raised an exception there that nobody handled.",
     {"Exception code", "Address of the instruction", "Address of the context record", NULL}},
    {0x44, "MULTIPLE_IRP_COMPLETE_REQUESTS", "irp-completed-twice", "an IRP was completed a second time",
     "IoCompleteRequest was called for an IRP that had been completed. Typically two drivers, or two\n"
     "routines of one, both believe that the IRP is theirs.", {"Address of the IRP"}},
    {0x48, "CANCEL_STATE_IN_COMPLETED_IRP", "irp-cancel-state", "an IRP was completed with its cancel routine still set", NULL,
     {"Address of the IRP", "Cancel routine"}},
    {0x49, "PAGE_FAULT_WITH_INTERRUPTS_OFF", "irql", "a page fault happened with interrupts disabled", NULL, {0}},
    {0x4A, "IRQL_GT_ZERO_AT_SYSTEM_SERVICE", "irql-at-system-service", "a system service returned above PASSIVE_LEVEL", NULL,
     {"Address of the system service", "IRQL", NULL, NULL}},
    {0x4E, "PFN_LIST_CORRUPT", "page-frames", "the records of physical pages are damaged",
     "A page was unlocked or freed once more than it had been locked; usually one MDL was used twice.",
     {"Kind", "Varies", "Varies", "Varies"}, &bugcheck_4e},
    {0x50, "PAGE_FAULT_IN_NONPAGED_AREA", "invalid-address", "invalid system memory was referenced",
     "A system address was touched where there is no memory. The pointer is bad, or what it points to has\n"
     "been freed.",
     {REFERENCED, "0: read, 2: write, 0x10: execute", BY,
      "0: freed, 2: not mapped, 4: not canonical, 0xF: user address"}},
    {0x76, "PROCESS_HAS_LOCKED_PAGES", "locked-pages", "a process ended with pages locked for I/O", NULL,
     {NULL, "Process", "Pages locked", "Varies"}},
    {0x7E, "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED", "unhandled-exception", "a system thread raised an exception that nobody handled",
     "A thread of the system raised an exception, and no handler on its stack wanted it. The address of the\n"
     "exception is the one to look at; the present stack is that of the handling.",
     {"The exception code that was not handled", "The address that the exception occurred at", "Exception Record Address",
      "Context Record Address"}},
    {0x7F, "UNEXPECTED_KERNEL_MODE_TRAP", "kernel-stack-overflow", "the processor raised a trap that kernel code must not cause",
     "A trap that the kernel cannot handle. Number 8, the double fault, mostly means that a kernel stack\n"
     "has run out.", {"Trap number, 8: double fault", "Varies", "Varies", "Varies"}},
    {0x8E, "KERNEL_MODE_EXCEPTION_NOT_HANDLED", "unhandled-exception", "kernel-mode code raised an exception that nobody handled", NULL,
     {"Exception code", "Address where it occurred", "Trap frame", NULL}},
    {0x93, "INVALID_KERNEL_HANDLE", "bad-handle", "a handle was closed or used that is not open",
     NULL, {"The handle", "0, or the handle table", NULL, "0: NtClose of a bad or protected handle, 1: use of a bad handle"}},
    {0x94, "KERNEL_STACK_LOCKED_AT_EXIT", "stack-locked", "a thread exited with its kernel stack locked in memory", NULL, {0}},
    {0x96, "INVALID_WORK_QUEUE_ITEM", "work-item-queued-twice", "a work item was queued while it was queued", NULL,
     {"Queue entry", "Queue", "Table of queues", "Worker routine"}},
    {0x9F, "DRIVER_POWER_STATE_FAILURE", "power-state", "a driver is in an inconsistent power state", NULL,
     {"Kind", "Varies", "Varies", "Varies"}, &bugcheck_9f},
    {0xB8, "ATTEMPTED_SWITCH_FROM_DPC", "wait-in-dpc", "a DPC routine waited, attached or yielded",
     "A DPC routine borrows whatever thread is running; a wait in it would hang that thread. DPC routines\n"
     "do not wait.", {"Original thread", "New thread", "Stack of the original thread", NULL}},
    {0xBE, "ATTEMPTED_WRITE_TO_READONLY_MEMORY", "write-read-only", "read-only memory was written", NULL,
     {"Virtual address", "Page table entry", NULL, NULL}},
    {0xC1, "SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION", "pool-corruption", "damage was found when a block was freed", NULL,
     {"Address that was freed", "Varies", "Varies", "Kind"}, &bugcheck_c1, 3},
    {0xC2, "BAD_POOL_CALLER", "bad-pool-caller", "the pool was asked for something that it must refuse",
     "The current thread made a request that the pool cannot serve: at a wrong IRQL, twice for one block,\n"
     "or for an address that is no block.", {"Kind", "Varies", "Varies", "Varies"}, &bugcheck_c2},
    {0xC4, "DRIVER_VERIFIER_DETECTED_VIOLATION", "driver-verifier", "Driver Verifier's rules were broken",
     "Driver Verifier watches the drivers that it was told to, and one of them broke a rule. The stop comes\n"
     "where the rule was broken and not where the damage would have shown.",
     {"Sub-code", "Varies", "Varies", "Varies"}, &bugcheck_c4},
    {0xC5, "DRIVER_CORRUPTED_EXPOOL", "pool-corruption", "the pool is corrupt, and touching it at raised IRQL failed", NULL,
     {REFERENCED, "IRQL", READ_WRITE, BY}},
    {0xC6, "DRIVER_CAUGHT_MODIFYING_FREED_POOL", "use-after-free", "a driver wrote to freed pool", NULL,
     {REFERENCED, READ_WRITE, "0: kernel mode, 1: user mode", NULL}},
    {0xC7, "TIMER_OR_DPC_INVALID", "timer-or-dpc", "a timer or DPC outlived the memory it lives in",
     "A timer or a DPC that the system still holds lies in memory that has been freed or unloaded, or a DPC\n"
     "routine left its thread in another state than it had found.",
     {"Kind", "Varies", "Varies", "Varies"}, &bugcheck_c7},
    {0xC8, "IRQL_UNEXPECTED_VALUE", "irql-unexpected", "a routine returned at another IRQL than it was entered", NULL,
     {"Current IRQL << 16 | expected IRQL << 8 | kind", "Kind, 0 and 1: APC routine, 2: callout, 3: interrupt service routine",
      "KAPC, callout parameter or KINTERRUPT", "Normal routine of the APC"}},
    {0xC9, "DRIVER_VERIFIER_IOMANAGER_VIOLATION", "io-verifier", "Driver Verifier's I/O rules were broken",
     "The I/O verifier follows requests through the drivers that it was told to watch. One of them was sent,\n"
     "passed on or completed against the rules.",
     {"Sub-code", "Varies", "Varies", "Varies"}, &bugcheck_c9},
    {0xCA, "PNP_DETECTED_FATAL_ERROR", "pnp-fatal", "the PnP manager met a device in an impossible state", NULL,
     {"Kind", "Varies", "Varies", "Varies"}, &bugcheck_ca},
    {0xCB, "DRIVER_LEFT_LOCKED_PAGES_IN_PROCESS", "locked-pages", "a process ended with pages that a driver had locked", NULL,
     {"Tracking structure", NULL, "Address of the MDL", "Pages locked"}},
    {0xCC, "PAGE_FAULT_IN_FREED_SPECIAL_POOL", "use-after-free", "the system touched freed pool",
     "Memory was touched after it had been freed, by the system's own code: a driver freed what it had\n"
     "given to the system, or never took it back.", {REFERENCED, READ_WRITE, BY, NULL}},
    {0xCD, "PAGE_FAULT_BEYOND_END_OF_ALLOCATION", "pool-overrun", "the system touched memory beyond a pool block",
     "Memory beside a pool block was touched by the system's own code; a driver gave it a length that is\n"
     "too large.", {REFERENCED, READ_WRITE, BY, NULL}},
    {0xCE, "DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS", "unloaded-image",
     "a driver was unloaded while something still referred to its image",
     "A driver was unloaded while the system still held something of it: an APC, a timer, a DPC, a work\n"
     "item, a thread, a request, or a frame on some thread's stack that has not returned.",
     {REFERENCED, READ_WRITE_EXECUTE, BY, NULL}},
    {0xD0, "DRIVER_CORRUPTED_MMPOOL", "pool-corruption", "the pool is corrupt, and touching it at raised IRQL failed", NULL,
     {REFERENCED, "IRQL", READ_WRITE, BY}},
    {0xD1, "DRIVER_IRQL_NOT_LESS_OR_EQUAL", "irql", "a driver touched memory that is invalid at its IRQL",
     "A driver touched memory that is invalid, or that may be paged out, while the IRQL was too high for a\n"
     "page fault.", {REFERENCED, "IRQL", READ_WRITE_EXECUTE, BY}},
    {0xD3, "DRIVER_PORTION_MUST_BE_NONPAGED", "irql", "a driver marked code or data as pageable that it uses at raised IRQL", NULL,
     {REFERENCED, "IRQL", READ_WRITE, BY}},
    {0xD4, "SYSTEM_SCAN_AT_RAISED_IRQL_CAUGHT_IMPROPER_DRIVER_UNLOAD", "unloaded-image",
     "a driver was unloaded while something still referred to its image, at raised IRQL",
     "A driver was unloaded while the system still held something of it, and that was used at raised IRQL:\n"
     "a DPC, a timer, a lookaside list, a cancel routine.", {REFERENCED, "IRQL", READ_WRITE_EXECUTE, BY}},
    {0xD5, "DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL", "use-after-free", "a driver touched freed pool",
     "A driver touched memory after it had been freed.", {REFERENCED, READ_WRITE, BY, NULL}},
    {0xD6, "DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION", "pool-overrun", "a driver touched memory beyond a pool block",
     "A driver touched memory beside a pool block, outside of what it had asked for.", {REFERENCED, READ_WRITE, BY, NULL}},
    {0xD8, "DRIVER_USED_EXCESSIVE_PTES", "pte-leak", "a driver used up the system's mapping entries", NULL,
     {"Name of the driver", "Entries it uses", "Free entries", "All entries"}},
    {0xD9, "LOCKED_PAGES_TRACKER_CORRUPTION", "locked-pages", "the records of locked pages are damaged", NULL,
     {"Kind", "Tracking structure", "Address of the MDL", "Pages"}, &bugcheck_d9},
    {0xDC, "DRIVER_INVALID_STACK_ACCESS", "stack-below-pointer", "memory below the stack pointer was touched",
     "Stack memory was touched in which nothing of the toucher's lives any more: below its stack pointer,\n"
     "or in the frame of a function that has returned.",
     {REFERENCED, "Stack pointer", BY, NULL}},
    {0xDE, "POOL_CORRUPTION_IN_FILE_AREA", "pool-corruption", "pool that backs a file view was overwritten", NULL, {0}},
    {0xDF, "IMPERSONATING_WORKER_THREAD", "impersonation-left", "a work item returned while it impersonates", NULL,
     {"Worker routine", "Parameter", "Work item", NULL}},
    {0xE1, "WORKER_THREAD_RETURNED_AT_BAD_IRQL", "irql-of-worker", "a work item returned at raised IRQL", NULL,
     {"Worker routine", "IRQL", "Parameter", "Work item"}},
    {0xE3, "RESOURCE_NOT_OWNED", "resource-not-owned", "an ERESOURCE was released by a thread that does not own it",
     "A thread released an ERESOURCE that it had not acquired, or released it once more than it had.",
     {"Resource", "Thread", "Owner table", NULL}},
    {0xE4, "WORKER_INVALID", "work-item", "a work item was freed or reused while queued",
     "The system holds a work item from the time it is queued until its routine is called. Until then its\n"
     "memory must stay as it is.", {"Kind", "Work item", "Varies", "Varies"}, &bugcheck_e4},
    {0xE6, "DRIVER_VERIFIER_DMA_VIOLATION", "dma-verifier", "Driver Verifier's DMA rules were broken", NULL,
     {"Sub-code", "Varies", "Varies", "Varies"}},
    {0xE8, "INVALID_CANCEL_OF_FILE_OPEN", "cancel-file-open", "IoCancelFileOpen was given a file object that somebody else refers to", NULL,
     {"Address of the file object", "Address of the device object", NULL, NULL}},
    {0xE9, "ACTIVE_EX_WORKER_THREAD_TERMINATION", "worker-terminated", "a work item terminated its worker thread",
     "Worker threads belong to the system: a worker routine returns, it does not end the thread.", {"Thread"}},
    {0xEA, "THREAD_STUCK_IN_DEVICE_DRIVER", "stuck-in-driver", "a thread does not come back from a driver", NULL,
     {"Thread", "Watchdog", "Name of the driver", "How often it was seen"}},
    {0xF5, "FLTMGR_FILE_SYSTEM", "filter-manager", "the filter manager met an error of a minifilter that it cannot survive",
     "The filter manager stopped the system: a minifilter used one of its objects or callbacks against the\n"
     "rules.", {"Kind", "Varies", "Varies", "Varies"}, &bugcheck_f5},
    {0xF7, "DRIVER_OVERRAN_STACK_BUFFER", "stack-overrun", "a driver wrote past a buffer on the stack", NULL,
     {"Security cookie found", "Security cookie expected", "Its complement", NULL}},
    {0xFC, "ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY", "execute-data", "memory that is not code was executed",
     "Control went to memory that is not code: a function pointer was overwritten, not set, or belonged to\n"
     "something that is gone.", {"Virtual address", "Page table entry", NULL, NULL}},
    {0x10D, "WDF_VIOLATION", "wdf", "a driver broke a rule of the driver frameworks", NULL,
     {"Kind", "Varies", "Varies", "Varies"}, &bugcheck_10d},
    {0x11B, "DRIVER_RETURNED_HOLDING_CANCEL_LOCK", "cancel-lock-held", "a cancel routine returned holding the cancel spin lock", NULL,
     {"IRP (may be stale)", "Cancel routine", NULL, NULL}},
    {0x121, "DRIVER_VIOLATION", "irql", "a function was called at an IRQL that it does not allow", NULL,
     {"1 or 2: kind", "IRQL", "IRQL required, or the maximum", NULL}},
    {0x128, "WORKER_THREAD_RETURNED_WITH_BAD_IO_PRIORITY", "worker-state", "a work item left its thread's I/O priority changed", NULL, ITEM},
    {0x129, "WORKER_THREAD_RETURNED_WITH_BAD_PAGING_IO_PRIORITY", "worker-state",
     "a work item left its thread's paging I/O priority changed", NULL, ITEM},
    {0x12E, "INVALID_MDL_RANGE", "mdl-range", "IoBuildPartialMdl was asked for more than the source MDL describes", NULL,
     {"Source MDL", "Target MDL", "Virtual address", "Length"}},
    {0x132, "RESOURCE_OWNER_POINTER_INVALID", "resource-not-owned", "an ERESOURCE was released with an invalid owner pointer", NULL,
     {"Resource", "Owner table", "Thread", "Owner pointer"}},
    {0x133, "DPC_WATCHDOG_VIOLATION", "dpc-watchdog", "a processor spent too long at DISPATCH_LEVEL", NULL,
     {"Kind", "Varies", "Varies", "Varies"}, &bugcheck_133},
    {0x139, "KERNEL_SECURITY_CHECK_FAILURE", "fast-fail", "a data structure failed its integrity check",
     "The kernel, or a driver's own check, found a structure damaged and stopped before it was used. Lists\n"
     "break when an element is freed while linked, removed twice, changed without a lock, or when an event\n"
     "or timer on a stack goes out of scope while somebody uses it.",
     {"Kind", "Trap frame", "Exception record", NULL}, &bugcheck_139},
    {0x13A, "KERNEL_MODE_HEAP_CORRUPTION", "pool-corruption", "the pool is corrupt", NULL,
     {"Kind", "Address of the heap", "Address of the block", NULL}, &bugcheck_13a},
    {0x13C, "INVALID_IO_BOOST_STATE", "io-boost", "a thread exited with its I/O boosted", NULL,
     {"Thread", "State, or throttle count", NULL, NULL}},
    {0x152, "INVALID_PUSH_LOCK_FLAGS", "push-lock-flags", "a push lock routine was given invalid flags", NULL,
     {"The flags", "Address of the push lock", NULL, NULL}},
    {0x153, "KERNEL_LOCK_ENTRY_LEAKED_ON_THREAD_TERMINATION", "lock-at-exit", "a thread exited while it owned a lock", NULL,
     {"Thread", "Lock entry", "1: lock not NULL, 2: reserved bits, 3: corrupt, 4: boosts left", NULL}},
    {0x157, "KERNEL_THREAD_PRIORITY_FLOOR_VIOLATION", "priority-floor", "a thread's priority floor was changed against the rules", NULL,
     {"Thread", "Priority", "1: overflow, 2: underflow, 3: illegal", NULL}},
    {0x15B, "WORKER_THREAD_RETURNED_WITH_BAD_PAGE_PRIORITY", "worker-state", "a work item left its thread's page priority changed", NULL, ITEM},
    {0x162, "KERNEL_AUTO_BOOST_INVALID_LOCK_RELEASE", "lock-owner", "a lock was released by a thread that does not own it", NULL,
     {"Thread", "Address of the lock", "Session", NULL}},
    {0x16C, "INVALID_RUNDOWN_PROTECTION_FLAGS", "rundown-flags", "a rundown reference has invalid flags", NULL,
     {"The flags", "Address of the rundown reference", NULL, NULL}},
    {0x16E, "ERESOURCE_INVALID_RELEASE", "resource-not-owned", "an ERESOURCE was released for a thread that does not own it", NULL,
     {"Resource", "Current thread", "Thread it was released for", NULL}},
    {0x189, "BAD_OBJECT_HEADER", "object-header", "the header of an object is damaged", NULL,
     {"Object header", "Object type", "0: type index, 1: security descriptor", NULL}},
    {0x192, "KERNEL_AUTO_BOOST_LOCK_ACQUISITION_WITH_RAISED_IRQL", "irql", "a lock was acquired at DISPATCH_LEVEL that needs a lower IRQL",
     NULL, {"Thread", "Address of the lock", "IRQL", NULL}},
    {0x199, "KERNEL_STORAGE_SLOT_IN_USE", "storage-slot", "a storage slot was freed while in use", NULL, {"Storage array"}},
    {0x19A, "WORKER_THREAD_RETURNED_WHILE_ATTACHED_TO_SILO", "worker-state", "a work item returned attached to a silo", NULL,
     {"Worker routine", "Parameter", "Work item", NULL}},
    {0x1AA, "EXCEPTION_ON_INVALID_STACK", "stack-switch", "an exception was raised on a stack that is not the thread's", NULL,
     {"Stack pointer", "Kind of stack", "Context record", "Exception record"}},
    {0x1AB, "UNWIND_ON_INVALID_STACK", "stack-switch", "a stack was unwound that is not the thread's", NULL,
     {"Stack pointer", "Kind of stack", "Context record", "Exception record"}},
    {0x1C6, "FAST_ERESOURCE_PRECONDITION_VIOLATION", "resource-precondition", "a routine of fast ERESOURCEs was called where it must not be",
     NULL, {"Kind", "Varies", "Varies", "Varies"}, &bugcheck_1c6},
    {0x1D2, "WORKER_THREAD_INVALID_STATE", "worker-state", "a worker thread is in a state that must not be", NULL,
     {"0: it ends with I/O outstanding", "Worker thread", NULL, NULL}},
    {0x1D5, "DRIVER_PNP_WATCHDOG", "pnp-watchdog", "a driver takes too long over a PnP operation", NULL,
     {"Name of the service", "nt!TRIAGE_PNP_WATCHDOG", "Thread", "Milliseconds"}},
    {0x1D6, "WORKER_THREAD_RETURNED_WITH_NON_DEFAULT_WORKLOAD_CLASS", "worker-state", "a work item left its thread's workload class changed",
     NULL, ITEM},
    {0x1F2, "KASAN_ILLEGAL_ACCESS", "invalid-access", "memory was touched that is not valid", NULL,
     {"Address", "Bytes", BY, "Bits 0-7: shadow code, bit 8: write"}},
    {0x1000007E, "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED_M", "unhandled-exception",
     "a system thread raised an exception that nobody handled", NULL,
     {"The exception code that was not handled", "The address that the exception occurred at", "Exception Record Address",
      "Context Record Address"}},
    {0x4000008A, "THREAD_TERMINATE_HELD_MUTEX", "mutex-at-exit", "a thread terminated owning a mutex", NULL, {"Thread", "Mutex"}},
};

const struct bugcheck_info *bugcheck_at(size_t index)
{
    return index < sizeof table / sizeof table[0] ? &table[index] : NULL;
}

const struct bugcheck_info *bugcheck_find(uint32_t code)
{
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].code == code)
            return &table[i];
    static char name[32];
    static struct bugcheck_info unknown;
    snprintf(name, sizeof name, "BUGCHECK_%" PRIX32, code);
    unknown = (struct bugcheck_info){code, name, "bugcheck", "the kernel stopped", NULL, {0}, NULL, 0};
    return &unknown;
}

const struct bugcheck_case *bugcheck_case(const struct bugcheck_info *info, const uint64_t arg[4])
{
    for (size_t i = 0; info->cases != NULL && i < info->cases->count; i++)
        if (info->cases->data[i].value == arg[info->key])
            return &info->cases->data[i];
    return NULL;
}

const char *bugcheck_argument(const struct bugcheck_info *info, const uint64_t arg[4], unsigned i)
{
    const struct bugcheck_case *c = bugcheck_case(info, arg);
    const char *text = c == NULL       ? info->argument[i]
                       : i == info->key ? c->meaning
                                        : c->argument[i < info->key ? i : i - 1];
    return text != NULL ? text : "";
}
