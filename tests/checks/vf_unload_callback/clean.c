/* The twin of bad.c: the unload routine unregisters it. */
#include "../check.h"

static PVOID Registration;
static PCALLBACK_OBJECT Object;

static VOID NTAPI Callback(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

NTSTATUS CheckBody(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Callback\\Check");
    OBJECT_ATTRIBUTES Attributes;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Number);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_PERMANENT, NULL, NULL);
    if (NT_SUCCESS(ExCreateCallback(&Object, &Attributes, TRUE, TRUE)))
    {
        Registration = ExRegisterCallback(Object, Callback, NULL);
        ObDereferenceObject(Object);
    }
    return STATUS_SUCCESS;
}

VOID CheckUnload(VOID)
{
    if (Registration != NULL)
    {
        ExUnregisterCallback(Registration);
    }
}
