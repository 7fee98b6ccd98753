/* Stops the system as the kernel does for an unhandled exception, with records of its own: the exception is said to have happened in
 * DriverEntry, behind the call of Raise. */
#include <ntddk.h>

static EXCEPTION_RECORD Record;
static CONTEXT Context __attribute__((aligned(16)));

static __attribute__((noinline)) VOID Raise(VOID)
{
    Record.ExceptionCode = STATUS_ACCESS_VIOLATION;
    Record.ExceptionAddress = __builtin_return_address(0);
    Record.NumberParameters = 2;
    Record.ExceptionInformation[0] = 1;
    Record.ExceptionInformation[1] = 0x18;
    Context.ContextFlags = CONTEXT_FULL;
    Context.Rip = (ULONG64)(ULONG_PTR)__builtin_return_address(0);
    Context.Rsp = (ULONG64)(ULONG_PTR)__builtin_frame_address(0) + 16;
    Context.Rax = 0x1122334455667788;
    Context.R15 = 0xF15;
    Context.SegCs = 0x10;
    Context.SegSs = 0x18;
    Context.EFlags = 0x246;
    KeBugCheckEx(0x7E, (ULONG)STATUS_ACCESS_VIOLATION, (ULONG_PTR)Record.ExceptionAddress, (ULONG_PTR)&Record,
                 (ULONG_PTR)&Context);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    Raise();
    return STATUS_UNSUCCESSFUL;
}
