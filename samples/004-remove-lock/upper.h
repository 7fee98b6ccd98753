/*
 * What the upper driver's parts share: upper.c is the filter driver, and one file a variant says
 * how it holds its remove lock around a request that it passes down with a completion routine:
 * reads, control requests, power requests, and two kinds of PnP request.
 */
#ifndef UPPER_H
#define UPPER_H

#include <wdm.h>

#define UPPER_TAG 'eppU'

typedef struct _UPPER_EXTENSION
{
    PDEVICE_OBJECT NextDevice;
    IO_REMOVE_LOCK RemoveLock;
} UPPER_EXTENSION, *PUPPER_EXTENSION;

NTSTATUS CompleteRequest(PIRP Irp, NTSTATUS Status);

/* Power requests have their own way down, up to Windows 7 at least. */
static __inline NTSTATUS CallNextDriver(PUPPER_EXTENSION Extension, PIRP Irp, BOOLEAN Power)
{
    return Power ? PoCallDriver(Extension->NextDevice, Irp)
                 : IoCallDriver(Extension->NextDevice, Irp);
}

/* The variant's. */
NTSTATUS NTAPI UpperForward(PDEVICE_OBJECT DeviceObject, PIRP Irp);

#endif
