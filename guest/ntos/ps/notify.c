/*
 * Notify routines for threads, processes and images. A slot's run-down protection covers each call, so removing a
 * routine waits for the calls that are under way (nt-semantics section 10) and may not be done from the routine itself.
 */
#include "guest/include/psp.h"

#define PSP_NOTIFY_SLOTS 64

typedef struct _PSP_NOTIFY
{
    PVOID Routine;
    BOOLEAN Extended;
    BOOLEAN Prepared;
    EX_RUNDOWN_REF Rundown;
} PSP_NOTIFY;

static PSP_NOTIFY PspThreadNotify[PSP_NOTIFY_SLOTS];
static PSP_NOTIFY PspProcessNotify[PSP_NOTIFY_SLOTS];
static PSP_NOTIFY PspImageNotify[PSP_NOTIFY_SLOTS];

static NTSTATUS PspAddNotify(PSP_NOTIFY *Slots, PVOID Routine, BOOLEAN Extended)
{
    ULONG Slot;

    for (Slot = 0; Slot < PSP_NOTIFY_SLOTS; Slot++)
    {
        if (Slots[Slot].Routine == NULL)
        {
            if (Slots[Slot].Prepared)
            {
                ExReInitializeRundownProtection(&Slots[Slot].Rundown);
            }
            else
            {
                ExInitializeRundownProtection(&Slots[Slot].Rundown);
            }
            Slots[Slot].Prepared = TRUE;
            Slots[Slot].Extended = Extended;
            Slots[Slot].Routine = Routine;
            return STATUS_SUCCESS;
        }
    }
    return STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS PspRemoveNotify(PSP_NOTIFY *Slots, PVOID Routine)
{
    ULONG Slot;

    for (Slot = 0; Slot < PSP_NOTIFY_SLOTS; Slot++)
    {
        if (Slots[Slot].Routine == Routine)
        {
            ExWaitForRundownProtectionRelease(&Slots[Slot].Rundown);
            Slots[Slot].Routine = NULL;
            return STATUS_SUCCESS;
        }
    }
    return STATUS_PROCEDURE_NOT_FOUND;
}

NTEXPORT(PsSetCreateThreadNotifyRoutine, PASSIVE_LEVEL, "callback");
NTSTATUS NTAPI PsSetCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE NotifyRoutine)
{
    return PspAddNotify(PspThreadNotify, NotifyRoutine, FALSE);
}

NTEXPORT(PsRemoveCreateThreadNotifyRoutine, PASSIVE_LEVEL, "callback");
NTSTATUS NTAPI PsRemoveCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE NotifyRoutine)
{
    return PspRemoveNotify(PspThreadNotify, NotifyRoutine);
}

NTEXPORT(PsSetLoadImageNotifyRoutine, PASSIVE_LEVEL, "callback");
NTSTATUS NTAPI PsSetLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE NotifyRoutine)
{
    return PspAddNotify(PspImageNotify, NotifyRoutine, FALSE);
}

NTEXPORT(PsRemoveLoadImageNotifyRoutine, PASSIVE_LEVEL, "callback");
NTSTATUS NTAPI PsRemoveLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE NotifyRoutine)
{
    return PspRemoveNotify(PspImageNotify, NotifyRoutine);
}

NTEXPORT(PsSetCreateProcessNotifyRoutine, PASSIVE_LEVEL, "callback");
NTSTATUS NTAPI PsSetCreateProcessNotifyRoutine(
    PCREATE_PROCESS_NOTIFY_ROUTINE NotifyRoutine, BOOLEAN Remove)
{
    return Remove ? PspRemoveNotify(PspProcessNotify, NotifyRoutine)
                  : PspAddNotify(PspProcessNotify, NotifyRoutine, FALSE);
}

NTEXPORT(PsSetCreateProcessNotifyRoutineEx, PASSIVE_LEVEL, "callback");
NTSTATUS NTAPI PsSetCreateProcessNotifyRoutineEx(
    PCREATE_PROCESS_NOTIFY_ROUTINE_EX NotifyRoutine, BOOLEAN Remove)
{
    return Remove ? PspRemoveNotify(PspProcessNotify, NotifyRoutine)
                  : PspAddNotify(PspProcessNotify, NotifyRoutine, TRUE);
}

static NOLOG PVOID PspFindNotifyIn(const PSP_NOTIFY *Slots, ULONG64 Start, ULONG64 End)
{
    ULONG Slot;

    for (Slot = 0; Slot < PSP_NOTIFY_SLOTS && Slots[Slot].Prepared; Slot++)
    {
        if (KiInRange(Slots[Slot].Routine, Start, End))
        {
            return Slots[Slot].Routine;
        }
    }
    return NULL;
}

/* A registered routine in the range; for the verifier. */
PVOID PspFindNotifyRoutine(ULONG64 Start, ULONG64 End)
{
    PVOID Routine = PspFindNotifyIn(PspProcessNotify, Start, End);

    Routine = Routine != NULL ? Routine : PspFindNotifyIn(PspThreadNotify, Start, End);
    return Routine != NULL ? Routine : PspFindNotifyIn(PspImageNotify, Start, End);
}

VOID PspCallThreadNotifyRoutines(PETHREAD Thread, BOOLEAN Create)
{
    ULONG Slot;

    for (Slot = 0; Slot < PSP_NOTIFY_SLOTS && PspThreadNotify[Slot].Prepared; Slot++)
    {
        PCREATE_THREAD_NOTIFY_ROUTINE Routine = PspThreadNotify[Slot].Routine;
        if (Routine != NULL && ExAcquireRundownProtection(&PspThreadNotify[Slot].Rundown))
        {
            Routine(Thread->Cid.UniqueProcess, Thread->Cid.UniqueThread, Create);
            ExReleaseRundownProtection(&PspThreadNotify[Slot].Rundown);
        }
    }
}

VOID PspCallLoadImageNotifyRoutines(
    PUNICODE_STRING FullImageName, HANDLE ProcessId, PIMAGE_INFO ImageInfo)
{
    ULONG Slot;

    for (Slot = 0; Slot < PSP_NOTIFY_SLOTS && PspImageNotify[Slot].Prepared; Slot++)
    {
        PLOAD_IMAGE_NOTIFY_ROUTINE Routine = PspImageNotify[Slot].Routine;
        if (Routine != NULL && ExAcquireRundownProtection(&PspImageNotify[Slot].Rundown))
        {
            Routine(FullImageName, ProcessId, ImageInfo);
            ExReleaseRundownProtection(&PspImageNotify[Slot].Rundown);
        }
    }
}

VOID PspCallProcessNotifyRoutines(PEPROCESS Process, BOOLEAN Create)
{
    ULONG Slot;

    for (Slot = 0; Slot < PSP_NOTIFY_SLOTS && PspProcessNotify[Slot].Prepared; Slot++)
    {
        PVOID Routine = PspProcessNotify[Slot].Routine;
        if (Routine == NULL || !ExAcquireRundownProtection(&PspProcessNotify[Slot].Rundown))
        {
            continue;
        }
        KeEnterCriticalRegion();
        if (PspProcessNotify[Slot].Extended)
        {
            PS_CREATE_NOTIFY_INFO Info = {.Size = sizeof(Info)};
            ((PCREATE_PROCESS_NOTIFY_ROUTINE_EX)Routine)(
                Process, Process->UniqueProcessId, Create ? &Info : NULL);
        }
        else
        {
            ((PCREATE_PROCESS_NOTIFY_ROUTINE)Routine)(
                PsInitialSystemProcess->UniqueProcessId, Process->UniqueProcessId, Create);
        }
        KeLeaveCriticalRegion();
        ExReleaseRundownProtection(&PspProcessNotify[Slot].Rundown);
    }
}
