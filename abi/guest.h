/*
 * Structures that both worlds read and write in guest memory. Fixed-width types only; sizes and
 * offsets are asserted here, so neither compiler can disagree.
 */
#ifndef RD_ABI_GUEST_H
#define RD_ABI_GUEST_H

#include <stddef.h>
#include <stdint.h>

#define RD_ABI_NAME 40
#define RD_ABI_IMPORTED 4
#define RD_LOADER_MAGIC 0x4e574452u /* "RDWN" */

enum rd_os { RD_OS_WIN7 = 1, RD_OS_WIN8 = 2, RD_OS_WIN10 = 3 };

/* What the loader hands to the kernel's entry point (its address in RCX). */
struct rd_loader_block {
    uint32_t magic;
    uint32_t version;      /* RD_ABI_VERSION */
    uint32_t os;           /* enum rd_os */
    uint32_t cpus;         /* 0: one a thread */
    uint32_t max_cpus;     /* processors that exist */
    uint32_t thread_count; /* scenario threads */
    uint32_t setup_count;  /* steps run by the boot thread before RD_HC_READY */
    uint32_t fault_budget; /* allocation failures that may be chosen */
    uint64_t threads;      /* struct rd_scenario_thread[thread_count] */
    uint64_t setup;        /* struct rd_step[setup_count] */
    uint64_t kernel_base;
    uint64_t kernel_size;
    uint64_t verifier_flags;   /* RD_VF_* (abi/verifier.h) */
    uint64_t verifier_drivers; /* UTF-16 "a.sys;b.sys": whom it watches; 0: every driver */
    uint64_t machine_flags;    /* RD_MACHINE_*, nothing to the guest */
    uint64_t reserved[2];
};
#define RD_MACHINE_TSO 1u /* processors have store buffers */
_Static_assert(sizeof(struct rd_loader_block) == 104, "ABI");

struct rd_scenario_thread {
    char name[RD_ABI_NAME];
    uint64_t steps; /* struct rd_step[] */
    uint32_t step_count;
    uint32_t priority; /* 0: 8, NT's normal */
};
_Static_assert(sizeof(struct rd_scenario_thread) == 56, "ABI");

/* One verb of a scenario. Strings are guest addresses of NUL-terminated UTF-16, 0 when absent. */
struct rd_step {
    uint32_t op;    /* enum rd_op */
    uint32_t slot;  /* handle or request slot of this thread that the step fills or uses; ~0: none */
    uint32_t flags; /* RD_STEP_* */
    uint32_t code;  /* control code, or minor function */
    uint64_t text;  /* name */
    uint64_t input; /* user address */
    uint32_t input_size;
    uint32_t output_size;
    uint64_t output; /* user address */
    int64_t value;   /* delay in 100 ns (negative: relative), expected status, offset, thread index */
    uint64_t text2;
};
_Static_assert(sizeof(struct rd_step) == 64, "ABI");

#define RD_STEP_ASYNC 1u  /* leave the request in .slot; a later WAIT or CANCEL takes it */
#define RD_STEP_KERNEL 2u /* a kernel client: holds the device object, builds the IRP itself */
#define RD_STEP_EXPECT 4u /* the status must equal (int32_t)value2, kept in text2's low half */
#define RD_STEP_ALERTABLE 8u
#define RD_STEP_MAY_PEND 16u /* RD_OP_MOUNT: the volume's requests may pend; the explorer chooses */

/* RD_OP_OPEN: what rd_step.code says beside the name; 0: opens what exists, shared for reading and writing. The access
 * mask is in rd_step.value (0: read and write). */
#define RD_OPEN_DISPOSITION(d) ((uint32_t)(d) + 1u)  /* FILE_SUPERSEDE and so on */
#define RD_OPEN_SHARE(s) (((uint32_t)(s) + 1u) << 4) /* FILE_SHARE_* */
#define RD_OPEN_OPTIONS(o) ((uint32_t)(o) << 8)      /* FILE_*_FILE and so on, 24 bits */

enum rd_op {
    RD_OP_OPEN = 1,         /* text -> slot */
    RD_OP_CLOSE = 2,        /* slot */
    RD_OP_READ = 3,         /* slot, output, value offset */
    RD_OP_WRITE = 4,        /* slot, input, value offset */
    RD_OP_IOCTL = 5,        /* slot, code, input, output */
    RD_OP_FLUSH = 6,        /* slot */
    RD_OP_QUERY = 7,        /* slot, code information class, output */
    RD_OP_LOAD = 8,         /* text service name, as in \Driver\NAME */
    RD_OP_UNLOAD = 9,       /* text service name */
    RD_OP_SUSPEND = 10,     /* value scenario thread index */
    RD_OP_RESUME = 11,      /* value */
    RD_OP_TERMINATE = 12,   /* value */
    RD_OP_ALERT = 13,       /* value */
    RD_OP_QUEUE_APC = 14,   /* value: a user-mode APC to that thread (counts its deliveries) */
    RD_OP_DELAY = 15,       /* value 100 ns; RD_STEP_ALERTABLE */
    RD_OP_ADD_DEVICE = 16,  /* text instance name, text2 driver list "lower;upper": PDO, AddDevice bottom-up, start */
    RD_OP_START_DEVICE = 17,
    RD_OP_QUERY_REMOVE = 18, /* text: driver or instance */
    RD_OP_CANCEL_REMOVE = 19,
    RD_OP_REMOVE_DEVICE = 20,
    RD_OP_SURPRISE_REMOVE = 21,
    RD_OP_POWER = 22,       /* text, code: device power state */
    RD_OP_WAIT = 23,        /* slot of an asynchronous request */
    RD_OP_CANCEL = 24,      /* slot of an asynchronous request */
    RD_OP_FAIL_ALLOCATIONS = 25, /* value: how many may fail from here on */
    RD_OP_EXERCISE = 26,    /* open every device that the drivers created by name and try each dispatch */
    RD_OP_ATTACH_FILTER = 40,    /* text "filter;volume" */
    RD_OP_DETACH_FILTER = 41,    /* text "filter;volume" */
    RD_OP_UNLOAD_FILTER = 42,    /* text filter */
    RD_OP_MOUNT = 27,       /* text device name, input its DOS name (ASCII), flags: a disk in memory, mounted */
    RD_OP_SET_INFO = 28,    /* slot, code information class, input */
    RD_OP_RENAME = 29,      /* slot, text: new name (a path from the volume's root, or a name in the same directory);
                               value 1: an existing file gives way */
    RD_OP_DELETE = 30,      /* text: open for deletion and close */
    RD_OP_LIST = 31,        /* slot of a directory, text: pattern or 0, code information class, output_size: one query */
    RD_OP_QUERY_VOLUME = 32, /* slot, code information class, output_size */
    RD_OP_FSCTL = 33,       /* slot, code, input, output */
    RD_OP_QUERY_CAPABILITIES = 50, /* text: driver or instance */
    RD_OP_QUERY_POWER = 51,        /* text, code: device power state */
};

/* The kernel's public face of a thread, embedded in its KTHREAD; RD_HC_THREAD tells the machine
 * where. Plain guest memory: snapshots and footprints treat it like any other. */
struct rd_thread {
    uint64_t kthread;
    uint64_t stack_limit;  /* lowest valid address */
    uint64_t stack_base;   /* one past the highest */
    uint64_t saved_rsp;    /* valid while not running: KSWITCH frame, return address on top */
    uint64_t wait_object;  /* while waiting */
    uint64_t wait_owner;   /* KTHREAD that holds wait_object, 0 unknown */
    uint32_t wait_reason;  /* KWAIT_REASON */
    uint32_t wait_type;    /* enum rd_wait_type */
    uint32_t state;        /* enum rd_thread_state */
    uint32_t cpu;
    uint32_t scenario_index; /* ~0: not a scenario thread */
    uint32_t flags;        /* RD_THREAD_* */
    uint64_t id;           /* client id: the thread's in the low half, its process's in the high one */
    uint64_t start_routine;
    char name[RD_ABI_NAME];
};
_Static_assert(sizeof(struct rd_thread) == 128, "ABI");

/* The APC disable counts of a KTHREAD, two signed 16-bit words in a granule of their own that the machine watches. */
#define RD_KTHREAD_APC_GRANULE 0x1C0
#define RD_KTHREAD_KERNEL_APC_DISABLE 0x1C4
#define RD_KTHREAD_SPECIAL_APC_DISABLE 0x1C6

#define RD_THREAD_SYSTEM 1u /* idle and worker threads: may wait for ever without being a hang */

enum rd_thread_state {
    RD_THREAD_INITIALIZED, RD_THREAD_READY, RD_THREAD_RUNNING, RD_THREAD_WAITING,
    RD_THREAD_SUSPENDED, RD_THREAD_TERMINATED
};

enum rd_wait_type {
    RD_WAIT_NONE, RD_WAIT_EVENT, RD_WAIT_SEMAPHORE, RD_WAIT_MUTEX, RD_WAIT_TIMER, RD_WAIT_THREAD,
    RD_WAIT_QUEUE, RD_WAIT_DELAY, RD_WAIT_FAST_MUTEX, RD_WAIT_RUNDOWN, RD_WAIT_REMOVE_LOCK,
    RD_WAIT_SUSPEND, RD_WAIT_OTHER
};

/* RD_HC_LOAD_IMAGE. The name is the file's, as the scenario gave it; lookup is the host's. */
struct rd_image_request {
    uint64_t name;      /* in: NUL-terminated ASCII service or file name */
    uint64_t base;      /* out */
    uint64_t size;      /* out */
    uint64_t entry;     /* out */
    uint64_t full_name; /* in: 128-byte buffer that receives the file's name */
    uint64_t thunks;    /* in: struct rd_thunk[thunk_count]: bound in place of exports of the kernel; 0: none */
    uint32_t thunk_count;
    uint32_t options;   /* in: which thunks are on */
    uint64_t imports[RD_ABI_IMPORTED]; /* out: bases of other drivers that it imports from, 0 behind the last */
};
_Static_assert(sizeof(struct rd_image_request) == 88, "ABI");

/* RD_HC_POOL_QUERY, RD_HC_POOL_OWNED. */
struct rd_pool_record {
    uint64_t address;
    uint64_t bytes;
    uint64_t owner;  /* as RD_HC_POOL_OWN gave it; 0: not a verified driver's */
    uint64_t caller; /* return address in whoever allocated it */
    uint32_t tag;
    uint32_t type;
    uint32_t flags;  /* RD_POOL_* */
    uint32_t freed;
};
_Static_assert(sizeof(struct rd_pool_record) == 48, "ABI");

/* Offsets in a processor control region (GS-relative) that drivers' inlined code relies on. */
#define RD_PCR_SELF 0x18
#define RD_PCR_PRCB 0x20
#define RD_PCR_CURRENT_THREAD 0x188 /* address of a KTHREAD whose first field region embeds rd_thread */
#define RD_PCR_NUMBER 0x184

/* Entry points that the machine transfers to; the kernel exports a table of this shape under the
 * name RdEntryPoints. */
struct rd_entry_points {
    uint64_t start_cpu;   /* rcx = processor number: secondary processors begin here, interrupts off */
    uint64_t interrupt;   /* software or clock interrupt: rcx = IRQL, a trap frame on the stack */
    uint64_t fault;       /* address of RD_FAULT_VECTORS entry points, one a vector, 0 none: struct rd_exception_frame on
                             the stack; 0: every processor exception stops the run */
    uint64_t irp_log;     /* address of struct rd_irp_log (abi/verifier.h) */
    uint64_t reserved[4];
};

/* Pushed by the machine on the running stack (16-byte aligned below rsp) before it enters
 * rd_entry_points.interrupt; IRETQ of the guest pops the last five words. */
struct rd_interrupt_frame {
    uint64_t vector; /* 1 APC, 2 DISPATCH, 13 CLOCK, as IRQLs */
    uint64_t previous_irql;
    uint64_t rip, cs, rflags, rsp, ss;
};
_Static_assert(sizeof(struct rd_interrupt_frame) == 56, "ABI");

/* The same for a processor exception that Windows would dispatch. The processor's IRQL and IF stay as they were. */
#define RD_FAULT_VECTORS 0x30
struct rd_exception_frame {
    uint64_t address; /* vector 14: what was touched */
    uint64_t error;   /* vector 14: bit 1 set when written */
    uint64_t rip, cs, rflags, rsp, ss;
};
_Static_assert(sizeof(struct rd_exception_frame) == 56, "ABI");

/* Where RD_HC_UNHANDLED finds things in NT's CONTEXT; general registers are in encoding order. */
#define RD_CONTEXT_MXCSR 0x34
#define RD_CONTEXT_EFLAGS 0x44
#define RD_CONTEXT_GPR 0x78
#define RD_CONTEXT_RIP 0xF8
#define RD_CONTEXT_XMM 0x1A0
#define RD_CONTEXT_SIZE 0x4D0

/* NT's EXCEPTION_RECORD. */
#define RD_EXCEPTION_PARAMETERS 15
struct rd_exception_record {
    uint32_t code, flags;
    uint64_t next;
    uint64_t address;
    uint32_t parameter_count, unused;
    uint64_t parameters[RD_EXCEPTION_PARAMETERS];
};
#define RD_EXCEPTION_RECORD_SIZE 0x98
_Static_assert(sizeof(struct rd_exception_record) == RD_EXCEPTION_RECORD_SIZE, "ABI");

#endif
