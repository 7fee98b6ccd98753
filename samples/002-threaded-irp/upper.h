/*
 * What the upper driver's parts share: upper.c takes a control request and asks the lower driver
 * something on its way; send-ioctl.c and own-irp.c say how it asks, and one file a variant says in what
 * surroundings.
 */
#ifndef UPPER_H
#define UPPER_H

#include <ntddk.h>

#include "nothing.h"

extern FAST_MUTEX UpperMutex;

/* How it asks. */
VOID SendAnIoctl(PDEVICE_OBJECT TargetDevice);

/* The variant's: asks the target, with the mount in progress. */
VOID AskAndMount(PDEVICE_OBJECT TargetDevice);

/* Work behind the answer, deep in stack. */
VOID MountVolume(VOID);

#endif
