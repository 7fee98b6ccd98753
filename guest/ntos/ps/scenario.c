/*
 * The scenario executor: each scenario thread runs its list of steps, and each step is a system
 * call as a user-mode program would make it: enter, the Nt routine, exit. The step structures stand
 * in for the program's memory, so they are not probed; data buffers lie in the user range and are.
 *
 * A kernel client (RD_STEP_KERNEL) is a component that got hold of a device object earlier: it
 * references that object, builds its own IRPs and waits for them with its own completion routine.
 */
#include "guest/include/exp.h"
#include "guest/include/iop.h"
#include "guest/include/psp.h"
#include "guest/ntos/ps/scenario.h"

#define RD_SLICE 0xF000ull /* of the user range, for each thread and for the setup */

static PRD_CONTEXT RdThreadContexts[RD_MAX_CPUS];
static PETHREAD RdThreads[RD_MAX_CPUS];
static volatile LONG RdUserApcsDelivered;

PRD_SLOT RdSlotOf(PRD_CONTEXT Context, const struct rd_step *Step)
{
    return Step->slot < RD_SLOTS ? &Context->Slot[Step->slot] : NULL;
}

/* Bytes of the thread's slice; they may be used again when no request is outstanding. */
PVOID RdUserBuffer(PRD_CONTEXT Context, ULONG Bytes)
{
    ULONG64 At = Context->UserNext;

    if (Bytes == 0)
    {
        return NULL;
    }
    if (Bytes > Context->UserEnd - At)
    {
        return NULL;
    }
    Context->UserNext = (At + Bytes + 15) & ~15ull;
    return (PVOID)(ULONG_PTR)At;
}

static VOID RdReleaseBuffers(PRD_CONTEXT Context)
{
    for (ULONG i = 0; i < RD_SLOTS; i++)
    {
        if (Context->Slot[i].Pending)
        {
            return;
        }
    }
    Context->UserNext = Context->UserStart;
}

/* The native name of what a program names: \\.\X and plain X are \??\X. */
VOID RdNativeName(ULONG64 Text, PUNICODE_STRING Name, PWCHAR Buffer, ULONG Characters)
{
    PCWSTR From = (PCWSTR)(ULONG_PTR)Text;
    ULONG Count = 0;

    if (From[0] == L'\\' && From[1] == L'\\' && (From[2] == L'.' || From[2] == L'?') &&
        From[3] == L'\\')
    {
        From += 4;
        RtlCopyMemory(Buffer, L"\\??\\", 4 * sizeof(WCHAR));
        Count = 4;
    }
    else if (From[0] != L'\\')
    {
        RtlCopyMemory(Buffer, L"\\??\\", 4 * sizeof(WCHAR));
        Count = 4;
    }
    while (*From != 0 && Count < Characters)
    {
        Buffer[Count++] = *From++;
    }
    Name->Buffer = Buffer;
    Name->Length = (USHORT)(Count * sizeof(WCHAR));
    Name->MaximumLength = (USHORT)(Characters * sizeof(WCHAR));
}

static UNICODE_STRING RdText(ULONG64 Text)
{
    UNICODE_STRING Name;

    RtlInitUnicodeString(&Name, (PCWSTR)(ULONG_PTR)Text);
    return Name;
}

/* A handle must allow asynchronous requests if a later step of the thread makes one on it. */
static BOOLEAN RdNeedsAsynchronous(PRD_CONTEXT Context, const struct rd_step *Open)
{
    for (const struct rd_step *Step = Open + 1; Step < Context->Steps + Context->StepCount; Step++)
    {
        if (Step->slot == Open->slot && (Step->flags & RD_STEP_ASYNC))
        {
            return TRUE;
        }
    }
    return FALSE;
}

static NTSTATUS RdOpen(PRD_CONTEXT Context, const struct rd_step *Step)
{
    PRD_SLOT Slot = RdSlotOf(Context, Step);
    ULONG Options = RdNeedsAsynchronous(Context, Step) ? 0 : FILE_SYNCHRONOUS_IO_NONALERT;
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Name;
    WCHAR Buffer[RD_NAME_CHARACTERS];
    ULONG Share = Step->code >> 4 & 15, Disposition = Step->code & 15;
    NTSTATUS Status;

    RdNativeName(Step->text, &Name, Buffer, sizeof Buffer / sizeof Buffer[0]);
    if (Step->flags & RD_STEP_KERNEL)
    {
        return RdKernelOpen(Slot, &Name);
    }
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    Status = NtCreateFile(
        &Slot->Handle, Step->value != 0 ? (ACCESS_MASK)Step->value : GENERIC_READ_WRITE, &Attributes,
        Slot->IoStatus, NULL, FILE_ATTRIBUTE_NORMAL,
        Share != 0 ? Share - 1 : FILE_SHARE_READ | FILE_SHARE_WRITE,
        Disposition != 0 ? Disposition - 1 : FILE_OPEN, Options | Step->code >> 8, NULL, 0);
    if (!NT_SUCCESS(Status))
    {
        Slot->Handle = NULL;
    }
    return Status;
}

static NTSTATUS RdClose(PRD_SLOT Slot)
{
    HANDLE Handle = Slot->Handle;

    Slot->Handle = NULL;
    return NtClose(Handle);
}

static NTSTATUS RdWaitForSlot(PRD_SLOT Slot)
{
    NTSTATUS Status;

    if (!Slot->Pending)
    {
        return Slot->Status;
    }
    Status = NtWaitForSingleObject(Slot->Handle, FALSE, NULL);
    if (Status == STATUS_SUCCESS)
    {
        Slot->Pending = FALSE;
        Slot->Status = Slot->IoStatus->Status;
        return Slot->Status;
    }
    return Status;
}

/* Read, write, control. */
static NTSTATUS RdRequest(PRD_CONTEXT Context, const struct rd_step *Step)
{
    PRD_SLOT Slot = RdSlotOf(Context, Step);
    PVOID Input = RdUserBuffer(Context, Step->input_size);
    PVOID Output = RdUserBuffer(Context, Step->output_size);
    LARGE_INTEGER Offset = {.QuadPart = Step->value};
    NTSTATUS Status;

    if ((Step->input_size != 0 && Input == NULL) || (Step->output_size != 0 && Output == NULL))
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlCopyMemory(Input, (PVOID)(ULONG_PTR)Step->input, Step->input_size);
    if (Step->flags & RD_STEP_KERNEL)
    {
        return RdKernelRequest(Slot, Step, Input, Output);
    }
    switch (Step->op)
    {
    case RD_OP_READ:
        Status = NtReadFile(Slot->Handle, NULL, NULL, NULL, Slot->IoStatus, Output,
                            Step->output_size, &Offset, NULL);
        break;
    case RD_OP_WRITE:
        Status = NtWriteFile(Slot->Handle, NULL, NULL, NULL, Slot->IoStatus, Input,
                             Step->input_size, &Offset, NULL);
        break;
    case RD_OP_FSCTL:
        Status = NtFsControlFile(Slot->Handle, NULL, NULL, NULL, Slot->IoStatus, Step->code, Input,
                                 Step->input_size, Output, Step->output_size);
        break;
    default:
        Status = NtDeviceIoControlFile(Slot->Handle, NULL, NULL, NULL, Slot->IoStatus, Step->code,
                                       Input, Step->input_size, Output, Step->output_size);
        break;
    }
    Slot->Status = Status;
    Slot->Pending = Status == STATUS_PENDING;
    return Slot->Pending && !(Step->flags & RD_STEP_ASYNC) ? RdWaitForSlot(Slot) : Status;
}

static NTSTATUS RdQuery(PRD_CONTEXT Context, const struct rd_step *Step)
{
    PRD_SLOT Slot = RdSlotOf(Context, Step);
    PVOID Output = RdUserBuffer(Context, Step->output_size);

    return NtQueryInformationFile(Slot->Handle, Slot->IoStatus, Output, Step->output_size,
                                  (FILE_INFORMATION_CLASS)Step->code);
}

static NTSTATUS RdCancel(PRD_SLOT Slot)
{
    IO_STATUS_BLOCK IoStatus;

    return NtCancelIoFile(Slot->Handle, &IoStatus);
}

static VOID NTAPI RdApcKernelRoutine(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine,
                                     PVOID *NormalContext, PVOID *SystemArgument1,
                                     PVOID *SystemArgument2)
{
    ExFreePool(Apc);
}

static VOID NTAPI RdApcRundownRoutine(PKAPC Apc)
{
    ExFreePool(Apc);
}

/* Stands for the program's own routine. */
static VOID NTAPI RdUserApcRoutine(PVOID NormalContext, PVOID SystemArgument1,
                                   PVOID SystemArgument2)
{
    RdUserApcsDelivered++;
}

static NTSTATUS RdQueueApc(PETHREAD Thread)
{
    PKAPC Apc = ExpAllocateKernelPool(sizeof *Apc, 0x63704152); /* 'RApc' */

    KeInitializeApc(Apc, &Thread->Tcb, OriginalApcEnvironment, RdApcKernelRoutine,
                    RdApcRundownRoutine, RdUserApcRoutine, UserMode, NULL);
    if (!KeInsertQueueApc(Apc, NULL, NULL, 0))
    {
        ExFreePool(Apc);
        return STATUS_UNSUCCESSFUL;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS RdThreadStep(const struct rd_step *Step)
{
    PETHREAD Thread;

    if (Step->value < 0 || Step->value >= RdLoaderBlock->thread_count)
    {
        return STATUS_INVALID_PARAMETER;
    }
    Thread = RdThreads[Step->value];
    switch (Step->op)
    {
    case RD_OP_SUSPEND:
        return PsSuspendThread(Thread, NULL);
    case RD_OP_RESUME:
        return PsResumeThread(Thread, NULL);
    case RD_OP_TERMINATE:
        return PsTerminateThread(Thread, STATUS_SUCCESS);
    case RD_OP_ALERT:
        KeAlertThread(&Thread->Tcb, UserMode);
        return STATUS_SUCCESS;
    default:
        return RdQueueApc(Thread);
    }
}

static NTSTATUS RdDelay(const struct rd_step *Step)
{
    LARGE_INTEGER Interval = {.QuadPart = Step->value};

    return KeDelayExecutionThread(UserMode, (Step->flags & RD_STEP_ALERTABLE) != 0, &Interval);
}

static NTSTATUS RdDeviceStep(const struct rd_step *Step)
{
    UNICODE_STRING Name = RdText(Step->text), Drivers;

    switch (Step->op)
    {
    case RD_OP_ADD_DEVICE:
        Drivers = RdText(Step->text2);
        return IopPnpAddDevice(&Name, &Drivers);
    case RD_OP_START_DEVICE:
        return IopPnpRequest(&Name, IRP_MJ_PNP, IRP_MN_START_DEVICE, 0);
    case RD_OP_QUERY_REMOVE:
        return IopPnpRequest(&Name, IRP_MJ_PNP, IRP_MN_QUERY_REMOVE_DEVICE, 0);
    case RD_OP_CANCEL_REMOVE:
        return IopPnpRequest(&Name, IRP_MJ_PNP, IRP_MN_CANCEL_REMOVE_DEVICE, 0);
    case RD_OP_REMOVE_DEVICE:
        return IopPnpRequest(&Name, IRP_MJ_PNP, IRP_MN_REMOVE_DEVICE, 0);
    case RD_OP_SURPRISE_REMOVE:
        return IopPnpRequest(&Name, IRP_MJ_PNP, IRP_MN_SURPRISE_REMOVAL, 0);
    case RD_OP_QUERY_CAPABILITIES:
        return IopPnpRequest(&Name, IRP_MJ_PNP, IRP_MN_QUERY_CAPABILITIES, 0);
    case RD_OP_QUERY_POWER:
        return IopPnpRequest(&Name, IRP_MJ_POWER, IRP_MN_QUERY_POWER, Step->code);
    default:
        return IopPnpRequest(&Name, IRP_MJ_POWER, IRP_MN_SET_POWER, Step->code);
    }
}

static NTSTATUS RdSlotStep(PRD_CONTEXT Context, const struct rd_step *Step)
{
    PRD_SLOT Slot = RdSlotOf(Context, Step);
    BOOLEAN Kernel = (Step->flags & RD_STEP_KERNEL) != 0;

    if (Slot == NULL)
    {
        return STATUS_INVALID_HANDLE;
    }
    switch (Step->op)
    {
    case RD_OP_OPEN:
        return RdOpen(Context, Step);
    case RD_OP_CLOSE:
        return Kernel ? RdKernelClose(Slot) : RdClose(Slot);
    case RD_OP_READ:
    case RD_OP_WRITE:
    case RD_OP_IOCTL:
    case RD_OP_FSCTL:
        return RdRequest(Context, Step);
    case RD_OP_FLUSH:
        return Kernel ? RdKernelRequest(Slot, Step, NULL, NULL)
                      : NtFlushBuffersFile(Slot->Handle, Slot->IoStatus);
    case RD_OP_QUERY:
        return Kernel ? STATUS_INVALID_DEVICE_REQUEST : RdQuery(Context, Step);
    case RD_OP_WAIT:
        return Kernel ? RdKernelWait(Slot) : RdWaitForSlot(Slot);
    case RD_OP_SET_INFO:
    case RD_OP_RENAME:
    case RD_OP_LIST:
    case RD_OP_QUERY_VOLUME:
        return Kernel ? STATUS_INVALID_DEVICE_REQUEST : RdFileStep(Context, Step);
    default:
        return Kernel ? RdKernelCancel(Slot) : RdCancel(Slot);
    }
}

static NTSTATUS RdExecute(PRD_CONTEXT Context, const struct rd_step *Step)
{
    UNICODE_STRING Name;

    switch (Step->op)
    {
    case RD_OP_OPEN:
    case RD_OP_CLOSE:
    case RD_OP_READ:
    case RD_OP_WRITE:
    case RD_OP_IOCTL:
    case RD_OP_FLUSH:
    case RD_OP_QUERY:
    case RD_OP_WAIT:
    case RD_OP_CANCEL:
    case RD_OP_SET_INFO:
    case RD_OP_RENAME:
    case RD_OP_LIST:
    case RD_OP_QUERY_VOLUME:
    case RD_OP_FSCTL:
        return RdSlotStep(Context, Step);
    case RD_OP_LOAD:
        Name = RdText(Step->text);
        return NtLoadDriver(&Name);
    case RD_OP_UNLOAD:
        Name = RdText(Step->text);
        return NtUnloadDriver(&Name);
    case RD_OP_SUSPEND:
    case RD_OP_RESUME:
    case RD_OP_TERMINATE:
    case RD_OP_ALERT:
    case RD_OP_QUEUE_APC:
        return RdThreadStep(Step);
    case RD_OP_DELAY:
        return RdDelay(Step);
    case RD_OP_ADD_DEVICE:
    case RD_OP_START_DEVICE:
    case RD_OP_QUERY_REMOVE:
    case RD_OP_CANCEL_REMOVE:
    case RD_OP_REMOVE_DEVICE:
    case RD_OP_SURPRISE_REMOVE:
    case RD_OP_POWER:
    case RD_OP_QUERY_CAPABILITIES:
    case RD_OP_QUERY_POWER:
        return RdDeviceStep(Step);
    case RD_OP_ATTACH_FILTER:
    case RD_OP_DETACH_FILTER:
    case RD_OP_UNLOAD_FILTER:
        return RdFilterStep(Context, Step);
    case RD_OP_FAIL_ALLOCATIONS:
        ExpSetFaultBudget((ULONG)Step->value);
        return STATUS_SUCCESS;
    case RD_OP_EXERCISE:
        return RdExercise(Context);
    case RD_OP_MOUNT:
        return RdMount(Step);
    case RD_OP_DELETE:
        return RdDelete(Step);
    default:
        RdAssertFailed("a scenario step of a known kind", __FILE__, Step->op);
    }
}

/* What 0x1 and 0x4A name as the system service. */
static PVOID RdServiceOf(ULONG Operation)
{
    switch (Operation)
    {
    case RD_OP_OPEN:
        return (PVOID)(ULONG_PTR)NtCreateFile;
    case RD_OP_CLOSE:
        return (PVOID)(ULONG_PTR)NtClose;
    case RD_OP_READ:
        return (PVOID)(ULONG_PTR)NtReadFile;
    case RD_OP_WRITE:
        return (PVOID)(ULONG_PTR)NtWriteFile;
    case RD_OP_IOCTL:
        return (PVOID)(ULONG_PTR)NtDeviceIoControlFile;
    case RD_OP_FLUSH:
        return (PVOID)(ULONG_PTR)NtFlushBuffersFile;
    case RD_OP_QUERY:
        return (PVOID)(ULONG_PTR)NtQueryInformationFile;
    case RD_OP_LOAD:
        return (PVOID)(ULONG_PTR)NtLoadDriver;
    case RD_OP_UNLOAD:
        return (PVOID)(ULONG_PTR)NtUnloadDriver;
    case RD_OP_WAIT:
        return (PVOID)(ULONG_PTR)NtWaitForSingleObject;
    case RD_OP_CANCEL:
        return (PVOID)(ULONG_PTR)NtCancelIoFile;
    case RD_OP_SET_INFO:
    case RD_OP_RENAME:
        return (PVOID)(ULONG_PTR)NtSetInformationFile;
    case RD_OP_DELETE:
        return (PVOID)(ULONG_PTR)NtDeleteFile;
    case RD_OP_LIST:
        return (PVOID)(ULONG_PTR)NtQueryDirectoryFile;
    case RD_OP_QUERY_VOLUME:
        return (PVOID)(ULONG_PTR)NtQueryVolumeInformationFile;
    case RD_OP_FSCTL:
        return (PVOID)(ULONG_PTR)NtFsControlFile;
    case RD_OP_ATTACH_FILTER:
    case RD_OP_DETACH_FILTER:
    case RD_OP_UNLOAD_FILTER:
        return (PVOID)(ULONG_PTR)NtDeviceIoControlFile;
    default:
        return (PVOID)(ULONG_PTR)RdExecute;
    }
}

static VOID RdRunStep(PRD_CONTEXT Context, ULONG Index)
{
    const struct rd_step *Step = &Context->Steps[Index];
    PKTHREAD Thread = KiCurrentThread();
    KPROCESSOR_MODE Mode = Thread->PreviousMode;
    PVOID Service = RdServiceOf(Step->op);
    NTSTATUS Status;

    RdReleaseBuffers(Context);
    RdEvent(RD_EVENT_STEP_BEGIN, Index, Step->op, 0);
    KiSystemServiceEnter(Service);
    if (Step->flags & RD_STEP_KERNEL)
    {
        Thread->PreviousMode = KernelMode;
    }
    Status = KiSystemServiceCopyEnd(RdExecute, Context, Step);
    Thread->PreviousMode = Mode;
    KiSystemServiceExit(Service);
    RdEvent(RD_EVENT_STEP_END, Index, (ULONG)Status, 0);
    if ((Step->flags & RD_STEP_EXPECT) && Status != (NTSTATUS)(ULONG)Step->text2)
    {
        RdExpectFailed((NTSTATUS)(ULONG)Step->text2, Status, Index);
    }
}

static VOID NTAPI RdScenarioThread(PVOID Parameter)
{
    PRD_CONTEXT Context = Parameter;

    for (ULONG i = 0; i < Context->StepCount; i++)
    {
        RdRunStep(Context, i);
        RdSchedule(); /* user mode: whatever another thread asks for may come before the next verb, or the thread's end */
    }
}

static PRD_CONTEXT RdMakeContext(ULONG Slice, const struct rd_step *Steps, ULONG StepCount)
{
    PRD_CONTEXT Context = ExpAllocateKernelPool(sizeof *Context, 0x6E654352); /* 'RCen' */
    ULONG64 Start = RD_USER_BASE + Slice * RD_SLICE;

    RD_KASSERT((Slice + 1) * RD_SLICE <= RD_USER_SIZE);
    RtlZeroMemory(Context, sizeof *Context);
    RdMap((PVOID)(ULONG_PTR)Start, RD_SLICE, RD_SHADOW_VALID);
    Context->Steps = Steps;
    Context->StepCount = StepCount;
    for (ULONG i = 0; i < RD_SLOTS; i++)
    {
        Context->Slot[i].IoStatus =
            (PIO_STATUS_BLOCK)(ULONG_PTR)(Start + i * sizeof(IO_STATUS_BLOCK));
    }
    Context->UserStart = Start + RD_SLOTS * sizeof(IO_STATUS_BLOCK);
    Context->UserNext = Context->UserStart;
    Context->UserEnd = Start + RD_SLICE;
    return Context;
}

VOID RdRunSetup(VOID)
{
    PRD_CONTEXT Context = RdMakeContext(0, (const struct rd_step *)(ULONG_PTR)RdLoaderBlock->setup,
                                        RdLoaderBlock->setup_count);

    for (ULONG i = 0; i < Context->StepCount; i++)
    {
        RdRunStep(Context, i);
    }
}

VOID RdCreateScenario(VOID)
{
    const struct rd_scenario_thread *Definition = (PVOID)(ULONG_PTR)RdLoaderBlock->threads;

    RD_KASSERT(RdLoaderBlock->thread_count <= RD_MAX_CPUS);
    ObpCreateHandleTable(PsInitialSystemProcess);
    for (ULONG i = 0; i < RdLoaderBlock->thread_count; i++, Definition++)
    {
        RdThreadContexts[i] = RdMakeContext(
            i + 1, (const struct rd_step *)(ULONG_PTR)Definition->steps, Definition->step_count);
        RdThreads[i] = PsCreateScenarioThread(Definition->name, RdScenarioThread,
                                              RdThreadContexts[i], UserMode, i);
        RD_KASSERT(RdThreads[i] != NULL);
        ObpCreateHandleTable(RdThreads[i]->ThreadsProcess);
        RdThreads[i]->ScenarioContext = RdThreadContexts[i];
        if (Definition->priority != 0)
        {
            RdThreads[i]->Tcb.Priority = (SCHAR)Definition->priority;
            RdThreads[i]->Tcb.BasePriority = (SCHAR)Definition->priority;
        }
    }
}

VOID RdStartScenario(VOID)
{
    for (ULONG i = 0; i < RdLoaderBlock->thread_count; i++)
    {
        PsStartThread(RdThreads[i]);
    }
}
