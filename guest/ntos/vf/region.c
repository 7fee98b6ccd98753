/*
 * Critical regions of verified drivers: a log of the last 128 calls, each with thread and 7 frames (seed 003; option
 * miscellaneous checks), and the rules of the two routines. The log says what was called; who changed the count by other
 * means is known to the machine (machine/watch.c), and both are told when a count is wrong.
 */
#include "guest/include/vf.h"

struct rd_region_log VfCriticalRegionLog;

/* What is written here decides nothing and is read by reports only, so two threads that write are no conflict. */
static NOLOG VOID VfInsertRegionRecord(PKTHREAD Thread, const ULONG64 *Frames)
{
    struct rd_region_record *Record =
        &VfCriticalRegionLog.records[VfCriticalRegionLog.total++ % RD_VF_REGION_RECORDS];

    Record->thread = RD_ADDRESS(Thread);
    for (ULONG Index = 0; Index < RD_VF_REGION_FRAMES; Index++)
    {
        Record->frames[Index] = Frames[Index];
    }
}

/* Inlined, so that the first frame is the Verifier routine's. */
#define VfLogCriticalRegion()                                                                      \
    do                                                                                             \
    {                                                                                              \
        if (VfIsOptionEnabled(VF_OPTION_MISC))                                                     \
        {                                                                                          \
            ULONG64 Frames[RD_VF_REGION_FRAMES] = {0};                                             \
            RdCaptureStack(Frames, RD_VF_REGION_FRAMES);                                           \
            VfInsertRegionRecord(KiCurrentThread(), Frames);                                       \
        }                                                                                          \
    } while (0)

VFTHUNK(KeEnterCriticalRegion, VF_OPTION_MISC | VF_OPTION_FORCE_IRQL);
__attribute__((noinline)) VOID NTAPI VerifierKeEnterCriticalRegion(VOID)
{
    if (VfIsOptionEnabled(VF_OPTION_FORCE_IRQL) && KeGetCurrentIrql() > APC_LEVEL)
    {
        VerifierBugCheck(0x11A, KeGetCurrentIrql(), 0, 0);
    }
    VfLogCriticalRegion();
    KeEnterCriticalRegion();
}

VFTHUNK(KeLeaveCriticalRegion, VF_OPTION_AUTOMATIC);
__attribute__((noinline)) VOID NTAPI VerifierKeLeaveCriticalRegion(VOID)
{
    if (VfIsOptionEnabled(VF_OPTION_FORCE_IRQL) && KeGetCurrentIrql() > APC_LEVEL)
    {
        VerifierBugCheck(0x11B, KeGetCurrentIrql(), 0, 0);
    }
    if (KiCurrentThread()->KernelApcDisable >= 0)
    {
        VfNoteApcDisable(KiCurrentThread(), TRUE);
        VerifierBugCheck(0x3E, 0, 0, 0);
    }
    VfLogCriticalRegion();
    KeLeaveCriticalRegion();
}

/* The latest record first, as in the seed's screen. */
static VOID VfNoteRegionLog(VOID)
{
    ULONG64 Total = VfCriticalRegionLog.total;
    ULONG64 Count = Total < RD_VF_REGION_RECORDS ? Total : RD_VF_REGION_RECORDS;

    RdNote(RD_NOTE_LINE, "Enter/Leave Critical Region log:", NULL, 0, NULL);
    RdNote(RD_NOTE_LINE, "There are up to 0x80 entries in the log.", NULL, 0, NULL);
    if (Count == 0)
    {
        RdNote(RD_NOTE_LINE, "The log is empty.", NULL, 0, NULL);
        return;
    }
    RdNote(RD_NOTE_LINE, "Displaying all the log entries.", NULL, 0, NULL);
    for (ULONG64 Age = 1; Age <= Count; Age++)
    {
        const struct rd_region_record *Record =
            &VfCriticalRegionLog.records[(Total - Age) % RD_VF_REGION_RECORDS];
        ULONG Frames = 0;
        while (Frames < RD_VF_REGION_FRAMES && Record->frames[Frames] != 0)
        {
            Frames++;
        }
        RdNote(RD_NOTE_LOG, "", Record->frames, Frames, (PVOID)(ULONG_PTR)Record->thread);
    }
}

VOID VfNoteApcDisable(PKTHREAD Thread, BOOLEAN BlameLatest)
{
    RdNoteApcChanges(Thread, BlameLatest);
    if (VfIsOptionEnabled(VF_OPTION_MISC))
    {
        VfNoteRegionLog();
    }
}
