/* What the parts of the scenario executor share: a thread's slots and the ways of filling them. */
#ifndef GUEST_PS_SCENARIO_H
#define GUEST_PS_SCENARIO_H

#include "guest/include/iop.h"

#define RD_SLOTS 64u
#define RD_NAME_CHARACTERS 280u
#define GENERIC_READ_WRITE (FILE_GENERIC_READ | FILE_GENERIC_WRITE)

typedef struct _RD_SLOT
{
    HANDLE Handle;
    PIO_STATUS_BLOCK IoStatus; /* in the user range */
    NTSTATUS Status;           /* of the last request, once it is not pending */
    BOOLEAN Pending;
    /* A kernel client's: */
    PDEVICE_OBJECT Device;
    PIRP Irp;
    PVOID Buffer, UserOutput;
    ULONG OutputSize;
    KEVENT Event;
} RD_SLOT, *PRD_SLOT;

typedef struct _RD_CONTEXT
{
    const struct rd_step *Steps;
    ULONG StepCount;
    ULONG64 UserStart, UserNext, UserEnd;
    RD_SLOT Slot[RD_SLOTS];
} RD_CONTEXT, *PRD_CONTEXT;

/* scenario.c */
PRD_SLOT RdSlotOf(PRD_CONTEXT Context, const struct rd_step *Step);
PVOID RdUserBuffer(PRD_CONTEXT Context, ULONG Bytes);
VOID RdNativeName(ULONG64 Text, PUNICODE_STRING Name, PWCHAR Buffer, ULONG Characters);

/* client.c */
NTSTATUS RdKernelOpen(PRD_SLOT Slot, PCUNICODE_STRING Name);
NTSTATUS RdKernelClose(PRD_SLOT Slot);
NTSTATUS RdKernelRequest(PRD_SLOT Slot, const struct rd_step *Step, PVOID Input, PVOID Output);
NTSTATUS RdKernelWait(PRD_SLOT Slot);
NTSTATUS RdKernelCancel(PRD_SLOT Slot);

/* volume.c */
NTSTATUS RdMount(const struct rd_step *Step);
NTSTATUS RdDelete(const struct rd_step *Step);
NTSTATUS RdFileStep(PRD_CONTEXT Context, const struct rd_step *Step);
/* filter.c */
NTSTATUS RdFilterStep(PRD_CONTEXT Context, const struct rd_step *Step);

/* exercise.c */
NTSTATUS RdExercise(PRD_CONTEXT Context);

#endif
