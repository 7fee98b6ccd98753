/* Objects that verified drivers have initialised: found again by address, by kind, or by the range they lie in. */
#include "guest/include/vfmem.h"

#define VF_TRACK_MAX 1024u

static VF_TRACKED VfTracked[VF_TRACK_MAX];
static ULONG VfTrackedCount; /* entries in use lie below */

static NOLOG VF_TRACKED *VfFindEntry(ULONG Kind, ULONG64 Object)
{
    ULONG Index;

    for (Index = 0; Index < VfTrackedCount; Index++)
    {
        if (VfTracked[Index].Object == Object && VfTracked[Index].Kind == Kind)
        {
            return &VfTracked[Index];
        }
    }
    return NULL;
}

/* More objects than the table holds go untracked: a rule is missed then, none is made up. */
NOLOG VOID VfTrack(ULONG Kind, PVOID Object, PVOID Key)
{
    VF_TRACKED *Entry = VfFindEntry(0, 0);

    if (Entry == NULL)
    {
        if (VfTrackedCount == VF_TRACK_MAX)
        {
            return;
        }
        Entry = &VfTracked[VfTrackedCount++];
    }
    Entry->Object = RD_ADDRESS(Object);
    Entry->Key = RD_ADDRESS(Key);
    Entry->Kind = Kind;
}

NOLOG BOOLEAN VfUntrack(ULONG Kind, PVOID Object)
{
    VF_TRACKED *Entry = VfFindEntry(Kind, RD_ADDRESS(Object));

    if (Entry == NULL)
    {
        return FALSE;
    }
    Entry->Object = 0;
    Entry->Kind = 0;
    return TRUE;
}

NOLOG BOOLEAN VfIsTracked(ULONG Kind, PVOID Object)
{
    return VfFindEntry(Kind, RD_ADDRESS(Object)) != NULL;
}

NOLOG PVOID VfFindTracked(ULONG Kind, ULONG64 Start, ULONG64 End)
{
    ULONG64 Found = 0;
    ULONG Index;

    for (Index = 0; Index < VfTrackedCount; Index++)
    {
        const VF_TRACKED *Entry = &VfTracked[Index];
        if (Entry->Kind == Kind && Entry->Key - Start < End - Start
            && (Found == 0 || Entry->Object < Found))
        {
            Found = Entry->Object;
        }
    }
    return (PVOID)(ULONG_PTR)Found;
}

NOLOG PVOID VfTrackedKey(ULONG Kind, PVOID Object)
{
    const VF_TRACKED *Entry = VfFindEntry(Kind, RD_ADDRESS(Object));

    return Entry != NULL ? (PVOID)(ULONG_PTR)Entry->Key : NULL;
}
