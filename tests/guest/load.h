/*
 * Tests of loading, unloading and requests from user mode, which a scenario drives from outside.
 * The driver is linked with nothing else; it counts what happens to it and judges in the last
 * routine that it expects to be called, so a routine that never comes shows as a missing plan.
 */
#ifndef TESTS_GUEST_LOAD_H
#define TESTS_GUEST_LOAD_H

#include <ntifs.h>

static ULONG LoadNumber;

static __inline VOID LoadPlan(ULONG Count)
{
    LoadNumber = 0;
    DbgPrint("1..%u\n", Count);
}

static __inline VOID LoadOk(BOOLEAN Holds, const char *Name)
{
    DbgPrint("%s %u - %s\n", Holds ? "ok" : "not ok", ++LoadNumber, Name);
}

static __inline NTSTATUS LoadComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* A device and a link of the same name. */
static __inline NTSTATUS LoadCreateDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT *DeviceObject)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\LoadTest");
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\DosDevices\\LoadTest");
    NTSTATUS Status =
        IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, DeviceObject);

    return NT_SUCCESS(Status) ? IoCreateSymbolicLink(&Link, &Name) : Status;
}

static __inline VOID LoadDeleteDevice(PDEVICE_OBJECT DeviceObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\DosDevices\\LoadTest");

    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(DeviceObject);
}

#endif
