/*
 * What must not be left behind: in a pool block that is freed, and in an image that is unloaded. Windows looks for
 * timers, DPCs, work items, lookaside lists and ERESOURCEs; without the verifier the same fault shows later, as 0xCE
 * when luck has it. Nothing of Windows looks for notify routines, callbacks, threads and queued APCs: these
 * rules are ours (VF_UNLOAD_ and VF_FREE_ in vfmem.h).
 *
 * An image is looked at when nothing can keep it any more and its processors' DPC queues have been flushed (nt-semantics
 * U13), in the same step in which it goes: a DPC that was merely queued at the end of Unload is no residue.
 */
#include "guest/include/exp.h"
#include "guest/include/psp.h"
#include "guest/include/vfmem.h"

#define VF_NOTE_ROUTINE (RD_NOTE_STACK | RD_NOTE_EXACT | RD_NOTE_BLAME)

/* One line of the report: what is left, where, and the routine that goes with it (NULL: nobody is to blame). */
static VOID VfNoteResidue(PCSTR What, const VOID *Object, PVOID Routine)
{
    CHAR Text[120];
    ULONG64 Frames[1] = {RD_ADDRESS(Routine)};

    _snprintf(Text, sizeof Text - 1, "%s at %016I64x", What, RD_ADDRESS(Object));
    Text[sizeof Text - 1] = 0;
    RdNote(Routine != NULL ? VF_NOTE_ROUTINE : RD_NOTE_LINE, Text, Frames, Routine != NULL, NULL);
}

VOID VfCheckFreedBlock(const struct rd_pool_record *Record)
{
    ULONG64 Start = Record->address, End = Start + Record->bytes;
    PVOID Object;

    if ((Object = KiFindTimer(Start, End, FALSE)) != NULL)
    {
        PKDPC Dpc = ((PKTIMER)Object)->Dpc;
        VfNoteResidue("An armed timer", Object, Dpc != NULL ? (PVOID)Dpc->DeferredRoutine : NULL);
        VerifierBugCheck(0x15, RD_ADDRESS(Object), Record->type, Start);
    }
    if ((Object = KiFindDpc(Start, End)) != NULL)
    {
        VfNoteResidue("A queued DPC", Object, (PVOID)((PKDPC)Object)->DeferredRoutine);
        VfReportIssue(0xC7, 1, RD_ADDRESS(Object), Start, End);
    }
    if ((Object = KiFindTimer(Start, End, TRUE)) != NULL)
    {
        PKDPC Dpc = ((PKTIMER)Object)->Dpc;
        VfNoteResidue("The DPC of an armed timer", Dpc, (PVOID)Dpc->DeferredRoutine);
        VfReportIssue(0xC7, 1, RD_ADDRESS(Dpc), Start, End);
    }
    if (!VfIsOptionEnabled(VF_OPTION_MISC))
    {
        return;
    }
    if ((Object = ExpFindWorkItem(Start, End)) != NULL)
    {
        VfNoteResidue(
            "A queued work item", Object, (PVOID)((PWORK_QUEUE_ITEM)Object)->WorkerRoutine);
        VfReportIssue(0xE4, 0, RD_ADDRESS(Object), Start, End);
    }
    if ((Object = VfFindTracked(VF_TRACK_LOOKASIDE, Start, End)) != NULL)
    {
        VfNoteResidue("An active lookaside list", Object, NULL);
        VerifierBugCheck(0xCC, RD_ADDRESS(Object), Start, Record->bytes);
    }
    if ((Object = VfFindTracked(VF_TRACK_RESOURCE, Start, End)) != NULL)
    {
        VfNoteResidue("An active ERESOURCE", Object, NULL);
        VerifierBugCheck(0xD2, RD_ADDRESS(Object), Start, Record->bytes);
    }
    if ((Object = PspFindApc(Start, End)) != NULL)
    {
        VfNoteResidue("A queued APC", Object, (PVOID)((PKAPC)Object)->KernelRoutine);
        VerifierBugCheck(VF_FREE_APC, RD_ADDRESS(Object), Record->type, Start);
    }
}

/* Timers and DPCs: those that lie in the image, and those whose routine does. */
static VOID VfCheckTimers(ULONG64 Start, ULONG64 End)
{
    PKTIMER Timer = KiFindTimer(Start, End, FALSE);
    PKDPC Dpc;

    if (Timer != NULL)
    {
        VfNoteResidue("An armed timer", Timer,
            Timer->Dpc != NULL ? (PVOID)Timer->Dpc->DeferredRoutine : NULL);
        VfReportIssue(0xC7, 0, RD_ADDRESS(Timer), Start, End);
    }
    Timer = KiFindTimer(Start, End, TRUE);
    Dpc = Timer != NULL ? Timer->Dpc : KiFindDpc(Start, End);
    if (Dpc == NULL)
    {
        return;
    }
    VfNoteResidue(Timer != NULL ? "The DPC of an armed timer" : "A queued DPC", Dpc,
        (PVOID)Dpc->DeferredRoutine);
    if (KiInRange(Dpc, Start, End))
    {
        VfReportIssue(0xC7, 1, RD_ADDRESS(Dpc), Start, End);
    }
    VfReportIssue(0xC7, 2, (ULONG_PTR)Dpc->DeferredRoutine, Start, End);
}

static VOID VfCheckQueues(ULONG64 Start, ULONG64 End)
{
    PWORK_QUEUE_ITEM Item = ExpFindWorkItem(Start, End);
    PKAPC Apc = PspFindApc(Start, End);

    if (Item != NULL)
    {
        VfNoteResidue("A queued work item", Item, (PVOID)Item->WorkerRoutine);
        if (KiInRange(Item, Start, End))
        {
            VfReportIssue(0xE4, 0, RD_ADDRESS(Item), Start, End);
        }
        VerifierBugCheck(VF_UNLOAD_WORK_ITEM, RD_ADDRESS(Item), Start, End);
    }
    if (Apc != NULL)
    {
        VfNoteResidue("A queued APC", Apc, (PVOID)Apc->KernelRoutine);
        VerifierBugCheck(VF_UNLOAD_APC, RD_ADDRESS(Apc), Start, End);
    }
}

static VOID VfCheckObjects(ULONG64 Start, ULONG64 End)
{
    PVOID Object;

    if ((Object = VfFindTracked(VF_TRACK_LOOKASIDE, Start, End)) != NULL)
    {
        VfNoteResidue("An active lookaside list", Object, NULL);
        VerifierBugCheck(0xCC, RD_ADDRESS(Object), Start, End - Start);
    }
    if ((Object = VfFindTracked(VF_TRACK_RESOURCE, Start, End)) != NULL)
    {
        VfNoteResidue("An active ERESOURCE", Object, NULL);
        VerifierBugCheck(0xD2, RD_ADDRESS(Object), Start, End - Start);
    }
}

static VOID VfCheckCallbacks(ULONG64 Start, ULONG64 End)
{
    PETHREAD Thread = PspFindThreadIn(Start, End);
    PVOID Object = PspFindNotifyRoutine(Start, End);

    if (Thread != NULL)
    {
        RdNote(RD_NOTE_THREAD, "A system thread that has not left the image", NULL, 0, Thread);
        VfNoteResidue("It began", Thread, (PVOID)Thread->StartAddress);
        VerifierBugCheck(VF_UNLOAD_SYSTEM_THREAD, RD_ADDRESS(Thread), Start, End);
    }
    if (Object != NULL)
    {
        VfNoteResidue("A registered notify routine", Object, Object);
        VerifierBugCheck(VF_UNLOAD_NOTIFY_ROUTINE, RD_ADDRESS(Object), Start, End);
    }
    if ((Object = VfFindTracked(VF_TRACK_CALLBACK, Start, End)) != NULL)
    {
        VfNoteResidue("A registered callback", Object, VfTrackedKey(VF_TRACK_CALLBACK, Object));
        VerifierBugCheck(VF_UNLOAD_CALLBACK, RD_ADDRESS(Object), Start, End);
    }
    if ((Object = KiFindBugCheckCallback(Start, End)) != NULL)
    {
        VfNoteResidue("A registered bugcheck callback", Object,
            (PVOID)((PKBUGCHECK_CALLBACK_RECORD)Object)->CallbackRoutine);
        VerifierBugCheck(VF_UNLOAD_BUGCHECK_CALLBACK, RD_ADDRESS(Object), Start, End);
    }
}

VOID VfCheckUnloadedImage(PVF_DRIVER Driver)
{
    ULONG64 Start = RD_ADDRESS(Driver->ImageBase), End = Start + Driver->ImageSize;

    VfCheckTimers(Start, End);
    if (Driver->Flags & VF_OPTION_MISC)
    {
        VfCheckQueues(Start, End);
        VfCheckCallbacks(Start, End);
        VfCheckObjects(Start, End);
    }
}

/* Registrations that hold the driver object or a device of its: nothing of the driver's runs any more that could undo
 * them, so the image stays for ever. */
VOID VfCheckRegistrations(PDRIVER_OBJECT DriverObject)
{
    PVF_DRIVER Driver = VfFindDriverByObject(DriverObject);
    PVOID Object = NULL;
    PCSTR What = NULL;

    if (Driver == NULL || !(Driver->Flags & VF_OPTION_MISC))
    {
        return;
    }
    if (IopDriverExtensionOf(DriverObject)->Notifications != 0)
    {
        What = "A registered PnP notification of the driver object";
        Object = DriverObject;
    }
    else if ((Object = IopFindShutdownNotification(DriverObject)) != NULL)
    {
        What = "A registered shutdown notification of the device object";
    }
    else if ((Object = IopFindFsRegistration(DriverObject)) != NULL)
    {
        What = "A registered file system notification";
    }
    if (Object != NULL)
    {
        VfNoteResidue(What, Object, (PVOID)DriverObject->DriverUnload);
        VerifierBugCheck(VF_UNLOAD_REGISTRATION, RD_ADDRESS(Object), RD_ADDRESS(DriverObject), 0);
    }
}

/* A DPC for a processor that there is not would run on another one. */
VFTHUNK(KeInsertQueueDpc, VF_OPTION_AUTOMATIC);
BOOLEAN NTAPI VerifierKeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2);
__attribute__((noinline)) BOOLEAN NTAPI VerifierKeInsertQueueDpc(
    PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2)
{
    if (Dpc->Number >= KI_DPC_TARGETED + KiActiveProcessors())
    {
        VfReportIssue(0xC7, 3, RD_ADDRESS(Dpc), Dpc->Number - KI_DPC_TARGETED, KiActiveProcessors());
    }
    return KeInsertQueueDpc(Dpc, SystemArgument1, SystemArgument2);
}
