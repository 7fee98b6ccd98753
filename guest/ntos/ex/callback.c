/*
 * Callback objects. A registration that is being called is not taken off its list until the call has returned, so
 * ExUnregisterCallback waits for it; the documentation is silent about that, and this is our assumption.
 */
#include "guest/include/exp.h"
#include "guest/include/obp.h"

#define EXP_CALLBACK_TAG 'bCxE'

typedef struct _CALLBACK_OBJECT
{
    LIST_ENTRY Registrations;
    BOOLEAN AllowMultipleCallbacks;
} CALLBACK_OBJECT;

typedef struct _EXP_CALLBACK_REGISTRATION
{
    LIST_ENTRY Link;
    PCALLBACK_OBJECT Object;
    PCALLBACK_FUNCTION Function;
    PVOID Context;
    ULONG Busy;
    BOOLEAN Unregistering;
    KEVENT Idle;
} EXP_CALLBACK_REGISTRATION;

NTEXPORT(ExCreateCallback, PASSIVE_LEVEL, "callback");
NTSTATUS NTAPI ExCreateCallback(PCALLBACK_OBJECT *CallbackObject,
    POBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN Create, BOOLEAN AllowMultipleCallbacks)
{
    PUNICODE_STRING Name = ObjectAttributes != NULL ? ObjectAttributes->ObjectName : NULL;
    PCALLBACK_OBJECT Object;
    NTSTATUS Status;

    if (Name != NULL)
    {
        Status = ObpLookupName(Name, ObpCallbackType, (PVOID *)&Object, NULL, NULL);
        if (NT_SUCCESS(Status))
        {
            *CallbackObject = Object;
            return STATUS_SUCCESS;
        }
        if (!Create)
        {
            return Status;
        }
    }
    else if (!Create)
    {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    Object = ObpAllocateObject(ObpCallbackType, sizeof(*Object));
    if (Object == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    InitializeListHead(&Object->Registrations);
    Object->AllowMultipleCallbacks = AllowMultipleCallbacks;
    if (Name != NULL)
    {
        Status = ObpInsertName(Object, Name, (ObjectAttributes->Attributes & OBJ_PERMANENT) != 0);
        if (!NT_SUCCESS(Status))
        {
            ObDereferenceObject(Object);
            return Status;
        }
    }
    *CallbackObject = Object;
    return STATUS_SUCCESS;
}

NTEXPORT(ExRegisterCallback, APC_LEVEL, "callback");
PVOID NTAPI ExRegisterCallback(
    PCALLBACK_OBJECT CallbackObject, PCALLBACK_FUNCTION CallbackFunction, PVOID CallbackContext)
{
    EXP_CALLBACK_REGISTRATION *Registration;

    if (!CallbackObject->AllowMultipleCallbacks && !IsListEmpty(&CallbackObject->Registrations))
    {
        return NULL;
    }
    Registration = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Registration), EXP_CALLBACK_TAG);
    if (Registration == NULL)
    {
        return NULL;
    }
    ObReferenceObject(CallbackObject);
    Registration->Object = CallbackObject;
    Registration->Function = CallbackFunction;
    Registration->Context = CallbackContext;
    Registration->Busy = 0;
    Registration->Unregistering = FALSE;
    KeInitializeEvent(&Registration->Idle, NotificationEvent, FALSE);
    InsertTailList(&CallbackObject->Registrations, &Registration->Link);
    return Registration;
}

NTEXPORT(ExUnregisterCallback, APC_LEVEL, "callback");
VOID NTAPI ExUnregisterCallback(PVOID CbRegistration)
{
    EXP_CALLBACK_REGISTRATION *Registration = CbRegistration;

    Registration->Unregistering = TRUE;
    if (Registration->Busy != 0)
    {
        KiNameWait(Registration, RD_WAIT_OTHER, NULL);
        KeWaitForSingleObject(&Registration->Idle, Executive, KernelMode, FALSE, NULL);
    }
    RemoveEntryList(&Registration->Link);
    ObDereferenceObject(Registration->Object);
    ExFreePool(Registration);
}

NTEXPORT(ExNotifyCallback, DISPATCH_LEVEL, "callback");
VOID NTAPI ExNotifyCallback(PCALLBACK_OBJECT Object, PVOID Argument1, PVOID Argument2)
{
    PLIST_ENTRY Entry = Object->Registrations.Flink;

    while (Entry != &Object->Registrations)
    {
        EXP_CALLBACK_REGISTRATION *Registration =
            CONTAINING_RECORD(Entry, EXP_CALLBACK_REGISTRATION, Link);

        if (!Registration->Unregistering)
        {
            Registration->Busy++;
            Registration->Function(Registration->Context, Argument1, Argument2);
            Entry = Entry->Flink;
            if (--Registration->Busy == 0 && Registration->Unregistering)
            {
                KeSetEvent(&Registration->Idle, 0, FALSE);
            }
        }
        else
        {
            Entry = Entry->Flink;
        }
    }
}
