/*
 * The step that a driver without a scenario gets: open every device that a driver has named, try
 * the dispatch routines that a program can reach, close it again. Each attempt is a system call of
 * its own.
 */
#include "guest/include/psp.h"
#include "guest/ntos/ps/scenario.h"

#define RD_EXERCISE_BYTES 16u
#define RD_EXERCISE_CODE                                                                           \
    0x222000u /* CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS) */

/* The full name of device number Index among those that loaded drivers have named. */
static BOOLEAN RdDeviceName(ULONG Index, PUNICODE_STRING Name)
{
    static const UNICODE_STRING Directory = RTL_CONSTANT_STRING(L"\\Device");
    POBJECT_DIRECTORY Devices;
    BOOLEAN Found = FALSE;

    if (!NT_SUCCESS(ObpLookupName(&Directory, ObpDirectoryType, (PVOID *)&Devices, NULL, NULL)))
    {
        return FALSE;
    }
    for (PLIST_ENTRY Entry = Devices->Entries.Flink; Entry != &Devices->Entries && !Found;
         Entry = Entry->Flink)
    {
        POBJECT_HEADER Header = CONTAINING_RECORD(Entry, OBJECT_HEADER, DirectoryLinks);
        PDEVICE_OBJECT Device = (PDEVICE_OBJECT)Header->Body;
        if (Header->Type != ObpDeviceType || (Device->DriverObject->Flags & DRVO_BUILTIN_DRIVER))
        {
            continue;
        }
        if (Index-- == 0)
        {
            Name->Length = 0;
            RtlAppendUnicodeStringToString(Name, &Directory);
            RtlAppendUnicodeToString(Name, L"\\");
            RtlAppendUnicodeStringToString(Name, &Header->Name);
            Found = TRUE;
        }
    }
    ObfDereferenceObject(Devices);
    return Found;
}

#define SERVICE(Routine, ...)                                                                      \
    do                                                                                             \
    {                                                                                              \
        KiSystemServiceEnter((PVOID)(ULONG_PTR)Routine);                                           \
        Routine(__VA_ARGS__);                                                                      \
        KiSystemServiceExit((PVOID)(ULONG_PTR)Routine);                                            \
    } while (0)

static VOID RdExerciseDevice(PRD_SLOT Slot, PUNICODE_STRING Name, PVOID Buffer)
{
    OBJECT_ATTRIBUTES Attributes;
    LARGE_INTEGER Offset = {.QuadPart = 0};

    InitializeObjectAttributes(&Attributes, Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    Slot->Handle = NULL;
    SERVICE(NtCreateFile, &Slot->Handle, GENERIC_READ_WRITE, &Attributes, Slot->IoStatus, NULL,
            FILE_ATTRIBUTE_NORMAL, FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN,
            FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0);
    if (Slot->Handle == NULL)
    {
        return;
    }
    SERVICE(NtReadFile, Slot->Handle, NULL, NULL, NULL, Slot->IoStatus, Buffer, RD_EXERCISE_BYTES,
            &Offset, NULL);
    SERVICE(NtWriteFile, Slot->Handle, NULL, NULL, NULL, Slot->IoStatus, Buffer, RD_EXERCISE_BYTES,
            &Offset, NULL);
    SERVICE(NtDeviceIoControlFile, Slot->Handle, NULL, NULL, NULL, Slot->IoStatus, RD_EXERCISE_CODE,
            Buffer, RD_EXERCISE_BYTES, Buffer, RD_EXERCISE_BYTES);
    SERVICE(NtFlushBuffersFile, Slot->Handle, Slot->IoStatus);
    SERVICE(NtQueryInformationFile, Slot->Handle, Slot->IoStatus, Buffer, RD_EXERCISE_BYTES * 2,
            FileStandardInformation);
    SERVICE(NtClose, Slot->Handle);
    Slot->Handle = NULL;
}

NTSTATUS RdExercise(PRD_CONTEXT Context)
{
    PVOID Buffer = RdUserBuffer(Context, RD_EXERCISE_BYTES * 2);
    WCHAR Text[128];
    UNICODE_STRING Name = {0, sizeof Text, Text};

    for (ULONG i = 0; RdDeviceName(i, &Name); i++)
    {
        RdExerciseDevice(&Context->Slot[0], &Name, Buffer);
    }
    return STATUS_SUCCESS;
}
