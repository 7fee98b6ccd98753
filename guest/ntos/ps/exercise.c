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

/* What of a directory can be opened: in \Device what loaded drivers have named, in \?? the device
 * interfaces. */
static BOOLEAN RdIsTarget(POBJECT_HEADER Header)
{
    static const UNICODE_STRING Interface = RTL_CONSTANT_STRING(L"ROOT#");

    if (Header->Type == ObpDeviceType)
    {
        return !(((PDEVICE_OBJECT)Header->Body)->DriverObject->Flags & DRVO_BUILTIN_DRIVER);
    }
    return Header->Type == ObpSymbolicLinkType &&
           RtlPrefixUnicodeString(&Interface, &Header->Name, TRUE);
}

/* The full name of target number Index of the directory. */
static BOOLEAN RdTargetName(PCUNICODE_STRING DirectoryName, ULONG Index, PUNICODE_STRING Name)
{
    POBJECT_DIRECTORY Directory;
    BOOLEAN Found = FALSE;
    PLIST_ENTRY Entry;

    if (!NT_SUCCESS(
            ObpLookupName(DirectoryName, ObpDirectoryType, (PVOID *)&Directory, NULL, NULL)))
    {
        return FALSE;
    }
    for (Entry = Directory->Entries.Flink; Entry != &Directory->Entries && !Found;
         Entry = Entry->Flink)
    {
        POBJECT_HEADER Header = CONTAINING_RECORD(Entry, OBJECT_HEADER, DirectoryLinks);
        if (RdIsTarget(Header) && Index-- == 0)
        {
            Name->Length = 0;
            RtlAppendUnicodeStringToString(Name, DirectoryName);
            RtlAppendUnicodeToString(Name, L"\\");
            RtlAppendUnicodeStringToString(Name, &Header->Name);
            Found = TRUE;
        }
    }
    ObfDereferenceObject(Directory);
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
    static const UNICODE_STRING Directories[] = {RTL_CONSTANT_STRING(L"\\Device"),
                                                 RTL_CONSTANT_STRING(L"\\??")};
    PVOID Buffer = RdUserBuffer(Context, RD_EXERCISE_BYTES * 2);
    WCHAR Text[192];
    UNICODE_STRING Name = {0, sizeof Text, Text};

    for (ULONG d = 0; d < sizeof Directories / sizeof Directories[0]; d++)
    {
        for (ULONG i = 0; RdTargetName(&Directories[d], i, &Name); i++)
        {
            RdExerciseDevice(&Context->Slot[0], &Name, Buffer);
        }
    }
    return STATUS_SUCCESS;
}
