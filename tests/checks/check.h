/*
 * What a check's driver is made of. driver.c is the driver; a check brings two bodies, bad.c with
 * the mistake and clean.c without it. The client of the scenario sends IOCTL_CHECK(0); a second
 * thread, where a scenario has one, sends IOCTL_CHECK(1).
 */
#ifndef TESTS_CHECKS_CHECK_H
#define TESTS_CHECKS_CHECK_H

#include <ntifs.h>

#define CHECK_TAG 'kehC'
#define IOCTL_CHECK(n) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (n), METHOD_BUFFERED, FILE_ANY_ACCESS)

/* Runs in the dispatch routine, at PASSIVE_LEVEL, in the client's thread. */
NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number);
/* Last act of the driver but deleting its device. */
VOID CheckUnload(VOID);

/* Helpers. */
typedef struct _CHECK_THREAD
{
    PKTHREAD Thread;
} CHECK_THREAD;
VOID CheckStartThread(CHECK_THREAD *Thread, PKSTART_ROUTINE Routine, PVOID Context);
VOID CheckJoinThread(CHECK_THREAD *Thread);
LARGE_INTEGER CheckRelative(ULONG Milliseconds);

/* A second device of the driver, whose dispatch completes every request with success at once: IOCTL_CHECK(1) with as
 * much output as there is room for. It pends IRP_MJ_SYSTEM_CONTROL and leaves the rest to the sender. */
PDEVICE_OBJECT CheckLowerDevice(VOID);
/* Sends a threaded request to it, which is completed behind the call and inside a guarded region that the caller has to
 * leave: until then the second half of its completion, an APC, is held back. */
VOID CheckSendHeldBack(PIRP Irp);

/* A check that defines it answers for every other device itself. Common, so that it may. */
extern PDRIVER_DISPATCH CheckLowerDispatch;

/* A check that defines it is a driver of PnP as well. */
extern PDRIVER_ADD_DEVICE CheckAddDevice;

/* The kit's _enable and _disable are intrinsics of Microsoft's compiler. */
static __inline VOID CheckInterrupts(BOOLEAN Enable)
{
    if (Enable)
    {
        __asm__ volatile("sti" : : : "memory");
    }
    else
    {
        __asm__ volatile("cli" : : : "memory");
    }
}

/* Keeps the compiler from seeing through a value. */
static __inline PVOID CheckOpaque(PVOID Value)
{
    static PVOID volatile Place;

    Place = Value;
    return Place;
}

#endif
