/*
 * Hypercalls: what the guest kernel asks of the machine. The guest executes VMCALL with the number in
 * RAX and up to four arguments in RCX, RDX, R8 and R9; the result comes back in RAX, every other
 * register is preserved. Only the kernel image may execute VMCALL: in a driver it is #UD.
 *
 * Numbers are append-only; RD_ABI_VERSION changes when a meaning does. The loader block carries the
 * version, so a guest and a host of different builds refuse each other instead of misbehaving.
 */
#ifndef RD_ABI_HYPERCALL_H
#define RD_ABI_HYPERCALL_H

#define RD_ABI_VERSION 1u

enum rd_hypercall {
    RD_HC_PRINT = 1,        /* rcx text, rdx bytes: DbgPrint output */
    RD_HC_BUGCHECK = 2,     /* rcx code, rdx address of four 64-bit parameters: a violation; no return */
    RD_HC_ASSERT = 3,       /* rcx text, rdx file, r8 line: a bug of the guest kernel; no return */
    RD_HC_IPI = 4,          /* rcx processor, rdx IRQL of the software interrupt (1 APC, 2 DISPATCH) */
    RD_HC_AWAIT = 5,        /* rcx address, rdx bytes: block this processor until somebody else writes there */
    RD_HC_LOAD_IMAGE = 6,   /* rcx struct rd_image_request; rax 0 or NTSTATUS */
    RD_HC_UNLOAD_IMAGE = 7, /* rcx base: from here on nothing may execute or touch the image */
    RD_HC_POOL_ALLOC = 8,   /* rcx block, rdx bytes, r8 tag, r9 pool type: the bytes become valid */
    RD_HC_POOL_FREE = 9,    /* rcx block: poisoned; rax 0, or 1 when no block starts there, 2 when already freed */
    RD_HC_MAP = 10,         /* rcx address, rdx bytes, r8 shadow code (abi/shadow.h): system structures, stacks */
    RD_HC_THREAD = 11,      /* rcx struct rd_thread of a new thread: the machine reads it from now on */
    RD_HC_TIMER = 12,       /* rcx due time in 100 ns or ~0: earliest armed timer, makes processor 0 runnable */
    RD_HC_CHOOSE = 13,      /* rcx enum rd_choice, rdx n: rax in [0, n), a decision of the explorer */
    RD_HC_EVENT = 14,       /* rcx enum rd_event, rdx r8 r9 operands: a line of the report's interleaving */
    RD_HC_SCHEDULE = 15,    /* a scheduling point inside kernel code (see docs/architecture.md) */
    RD_HC_READY = 16,       /* boot has finished: the state that every execution starts from */
    RD_HC_TOUCH = 17,       /* rcx address, rdx bytes, r8 enum rd_touch: footprint declared by .nolog code */
    RD_HC_TIME = 18,        /* rax: virtual time in 100 ns since boot */
    RD_HC_EXPECT = 19,      /* rcx wanted, rdx got, r8 step index: a scenario's expectation failed; no return */
    RD_HC_SPIN = 20,        /* rcx address, rdx bytes, r8 owner hint: like AWAIT, for spin locks (hang report) */
    RD_HC_FRAME_HOLD = 21,  /* rcx pointer, rdx key, r8 enum rd_hold, r9 1: keep an equal hold. The kernel keeps the pointer
                               at address `key`; if it points into a stack, its frame is remembered (rax 1). rcx 0:
                               forget the holds with keys in [rdx, rdx + r8) */
    RD_HC_FRAME_CHECK = 22, /* rcx pointer, rdx key, r8 bytes, r9 enum rd_frame_use: the kernel is about to use what
                               it holds at `key`. Its frame has ended: a violation */
    RD_HC_FRAME_ENDED = 23, /* rcx new rsp: the frames of the running stack below it have ended without a return */
    RD_HC_UNHANDLED = 24,   /* like BUGCHECK, for an exception that nobody handled: r8 EXCEPTION_RECORD, r9 CONTEXT */
    RD_HC_APC_NOTES = 28,   /* rcx KTHREAD, rdx 1 to blame the latest, else the first: notes, for the KeBugCheckEx that
                               follows, of the changes of its APC disable counts that nothing has undone */
    RD_HC_CAPTURE = 29,     /* rcx array, rdx its length: return addresses of the running stack from the caller's own
                               instruction on, innermost first; rax how many */
    /* The verifier's view of pool: the machine keeps it with its records, where it is nobody's footprint. */
    RD_HC_POOL_OWN = 32,    /* rcx block, rdx owner (VF_DRIVER), r8 caller, r9 RD_POOL_*: a verified driver's block */
    RD_HC_POOL_QUERY = 33,  /* rcx address, rdx struct rd_pool_record: the block that holds it; rax 0 none, 1 found */
    RD_HC_POOL_OWNED = 34,  /* rcx owner, rdx index, r8 struct rd_pool_record: its next block not freed, from index on;
                               rax 0 none, else the index to go on with */
    RD_HC_NOTE = 41,        /* rcx text, rdx return addresses, r8 RD_NOTE_* | count << 32, r9 KTHREAD or 0: a note for the
                               KeBugCheckEx that follows in this step (machine/observe.h) */
};

/* What a held pointer is for. Append-only. */
enum rd_hold {
    RD_HOLD_IRP_EVENT = 1,      /* an IRP's UserEvent */
    RD_HOLD_IRP_STATUS,         /* an IRP's UserIosb */
    RD_HOLD_IRP_BUFFER,         /* the buffer that a request's data goes to */
    RD_HOLD_COMPLETION_CONTEXT, /* the context of a completion routine */
    RD_HOLD_DPC_CONTEXT,
    RD_HOLD_WORK_CONTEXT,
    RD_HOLD_THREAD_CONTEXT,
    RD_HOLD_APC_CONTEXT,
    RD_HOLD_TIMER,              /* objects of the caller's in lists of the kernel */
    RD_HOLD_DPC,
    RD_HOLD_APC,
    RD_HOLD_WORK_ITEM,
    RD_HOLD_QUEUE_ENTRY
};

enum rd_frame_use {
    RD_FRAME_READ,
    RD_FRAME_WRITE,
    RD_FRAME_SIGNAL,
    RD_FRAME_LINK,     /* a list runs through it */
    RD_FRAME_PASS = 8, /* a routine gets the pointer: its accesses are watched, passing is allowed */
    RD_FRAME_PASSED    /* that routine has returned */
};

#define RD_POOL_SPECIAL 1u /* special pool: its bugchecks name misuse of the block */
#define RD_POOL_TRIMMED 2u /* pageable, and verified with force IRQL checking */

/* RD_HC_NOTE, and what machine/observe.h makes of it. */
#define RD_NOTE_LINE 0u
#define RD_NOTE_STACK 1u
#define RD_NOTE_LOG 2u
#define RD_NOTE_THREAD 3u
#define RD_NOTE_EXACT 0x100u
#define RD_NOTE_BLAME 0x200u

enum rd_touch { RD_TOUCH_READ = 0, RD_TOUCH_WRITE = 1, RD_TOUCH_COUNT = 2 };

enum rd_choice {
    RD_CHOICE_ALLOCATION = 1, /* 1: this allocation fails */
    RD_CHOICE_PEND = 2,       /* 1: the lower device pends */
};

/* Events: what a driver engineer wants to see in the interleaving. Operands in the comment. */
enum rd_event {
    RD_EVENT_STEP_BEGIN = 1,  /* scenario step index, opcode */
    RD_EVENT_STEP_END,        /* scenario step index, NTSTATUS */
    RD_EVENT_APC_QUEUE,       /* KAPC, target thread */
    RD_EVENT_APC_DELIVER,     /* KAPC, routine, enum rd_apc_routine */
    RD_EVENT_DISPATCH,        /* IRP, device, major << 8 | minor */
    RD_EVENT_COMPLETE,        /* IRP, status */
    RD_EVENT_IMAGE_LOAD,      /* base, driver object */
    RD_EVENT_IMAGE_UNLOAD,    /* base */
    RD_EVENT_UNLOAD_ROUTINE,  /* driver object, routine */
    RD_EVENT_DRIVER_ENTRY,    /* driver object, routine */
    RD_EVENT_WAIT,            /* object, reason */
    RD_EVENT_WAKE,            /* thread, status */
    RD_EVENT_SIGNAL,          /* object */
    RD_EVENT_THREAD_EXIT,     /* thread */
    RD_EVENT_TIMER,           /* timer, due */
    RD_EVENT_DPC,             /* dpc, routine */
    RD_EVENT_WORK_ITEM,       /* item, routine */
    RD_EVENT_TOLD_APART = 39, /* a driver asked for a number or name that tells this thread or processor from its equals */
    RD_EVENT_EXCEPTION = 40,  /* status, address of the instruction, second parameter (the address of an access) */
};

enum rd_apc_routine { RD_APC_KERNEL = 1, RD_APC_NORMAL = 2, RD_APC_RUNDOWN = 3 };

#endif
