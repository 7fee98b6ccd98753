/*
 * What the upper driver's parts share: upper.c is the filter driver, and one file a variant says
 * how it holds its remove lock around a control request that it passes down with a completion
 * routine.
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

/* The variant's. */
NTSTATUS NTAPI UpperDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp);

#endif
