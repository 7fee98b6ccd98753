/* A pointer is used when it has been taken back: nothing is torn down. */
#include "../check.h"

typedef struct _STATE
{
    ULONG Before[4];
    volatile ULONG Count;
} STATE;

STATE State;
STATE *volatile Current;
static CHECK_THREAD Reader;

static DECLSPEC_NOINLINE VOID Use(VOID)
{
    Current->Count++;
}

static VOID NTAPI Thread(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    Use();
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static DECLSPEC_NOINLINE VOID TakeBack(VOID)
{
    Current = NULL;
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    Current = &State;
    CheckStartThread(&Reader, Thread, NULL);
    TakeBack();
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
    CheckJoinThread(&Reader);
}
