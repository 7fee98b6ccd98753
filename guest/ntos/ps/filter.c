/*
 * Requests to the filter manager, as the user-mode library makes them: its control device is opened, asked and closed.
 */
#include "guest/include/fltctl.h"
#include "guest/ntos/ps/scenario.h"

NTSTATUS RdFilterStep(PRD_CONTEXT Context, const struct rd_step *Step)
{
    static UNICODE_STRING Name = RTL_CONSTANT_STRING(FLT_CONTROL_DEVICE);
    ULONG Code = Step->op == RD_OP_ATTACH_FILTER   ? FLT_CONTROL_ATTACH
                 : Step->op == RD_OP_DETACH_FILTER ? FLT_CONTROL_DETACH
                                                   : FLT_CONTROL_UNLOAD;
    ULONG Bytes = (ULONG)wcslen((PCWSTR)(ULONG_PTR)Step->text) * sizeof(WCHAR);
    PIO_STATUS_BLOCK IoStatus = RdUserBuffer(Context, sizeof *IoStatus);
    PVOID Text = RdUserBuffer(Context, Bytes);
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle;
    NTSTATUS Status;

    if (IoStatus == NULL || Text == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlCopyMemory(Text, (PVOID)(ULONG_PTR)Step->text, Bytes);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    Status = NtCreateFile(&Handle, GENERIC_READ_WRITE, &Attributes, IoStatus, NULL, FILE_ATTRIBUTE_NORMAL,
                          FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0);
    if (NT_SUCCESS(Status))
    {
        Status = NtDeviceIoControlFile(Handle, NULL, NULL, NULL, IoStatus, Code, Text, Bytes, NULL, 0);
        NtClose(Handle);
    }
    return Status;
}
