/*
 * File names: the volume's name and the name that the file was opened by, which on our volumes is the normalized one as
 * well; there are no short names, links or mount points. Counted; releasing one too often stops the system
 * (0xF5/0x68).
 */
#include "guest/include/fltp.h"

typedef struct _FLTP_NAME
{
    LONG UseCount;
    ULONG Spare;
    FLT_FILE_NAME_INFORMATION Information;
    WCHAR Text[];
} FLTP_NAME, *PFLTP_NAME;

#define FLTP_LONGEST_NAME 0x4000u

static PFLTP_NAME FltpNameOf(PFLT_FILE_NAME_INFORMATION Information)
{
    return CONTAINING_RECORD(Information, FLTP_NAME, Information);
}

static NTSTATUS FltpMakeName(PFLT_VOLUME Volume, PFILE_OBJECT File, FLT_FILE_NAME_OPTIONS Options,
                             PFLT_FILE_NAME_INFORMATION *Result)
{
    PFILE_OBJECT Parent = File->RelatedFileObject;
    ULONG Bytes = Volume->DeviceName.Length + File->FileName.Length;
    PFLT_FILE_NAME_INFORMATION Information;
    PFLTP_NAME Name;

    *Result = NULL;
    Bytes += Parent != NULL ? Parent->FileName.Length + (ULONG)sizeof(WCHAR) : 0;
    if ((Options & FLT_VALID_FILE_NAME_FORMATS) == FLT_FILE_NAME_SHORT || Bytes > FLTP_LONGEST_NAME)
    {
        return STATUS_FLT_INVALID_NAME_REQUEST;
    }
    Name = FltpAllocate(sizeof *Name + Bytes, FLTP_NAME_TAG);
    if (Name == NULL)
    {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Name->UseCount = 1;
    Information = &Name->Information;
    Information->Size = sizeof *Information;
    Information->Format = Options & FLT_VALID_FILE_NAME_FORMATS;
    Information->Name.Buffer = Name->Text;
    Information->Name.MaximumLength = (USHORT)Bytes;
    RtlAppendUnicodeStringToString(&Information->Name, &Volume->DeviceName);
    if (Parent != NULL)
    {
        RtlAppendUnicodeStringToString(&Information->Name, &Parent->FileName);
        if (File->FileName.Length != 0 && Parent->FileName.Length > sizeof(WCHAR))
        {
            RtlAppendUnicodeToString(&Information->Name, L"\\");
        }
    }
    RtlAppendUnicodeStringToString(&Information->Name, &File->FileName);
    Information->Volume = Information->Name;
    Information->Volume.Length = Information->Volume.MaximumLength = Volume->DeviceName.Length;
    *Result = Information;
    return STATUS_SUCCESS;
}

NTEXPORT(FltGetFileNameInformation, APC_LEVEL, "fltname");
NTSTATUS FLTAPI FltGetFileNameInformation(PFLT_CALLBACK_DATA CallbackData, FLT_FILE_NAME_OPTIONS NameOptions,
                                          PFLT_FILE_NAME_INFORMATION *FileNameInformation)
{
    *FileNameInformation = NULL;
    if (CallbackData->Iopb->TargetFileObject == NULL || CallbackData->Iopb->MajorFunction == IRP_MJ_CLOSE)
    {
        return STATUS_FLT_INVALID_NAME_REQUEST;
    }
    return FltpMakeName(CallbackData->Iopb->TargetInstance->Volume, CallbackData->Iopb->TargetFileObject, NameOptions,
                        FileNameInformation);
}

NTEXPORT(FltGetFileNameInformationUnsafe, APC_LEVEL, "fltname");
NTSTATUS FLTAPI FltGetFileNameInformationUnsafe(PFILE_OBJECT FileObject, PFLT_INSTANCE Instance,
                                                FLT_FILE_NAME_OPTIONS NameOptions,
                                                PFLT_FILE_NAME_INFORMATION *FileNameInformation)
{
    return FltpMakeName(Instance->Volume, FileObject, NameOptions, FileNameInformation);
}

NTEXPORT(FltReferenceFileNameInformation, APC_LEVEL, "fltname");
VOID FLTAPI FltReferenceFileNameInformation(PFLT_FILE_NAME_INFORMATION FileNameInformation)
{
    InterlockedIncrement(&FltpNameOf(FileNameInformation)->UseCount);
}

NTEXPORT(FltReleaseFileNameInformation, APC_LEVEL, "fltname");
VOID FLTAPI FltReleaseFileNameInformation(PFLT_FILE_NAME_INFORMATION FileNameInformation)
{
    PFLTP_NAME Name = FltpNameOf(FileNameInformation);
    LONG Left = InterlockedDecrement(&Name->UseCount);

    if (Left < 0)
    {
        KeBugCheckEx(FLTMGR_FILE_SYSTEM, FLTP_STOP_NAME_OVER_DEREFERENCED, (ULONG_PTR)FileNameInformation, 0, 0);
    }
    if (Left == 0)
    {
        ExFreePoolWithTag(Name, FLTP_NAME_TAG);
    }
}

/* Name[From, To) in characters. */
static VOID FltpPart(PFLT_FILE_NAME_INFORMATION Information, ULONG From, ULONG To, PUNICODE_STRING Part)
{
    Part->Buffer = Information->Name.Buffer + From;
    Part->Length = Part->MaximumLength = (USHORT)((To - From) * sizeof(WCHAR));
}

NTEXPORT(FltParseFileNameInformation, APC_LEVEL, "fltname");
NTSTATUS FLTAPI FltParseFileNameInformation(PFLT_FILE_NAME_INFORMATION FileNameInformation)
{
    PCWSTR Text = FileNameInformation->Name.Buffer;
    ULONG Start = FileNameInformation->Volume.Length / sizeof(WCHAR);
    ULONG End = FileNameInformation->Name.Length / sizeof(WCHAR);
    ULONG Final = End, Stream = End, Dot = End, At;

    while (Final > Start && Text[Final - 1] != L'\\')
    {
        Final--;
    }
    for (At = Final; At < End && Stream == End; At++)
    {
        if (Text[At] == L':')
        {
            Stream = At;
        }
    }
    for (At = Final; At < Stream; At++)
    {
        if (Text[At] == L'.')
        {
            Dot = At;
        }
    }
    FltpPart(FileNameInformation, Start, Final, &FileNameInformation->ParentDir);
    FltpPart(FileNameInformation, Final, End, &FileNameInformation->FinalComponent);
    FltpPart(FileNameInformation, Stream, End, &FileNameInformation->Stream);
    FltpPart(FileNameInformation, Dot < Stream ? Dot + 1 : Stream, Stream, &FileNameInformation->Extension);
    FileNameInformation->NamesParsed = FLTFL_FILE_NAME_PARSED_FINAL_COMPONENT | FLTFL_FILE_NAME_PARSED_EXTENSION |
                                       FLTFL_FILE_NAME_PARSED_STREAM | FLTFL_FILE_NAME_PARSED_PARENT_DIR;
    return STATUS_SUCCESS;
}
