/*
 * The hypercalls, as C functions. Only the kernel image may execute VMCALL; every wrapper is inlined so
 * that a stack shows the caller and not a stub.
 */
#ifndef GUEST_RD_H
#define GUEST_RD_H

#include "abi/address.h"
#include "abi/guest.h"
#include "abi/hypercall.h"
#include "abi/shadow.h"

static inline ULONG64 RdHypercall(ULONG64 Number, ULONG64 A, ULONG64 B, ULONG64 C, ULONG64 D)
{
    register ULONG64 R8 __asm__("r8") = C;
    register ULONG64 R9 __asm__("r9") = D;
    __asm__ volatile("vmcall" : "+a"(Number) : "c"(A), "d"(B), "r"(R8), "r"(R9) : "memory");
    return Number;
}

#define RD_ADDRESS(Pointer) ((ULONG64)(ULONG_PTR)(Pointer))

static inline VOID RdPrint(PCSTR Text, ULONG64 Bytes)
{
    RdHypercall(RD_HC_PRINT, RD_ADDRESS(Text), Bytes, 0, 0);
}
/* A bug of this kernel, never the driver's. */
static inline DECLSPEC_NORETURN VOID RdAssertFailed(PCSTR Text, PCSTR File, ULONG Line)
{
    RdHypercall(RD_HC_ASSERT, RD_ADDRESS(Text), RD_ADDRESS(File), Line, 0);
    for (;;)
    {
    }
}
#define RD_KASSERT(Condition)                                                                      \
    do                                                                                             \
    {                                                                                              \
        if (!(Condition))                                                                          \
        {                                                                                          \
            RdAssertFailed(#Condition, __FILE__, __LINE__);                                        \
        }                                                                                          \
    } while (0)

static inline DECLSPEC_NORETURN VOID RdBugCheck(ULONG Code, const ULONG64 *Parameters)
{
    RdHypercall(RD_HC_BUGCHECK, Code, RD_ADDRESS(Parameters), 0, 0);
    for (;;)
    {
    }
}
/* ... for an exception that nobody handled. */
static inline DECLSPEC_NORETURN VOID RdUnhandledException(
    ULONG Code, const ULONG64 *Parameters, const VOID *ExceptionRecord, const VOID *ContextRecord)
{
    RdHypercall(RD_HC_UNHANDLED, Code, RD_ADDRESS(Parameters), RD_ADDRESS(ExceptionRecord),
        RD_ADDRESS(ContextRecord));
    for (;;)
    {
    }
}
/*
 * A note for the report of the bugcheck that follows at once: Kind is RD_NOTE_LINE, _STACK, _LOG or _THREAD, with
 * RD_NOTE_BLAME when the first driver frame of Frames is to be named as the culprit. Frames are return addresses, innermost first,
 * as RtlCaptureStackBackTrace gives them. Text is ASCII, at most 119 bytes.
 */
static inline VOID RdNote(ULONG Kind, PCSTR Text, const VOID *Frames, ULONG Count, PVOID Thread)
{
    RdHypercall(RD_HC_NOTE, RD_ADDRESS(Text), RD_ADDRESS(Frames), Kind | (ULONG64)Count << 32, RD_ADDRESS(Thread));
}
/* Where the caller stands, and its return addresses, innermost first. */
static inline __attribute__((always_inline)) ULONG RdCaptureStack(ULONG64 *Frames, ULONG Count)
{
    return (ULONG)RdHypercall(RD_HC_CAPTURE, RD_ADDRESS(Frames), Count, 0, 0);
}
/* Notes of the changes of a thread's APC disable counts that nothing has undone. */
static inline VOID RdNoteApcChanges(PVOID Thread, BOOLEAN BlameLatest)
{
    RdHypercall(RD_HC_APC_NOTES, RD_ADDRESS(Thread), BlameLatest, 0, 0);
}
static inline VOID RdSendInterrupt(ULONG Processor, KIRQL Irql)
{
    RdHypercall(RD_HC_IPI, Processor, Irql, 0, 0);
}
/* Block this processor until somebody else writes to [Address, Address + Bytes). */
static inline VOID RdAwait(volatile VOID *Address, ULONG64 Bytes)
{
    RdHypercall(RD_HC_AWAIT, RD_ADDRESS(Address), Bytes, 0, 0);
}
static inline VOID RdSpin(volatile VOID *Address, ULONG64 Bytes, ULONG64 OwnerHint)
{
    RdHypercall(RD_HC_SPIN, RD_ADDRESS(Address), Bytes, OwnerHint, 0);
}
static inline NTSTATUS RdLoadImage(struct rd_image_request *Request)
{
    return (NTSTATUS)RdHypercall(RD_HC_LOAD_IMAGE, RD_ADDRESS(Request), 0, 0, 0);
}
static inline VOID RdUnloadImage(PVOID Base)
{
    RdHypercall(RD_HC_UNLOAD_IMAGE, RD_ADDRESS(Base), 0, 0, 0);
}
static inline VOID RdPoolAllocated(PVOID Block, ULONG64 Bytes, ULONG Tag, ULONG Type)
{
    RdHypercall(RD_HC_POOL_ALLOC, RD_ADDRESS(Block), Bytes, Tag, Type);
}
/* 0; 1: no block starts there; 2: already freed. */
static inline ULONG RdPoolFreed(PVOID Block)
{
    return (ULONG)RdHypercall(RD_HC_POOL_FREE, RD_ADDRESS(Block), 0, 0, 0);
}
/* Pool as the verifier sees it. */
static inline VOID RdPoolOwn(PVOID Block, PVOID Owner, PVOID Caller, ULONG Flags)
{
    RdHypercall(RD_HC_POOL_OWN, RD_ADDRESS(Block), RD_ADDRESS(Owner), RD_ADDRESS(Caller), Flags);
}
static inline BOOLEAN RdPoolQuery(const volatile VOID *Address, struct rd_pool_record *Record)
{
    return RdHypercall(RD_HC_POOL_QUERY, RD_ADDRESS(Address), RD_ADDRESS(Record), 0, 0) != 0;
}
/* Walks what Owner has not freed: *Index begins at 0. */
static inline BOOLEAN RdPoolOwned(PVOID Owner, PULONG Index, struct rd_pool_record *Record)
{
    *Index = (ULONG)RdHypercall(
        RD_HC_POOL_OWNED, RD_ADDRESS(Owner), *Index, RD_ADDRESS(Record), 0);
    return *Index != 0;
}
static inline VOID RdMap(PVOID Address, ULONG64 Bytes, ULONG Shadow)
{
    RdHypercall(RD_HC_MAP, RD_ADDRESS(Address), Bytes, Shadow, 0);
}
static inline VOID RdNewThread(struct rd_thread *Thread)
{
    RdHypercall(RD_HC_THREAD, RD_ADDRESS(Thread), 0, 0, 0);
}
static inline VOID RdArmTimer(ULONG64 DueTime)
{
    RdHypercall(RD_HC_TIMER, DueTime, 0, 0, 0);
}
static inline ULONG RdChoose(ULONG Choice, ULONG Count)
{
    return (ULONG)RdHypercall(RD_HC_CHOOSE, Choice, Count, 0, 0);
}
#define RdEvent(Event, A, B, C)                                                                    \
    RdHypercall(RD_HC_EVENT, (Event), (ULONG64)(A), (ULONG64)(B), (ULONG64)(C))
static inline VOID RdSchedule(VOID)
{
    RdHypercall(RD_HC_SCHEDULE, 0, 0, 0, 0);
}
static inline VOID RdReady(VOID)
{
    RdHypercall(RD_HC_READY, 0, 0, 0, 0);
}
/* Footprint declared by NOLOG code. */
static inline VOID RdTouch(const volatile VOID *Address, ULONG64 Bytes, BOOLEAN Written)
{
    RdHypercall(RD_HC_TOUCH, RD_ADDRESS(Address), Bytes, Written, 0);
}
/* ... of a change of a count: such changes commute, and conflict with whoever looks at it. The caller must know that no order of those
 * that may still come makes a difference: nobody becomes the last one, nobody is refused. */
static inline VOID RdTouchCount(const volatile VOID *Address, ULONG64 Bytes)
{
    RdHypercall(RD_HC_TOUCH, RD_ADDRESS(Address), Bytes, RD_TOUCH_COUNT, 0);
}
/* Virtual time in 100 ns since boot. */
static inline ULONG64 RdTime(VOID)
{
    return RdHypercall(RD_HC_TIME, 0, 0, 0, 0);
}
static inline DECLSPEC_NORETURN VOID RdExpectFailed(NTSTATUS Wanted, NTSTATUS Got, ULONG Step)
{
    RdHypercall(RD_HC_EXPECT, (ULONG)Wanted, (ULONG)Got, Step, 0);
    for (;;)
    {
    }
}

/* In what tells a thread or processor from its equals by number or name: exploration may have taken them for alike. */
#define RdToldApart() RdEvent(RD_EVENT_TOLD_APART, 0, 0, 0)

/*
 * Pointers into stacks that the kernel keeps (docs/architecture.md, "Frames"). Key is the address of the field that keeps the
 * pointer, or of the object that is linked. What does not point into a stack costs two instructions.
 */
static inline BOOLEAN RdOnStack(const volatile VOID *Pointer)
{
    return RD_ADDRESS(Pointer) - RD_STACK_BASE < RD_MAX_STACKS * RD_STACK_STRIDE;
}
static inline VOID RdHoldFrame(const volatile VOID *Pointer, const volatile VOID *Key, ULONG Kind)
{
    if (RdOnStack(Pointer))
    {
        RdHypercall(RD_HC_FRAME_HOLD, RD_ADDRESS(Pointer), RD_ADDRESS(Key), Kind, FALSE);
    }
}
/* The same, unless this very pointer is held there already. */
static inline VOID RdKeepFrame(const volatile VOID *Pointer, const volatile VOID *Key, ULONG Kind)
{
    if (RdOnStack(Pointer))
    {
        RdHypercall(RD_HC_FRAME_HOLD, RD_ADDRESS(Pointer), RD_ADDRESS(Key), Kind, TRUE);
    }
}
static inline VOID RdForgetFrames(const volatile VOID *Key, ULONG64 Bytes)
{
    RdHypercall(RD_HC_FRAME_HOLD, 0, RD_ADDRESS(Key), Bytes, 0);
}
static inline VOID RdCheckFrame(
    const volatile VOID *Pointer, const volatile VOID *Key, ULONG64 Bytes, ULONG Use)
{
    if (RdOnStack(Pointer))
    {
        RdHypercall(RD_HC_FRAME_CHECK, RD_ADDRESS(Pointer), RD_ADDRESS(Key), Bytes, Use);
    }
}
/* Objects that drivers put into lists of the kernel: key and pointer are the same. */
static inline VOID RdHoldObject(const volatile VOID *Object, ULONG Kind)
{
    RdHoldFrame(Object, Object, Kind);
}
static inline VOID RdCheckObject(const volatile VOID *Object, ULONG64 Bytes)
{
    RdCheckFrame(Object, Object, Bytes, RD_FRAME_LINK);
}
static inline VOID RdForgetObject(const volatile VOID *Object)
{
    if (RdOnStack(Object))
    {
        RdForgetFrames(Object, 1);
    }
}
/* Around the call of a routine that gets the pointer. */
static inline VOID RdPassFrame(const volatile VOID *Pointer, const volatile VOID *Key)
{
    RdCheckFrame(Pointer, Key, 0, RD_FRAME_PASS);
}
static inline VOID RdPassedFrame(const volatile VOID *Pointer, const volatile VOID *Key)
{
    RdCheckFrame(Pointer, Key, 0, RD_FRAME_PASSED);
}

#define RdLoaderBlock ((struct rd_loader_block *)(ULONG_PTR)RD_LOADER_BLOCK)

#endif
