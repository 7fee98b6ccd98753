/*
 * Stops the system at DISPATCH_LEVEL with two DPCs queued, behind a request that went down a stack of two devices and under a
 * frame whose nonvolatile registers hold values that are known.
 */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
KDPC First, Second;
PDEVICE_OBJECT Upper, Lower;
WCHAR Wide[] = L"wide text";
CHAR Narrow[] = "narrow text";
PVOID Pointers[] = { Narrow, (PVOID)DriverEntry };

VOID NTAPI WithKnownRegisters(ULONG_PTR Argument);
VOID NTAPI StopWithOthers(ULONG_PTR Argument);

/* Saves what it must keep, fills it with numbers, and calls. */
__asm__(".text\n"
        ".globl WithKnownRegisters\n"
        ".seh_proc WithKnownRegisters\n"
        "WithKnownRegisters:\n"
        "    pushq %rbx\n"
        "    .seh_pushreg %rbx\n"
        "    pushq %rbp\n"
        "    .seh_pushreg %rbp\n"
        "    pushq %rsi\n"
        "    .seh_pushreg %rsi\n"
        "    pushq %rdi\n"
        "    .seh_pushreg %rdi\n"
        "    pushq %r12\n"
        "    .seh_pushreg %r12\n"
        "    pushq %r13\n"
        "    .seh_pushreg %r13\n"
        "    pushq %r14\n"
        "    .seh_pushreg %r14\n"
        "    pushq %r15\n"
        "    .seh_pushreg %r15\n"
        "    subq $40, %rsp\n"
        "    .seh_stackalloc 40\n"
        "    .seh_endprologue\n"
        "    movabsq $0x1111111111111111, %rbx\n"
        "    movabsq $0x2222222222222222, %rbp\n"
        "    movabsq $0x3333333333333333, %rsi\n"
        "    movabsq $0x4444444444444444, %rdi\n"
        "    movabsq $0x5555555555555555, %r12\n"
        "    movabsq $0x6666666666666666, %r13\n"
        "    movabsq $0x7777777777777777, %r14\n"
        "    movabsq $0x8888888888888888, %r15\n"
        "    call StopWithOthers\n"
        "    addq $40, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rdi\n"
        "    popq %rsi\n"
        "    popq %rbp\n"
        "    popq %rbx\n"
        "    ret\n"
        "    .seh_endproc\n");

/* The compiler saves all of them in the prologue, since they are overwritten here. */
__attribute__((noinline)) VOID NTAPI StopWithOthers(ULONG_PTR Argument)
{
    __asm__ volatile("xorl %%ebx, %%ebx\n xorl %%esi, %%esi\n xorl %%edi, %%edi\n xorl %%r12d, %%r12d\n xorl %%r13d, %%r13d\n"
                     "xorl %%r14d, %%r14d\n xorl %%r15d, %%r15d"
                     :
                     :
                     : "rbx", "rsi", "rdi", "r12", "r13", "r14", "r15", "cc");
    KeBugCheckEx(0xE2, Argument, 2, 3, 4);
}

static VOID NTAPI Routine(PKDPC Dpc, PVOID Context, PVOID A, PVOID B)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(A);
    UNREFERENCED_PARAMETER(B);
}

static NTSTATUS NTAPI Success(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI Control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL Old;

    if (DeviceObject == Lower)
        return Success(DeviceObject, Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    IoCallDriver(Lower, Irp);
    KeRaiseIrql(DISPATCH_LEVEL, &Old);
    KeInsertQueueDpc(&First, NULL, NULL);
    KeInsertQueueDpc(&Second, NULL, NULL);
    WithKnownRegisters((ULONG_PTR)&First);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name, Link;

    UNREFERENCED_PARAMETER(RegistryPath);
    RtlInitUnicodeString(&Name, L"\\Device\\Queued");
    RtlInitUnicodeString(&Link, L"\\DosDevices\\Queued");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Success;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = Success;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = Success;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    KeInitializeDpc(&First, Routine, NULL);
    KeInitializeDpc(&Second, Routine, NULL);
    IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Lower);
    Lower->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Upper);
    Upper->StackSize = 2;
    IoCreateSymbolicLink(&Link, &Name);
    return STATUS_SUCCESS;
}
