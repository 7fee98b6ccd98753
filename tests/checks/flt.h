/*
 * A check's driver as a minifilter on the volume C:. It registers in the check's body and opens files itself.
 */
#ifndef TESTS_CHECKS_FLT_H
#define TESTS_CHECKS_FLT_H

#include <fltKernel.h>

#include "check.h"

static PFLT_FILTER Filter;

static inline VOID FilterStart(PDEVICE_OBJECT DeviceObject, const FLT_OPERATION_REGISTRATION *Operations,
                               const FLT_CONTEXT_REGISTRATION *Contexts)
{
    FLT_REGISTRATION Registration = {
        .Size = sizeof Registration,
        .Version = FLT_REGISTRATION_VERSION,
        .OperationRegistration = Operations,
        .ContextRegistration = Contexts,
    };

    FltRegisterFilter(DeviceObject->DriverObject, &Registration, &Filter);
    FltStartFiltering(Filter);
}

/* Opens and closes a file, which the filter sees. */
static inline VOID FilterOpenFile(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\??\\C:\\file");
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    HANDLE Handle;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    if (NT_SUCCESS(ZwCreateFile(&Handle, FILE_GENERIC_READ | FILE_GENERIC_WRITE, &Attributes, &IoStatus, NULL,
                                FILE_ATTRIBUTE_NORMAL, FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN_IF,
                                FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0)))
    {
        ZwClose(Handle);
    }
}

#endif
