/* Bugchecks whose first parameter says which of several things went wrong; what the others mean depends on it. */
#include "check/bugchecks.h"

#define VARIES {"Varies", "Varies", "Varies"}

static const struct bugcheck_case pool_header[] = {
    {0x02, "A special pool block was damaged at free", {"Pool entry", "Size of the block", "0"}, NULL},
    {0x03, "The free list of the pool is corrupt", {"Pool entry", "Flink found", "Blink found"}, NULL},
    {0x05, "A pair of neighbouring pool headers does not fit together", VARIES, NULL},
    {0x06, "The header's previous size is wrong", VARIES, NULL},
    {0x07, "The header's previous size is wrong", VARIES, NULL},
    {0x08, "The header's size is zero", VARIES, NULL},
    {0x09, "The header is damaged", VARIES, NULL},
    {0x0A, "The block header's size is damaged", {"Pool entry that should have been found", "Address of the page", NULL}, NULL},
    {0x0D, "A freed block was written to", VARIES, NULL},
    {0x0E, "A freed block was written to", VARIES, NULL},
    {0x0F, "A freed block was written to", VARIES, NULL},
    {0x20, "The header's size is damaged", {"Pool entry that should have been found", "Next pool entry", NULL}, NULL},
    {0x21, "Memory behind the block was written to", {"Address of the block", "Bytes of the block", NULL}, "pool-overrun"},
    {0x22, "The pool has no record of the block: it was freed twice, or never allocated",
     {"Address of the block", NULL, NULL}, "double-free"},
    {0x23, "The free list of the pool is corrupt", VARIES, NULL},
    {0x24, "The free list of the pool is corrupt", VARIES, NULL},
    {0x25, "The free list of the pool is corrupt", VARIES, NULL},
};
BUGCHECK_CASES(bugcheck_19, pool_header);

static const struct bugcheck_case page_frames[] = {
    {0x07, "A page was unlocked more often than it had been locked", {"Page frame number", "Share count", NULL}, "mdl-unlocked-twice"},
    {0x9A, "A page was freed while it was locked for I/O", {"Page frame number", "State of the page", "Reference count"}, NULL},
};
BUGCHECK_CASES(bugcheck_4e, page_frames);

static const struct bugcheck_case power[] = {
    {0x01, "A device object was freed with a power request outstanding", {"Address of the device object", NULL, NULL}, NULL},
    {0x02, "A driver completed a system power request without PoStartNextPowerIrp",
     {"Target's device object", "Address of the device object", "Driver object"}, NULL},
    {0x03, "A device object has been blocking an IRP for too long",
     {"Physical device object of the stack", "nt!_TRIAGE_9F_POWER", "The blocked IRP"}, NULL},
    {0x04, "A power transition timed out waiting for the PnP lock", {"Seconds waited", "Thread that holds the lock", "nt!_TRIAGE_9F_PNP"},
     NULL},
    {0x05, "A device did not come to rest in time for a directed power transition",
     {"Physical device object of the stack", "The device's POP_FX_DEVICE", NULL}, NULL},
    {0x06, "A device did not finish its directed power transition in time", {"The device's POP_FX_DEVICE", "1: down, 0: up", NULL}, NULL},
    {0x500, "A device object completed a power request that it must not complete", VARIES, NULL},
};
BUGCHECK_CASES(bugcheck_9f, power);

static const struct bugcheck_case special_pool[] = {
    {0x20, "A block was freed that is not allocated", {"Address that was freed", NULL, NULL}, "double-free"},
    {0x21, "A bad address was freed", {"Address that was freed", "Bytes requested", "Bytes calculated"}, "pool-free"},
    {0x22, "A bad address was freed", {"Address that was freed", "Bytes requested", "Bytes calculated"}, "pool-free"},
    {0x23, "Bytes beside the block were written to", {"Address that was freed", "Corrupt byte", NULL}, "pool-overrun"},
    {0x24, "Bytes behind the block were written to", {"Address that was freed", "Corrupt byte", NULL}, "pool-overrun"},
    {0x30, "Pool was allocated at a wrong IRQL", {"IRQL", "Pool type", "Bytes"}, "pool-request"},
    {0x31, "Pool was freed at a wrong IRQL", {"IRQL", "Pool type", "Address of the block"}, "pool-free"},
    {0x32, "A single bit of the pattern beside the block changed", {"Address that was freed", "Corrupt byte", NULL}, NULL},
};
BUGCHECK_CASES(bugcheck_c1, special_pool);

static const struct bugcheck_case pool_caller[] = {
    {0x00, "Zero bytes were requested", {NULL, "Pool type", "Tag"}, "pool-request"},
    {0x01, "The pool header of the block is damaged", {"Pool header", "Contents of the header", NULL}, "pool-header"},
    {0x02, "The pool header of the block is damaged", {"Pool header", "Contents of the header", NULL}, "pool-header"},
    {0x04, "The pool header of the block is damaged", {"Pool header", "Contents of the header", NULL}, "pool-header"},
    {0x06, "A block was freed twice", {NULL, "Pool header", "Contents of the header"}, "double-free"},
    {0x07, "A block was freed twice", {NULL, "Contents of the header", "Address of the block"}, "double-free"},
    {0x08, "Pool was allocated at an IRQL that its type does not allow", {"IRQL", "Pool type", "Bytes"}, "pool-request"},
    {0x09, "Pool was freed at an IRQL that its type does not allow", {"IRQL", "Pool type", "Address of the block"}, "pool-free"},
    {0x0A, "A block was freed with another tag than it was allocated with", {"Address of the block", "Tag of the allocation", "Tag given"},
     "pool-tag"},
    {0x0B, "The quota of the block is damaged", {"Address of the block", "Quota process found", "Tag"}, "pool-header"},
    {0x0C, "The quota of the block is damaged", {"Address of the block", "Quota process found", "Tag"}, "pool-header"},
    {0x0D, "The quota of the block is damaged", {"Address of the block", "Quota process found", "Tag"}, "pool-header"},
    {0x40, "A user-mode address was freed", {"Address that was freed", "Start of system addresses", NULL}, "pool-free"},
    {0x41, "An address was freed that no allocation had returned", {"Address that was freed", "Page frame number", "Highest page"},
     "pool-free"},
    {0x42, "An address was freed that no allocation had returned", {"Address that was freed", NULL, NULL}, "pool-free"},
    {0x43, "An address was freed that no allocation had returned", {"Address that was freed", NULL, NULL}, "pool-free"},
    {0x44, "An address was freed that no allocation had returned", {"Address that was freed", NULL, NULL}, "pool-free"},
    {0x46, "An address was freed that no allocation had returned", {"Address that was freed", NULL, NULL}, "pool-free"},
    {0x47, "An address was freed that no allocation had returned", {"Address that was freed", NULL, NULL}, "pool-free"},
    {0x48, "An address was freed that no allocation had returned", {"Address that was freed", NULL, NULL}, "pool-free"},
    {0x50, "An address was freed that no allocation had returned",
     {"Address that was freed", "Offset of the page", "Bytes of the neighbour"}, "pool-free"},
    {0x60, "Contiguous memory was freed that had not been allocated so", {"Address that was freed", NULL, NULL}, "pool-free"},
    {0x99, "An invalid address was freed", {"Address that was freed", NULL, NULL}, "pool-free"},
    {0x9A, "A bad pool type was requested", {"Pool type", "Bytes", "Tag"}, "pool-request"},
    {0x9B, "Pool was requested with a bad tag", {"Pool type", "Bytes", "Caller"}, "pool-request"},
    {0x9C, "Pool was requested with a bad tag", {"Pool type", "Bytes", "Caller"}, "pool-request"},
    {0x9D, "Pool was requested with a bad tag", {"Tag", "Pool type", "Caller"}, "pool-request"},
    {0x41286, "An address inside a block was freed", {"Address that was freed", NULL, NULL}, "pool-free"},
};
BUGCHECK_CASES(bugcheck_c2, pool_caller);

static const struct bugcheck_case timer_or_dpc[] = {
    {0x0, "A timer lies in memory that is going away", {"Address of the timer", "Start of the range", "End of the range"}, NULL},
    {0x1, "A DPC lies in memory that is going away", {"Address of the DPC", "Start of the range", "End of the range"}, NULL},
    {0x2, "The routine of a DPC lies in memory that is going away",
     {"Address of the DPC routine", "Start of the range", "End of the range"}, NULL},
    {0x3, "A DPC has the number of a processor that does not exist", {"Address of the DPC", "Number of the processor", "Number of processors"},
     "dpc-processor"},
    {0x4, "The thread's APC disable count was changed by a DPC routine",
     {"Address of the DPC routine", "APC disable count before the call", "APC disable count after the call"}, "apc-disable-count"},
    {0x5, "The thread's APC disable count was changed by a timer's DPC routine",
     {"Address of the DPC routine", "APC disable count before the call", "APC disable count after the call"}, "apc-disable-count"},
};
BUGCHECK_CASES(bugcheck_c7, timer_or_dpc);

static const struct bugcheck_case pnp[] = {
    {0x1, "A bus driver reported a physical device object twice", {"Address of the device object", NULL, NULL}, NULL},
    {0x2, "A device object was given that is no physical device object", {"Address of the device object", NULL, NULL}, NULL},
    {0x3, "A driver returned an invalid identification", {"Address of the device object", "Address of the text", "Kind of identification"}, NULL},
    {0x4, "A bus driver reported a physical device object that is being deleted", {"Address of the device object", NULL, NULL}, NULL},
    {0x5, "The reference count of a physical device object fell to zero while PnP still knows it",
     {"Address of the device object", NULL, NULL}, "object-reference"},
    {0x8, "A device relation holds a NULL", {"Address of the relations", "Number of entries", "Index of the entry"}, NULL},
    {0x9, "IoDisconnectInterruptEx was given a connection of an unknown kind", {"Kind found", NULL, NULL}, NULL},
    {0xA, "A notification callback changed the IRQL or the APC disable count",
     {"Address of the callback", "IRQL after the call", "Combined APC disable count after the call"}, "apc-disable-count"},
    {0xB, "A deleted physical device object was reported as a removal relation", {"Address of the device object", "Related device object",
                                                                                "Removal relations"}, NULL},
};
BUGCHECK_CASES(bugcheck_ca, pnp);

static const struct bugcheck_case lock_tracker[] = {
    {0x1, "An MDL was entered twice into the list of the process", {"Tracking structure", "Address of the MDL", "Pages"}, NULL},
    {0x2, "An MDL was entered twice into the list of the system", {"Tracking structure", "Address of the MDL", "Pages"}, NULL},
    {0x3, "An MDL was unlocked that is not in the list", {"Tracking structure", "Address of the MDL", "Pages"}, NULL},
    {0x4, "The list of locked pages is damaged", {"Tracking structure", "Address of the MDL", "Pages"}, NULL},
};
BUGCHECK_CASES(bugcheck_d9, lock_tracker);

static const struct bugcheck_case worker[] = {
    {0x0, "The memory of a queued work item was freed", {"Address of the work item", "Start of the block", "End of the block"},
     "work-item-freed"},
    {0x1, "A work item was queued that is queued already", {"Address of the work item", "Address of the queue", NULL},
     "work-item-queued-twice"},
    {0x2, "A queued I/O work item was freed", {"Address of the work item", "Start of the block", "End of the block"}, "work-item-freed"},
    {0x3, "An I/O work item was initialised with something that is neither driver nor device object",
     {"Address of the work item", "The object given", NULL}, NULL},
    {0x4, "A work item was queued to a queue that is not initialised", {"Address of the work item", "Address of the queue", NULL}, NULL},
    {0x5, "A work item was queued to a queue that is not initialised", {"Address of the work item", "Address of the queue", NULL}, NULL},
    {0x6, "A work item was queued to a queue of an unknown type", {"Type of the queue", NULL, NULL}, NULL},
    {0x7, "A work item was queued with a routine that is not in the kernel's address range",
     {"Address of the work item", "Address of the routine", NULL}, NULL},
};
BUGCHECK_CASES(bugcheck_e4, worker);

static const struct bugcheck_case filter_manager[] = {
    {0x66, "A pre-operation callback asked for a post-operation callback that is not registered",
     {"Address of the callback data", NULL, "Status that the callback returned"}, "filter-callback"},
    {0x67, "An internal object ran out of space", {NULL, NULL, NULL}, NULL},
    {0x68, "A FLT_FILE_NAME_INFORMATION was dereferenced too often", {"Address of the name information", NULL, NULL}, "filter-reference"},
    {0x6A, "The file open request could not be cancelled: the file object has handles or is not the filter's",
     {"Address of the file object", NULL, NULL}, "filter-callback"},
    {0x6B, "The state of a thread's back-pocket entry is wrong", {"Address of the thread", NULL, NULL}, NULL},
    {0x6C, "The state of a thread's back-pocket entry is wrong", {"Address of the entry", NULL, NULL}, NULL},
    {0x6D, "A context was dereferenced more often than it had been referenced",
     {"Address of the context", "Address of its CONTEXT_NODE", NULL}, "filter-reference"},
    {0x6E, "A context was used after it had been freed", {"Address of the context", "Address of its CONTEXT_NODE", NULL}, "filter-reference"},
};
BUGCHECK_CASES(bugcheck_f5, filter_manager);

static const struct bugcheck_case wdf[] = {
    {0x1, "A framework timer was set that must not be", VARIES, NULL},
    {0x2, "A lock was acquired recursively or released by a thread that does not hold it", VARIES, NULL},
    {0x3, "A work item or a reference was left behind", VARIES, NULL},
    {0x4, "A NULL parameter was passed", VARIES, NULL},
    {0x5, "A framework handle of another type was passed", {"The handle", "Type expected", NULL}, NULL},
    {0x6, "A fatal error in the handling of a request", VARIES, NULL},
    {0x7, "A framework object was dereferenced where it must be deleted", {"The handle", NULL, NULL}, "object-reference"},
    {0x8, "An operation on a DMA transaction that its state does not allow", VARIES, NULL},
    {0xA, "A queue operation that the state of the queue does not allow", VARIES, NULL},
    {0xB, "A PnP or power operation that the state of the device does not allow", VARIES, NULL},
    {0xC, "A framework lock is used in a wrong way", VARIES, NULL},
    {0xD, "An internal state of the framework is wrong", VARIES, NULL},
    {0xE, "A callback returned at another IRQL than it was called at", {"Address of the callback", "IRQL before the call", "IRQL after the call"},
     "irql-changed"},
    {0xF, "A callback returned inside a critical region that it had entered", {"Address of the callback", NULL, NULL}, "apc-disable-count"},
};
BUGCHECK_CASES(bugcheck_10d, wdf);

static const struct bugcheck_case watchdog[] = {
    {0x0, "A single DPC or interrupt service routine ran too long", {"Ticks taken", "Ticks allowed", "Triage block"}, NULL},
    {0x1, "The processor has spent too long at DISPATCH_LEVEL or above", {"Watchdog period", "Triage block", NULL}, NULL},
};
BUGCHECK_CASES(bugcheck_133, watchdog);

#define FAST_FAIL(number, text) {number, text, {"Trap frame", "Exception record", NULL}, NULL}
static const struct bugcheck_case security_check[] = {
    FAST_FAIL(0, "A stack buffer was overrun: its security cookie is damaged"),
    FAST_FAIL(1, "A call through a damaged table of virtual functions"),
    FAST_FAIL(2, "A stack buffer was overrun: its security cookie is damaged"),
    FAST_FAIL(3, "A LIST_ENTRY is corrupt: an element was removed twice, freed while linked, or is no longer where it was"),
    FAST_FAIL(4, "A stack pointer is not within its stack"),
    FAST_FAIL(5, "An argument is invalid in a way that must not be survived"),
    FAST_FAIL(6, "The stack cookie was not initialised"),
    FAST_FAIL(7, "The program asked for its own end"),
    FAST_FAIL(8, "An index is out of the bounds of its array"),
    FAST_FAIL(10, "An indirect call has no valid target"),
    FAST_FAIL(14, "A reference count is invalid"),
    FAST_FAIL(18, "A jump buffer is damaged"),
    FAST_FAIL(29, "A node of a balanced tree is corrupt"),
    FAST_FAIL(37, "An index is outside of its jump table"),
};
BUGCHECK_CASES(bugcheck_139, security_check);

#define HEAP(number, text) {number, text, {"Address of the heap", "Address of the block", NULL}, NULL}
static const struct bugcheck_case heap[] = {
    HEAP(0x3, "The header of a block is damaged"), HEAP(0x4, "Several block headers are damaged"),
    HEAP(0x5, "The header of a large block is damaged"),
    {0x6, "A block was written past its end", {"Address of the heap", "Address of the block", NULL}, "pool-overrun"},
    {0x7, "A block was written before its start", {"Address of the heap", "Address of the block", NULL}, "pool-underrun"},
    {0x8, "A free block was used as if it were allocated", {"Address of the heap", "Address of the block", NULL}, "double-free"},
    HEAP(0x9, "An argument is invalid"),
    {0xB, "A block was used after it had been freed", {"Address of the heap", "Address of the block", NULL}, "use-after-free"},
    HEAP(0xC, "A block was given to another heap than its own"), HEAP(0xD, "The free list is damaged"),
    HEAP(0xE, "A list is damaged"), HEAP(0xF, "An operation on a free block"), HEAP(0x10, "An internal structure is damaged"),
    HEAP(0x11, "An internal structure is damaged"), HEAP(0x12, "An internal structure is damaged"), HEAP(0x13, "The heap is NULL"),
    HEAP(0x14, "The request is too large"), HEAP(0x15, "More was to be committed than is reserved"),
    HEAP(0x16, "An internal structure is damaged"), HEAP(0x17, "The list of blocks to be freed later is damaged"),
};
BUGCHECK_CASES(bugcheck_13a, heap);

#define RESOURCE(number, text) {number, text, {"Address of the ERESOURCE", "Varies", "Varies"}, NULL}
static const struct bugcheck_case fast_resource[] = {
    RESOURCE(0x0, "The IRQL does not allow the call"), RESOURCE(0x1, "The owner entry is in use"),
    RESOURCE(0x2, "The owner entry is not the one that acquired the resource"),
    RESOURCE(0x3, "A routine for other resources was called for this one"), RESOURCE(0x4, "The resource is still held"),
    RESOURCE(0x5, "The call was made in a DPC routine"), RESOURCE(0x6, "The call was made in a special kernel APC"),
    RESOURCE(0x7, "Normal kernel APCs are not disabled"),
};
BUGCHECK_CASES(bugcheck_1c6, fast_resource);
