/* Exports of the kernel image by name, from its own export table. */
#include "guest/include/mi.h"
#include "guest/include/vf.h"

#include <ntimage.h>

PVOID MiFindExportedRoutine(PVOID ImageBase, PCSTR Name)
{
    PUCHAR Base = ImageBase;
    PIMAGE_NT_HEADERS64 Headers = (PVOID)(Base + ((PIMAGE_DOS_HEADER)Base)->e_lfanew);
    PIMAGE_DATA_DIRECTORY Directory =
        &Headers->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_EXPORT];
    PIMAGE_EXPORT_DIRECTORY Exports = (PVOID)(Base + Directory->VirtualAddress);
    const ULONG *Names = (PVOID)(Base + Exports->AddressOfNames);
    const USHORT *Ordinals = (PVOID)(Base + Exports->AddressOfNameOrdinals);
    const ULONG *Functions = (PVOID)(Base + Exports->AddressOfFunctions);
    ULONG Low = 0;
    ULONG High = Exports->NumberOfNames;

    while (Low < High)
    {
        ULONG Middle = Low + (High - Low) / 2;
        LONG Order = strcmp(Name, (PCSTR)(Base + Names[Middle]));
        if (Order == 0)
        {
            return Base + Functions[Ordinals[Middle]];
        }
        if (Order < 0)
        {
            High = Middle;
        }
        else
        {
            Low = Middle + 1;
        }
    }
    return NULL;
}

/* Whether the mapped image's import table names that module. */
BOOLEAN MiImportsFrom(PVOID ImageBase, PCSTR Module)
{
    PUCHAR Base = ImageBase;
    PIMAGE_NT_HEADERS64 Headers = (PVOID)(Base + ((PIMAGE_DOS_HEADER)Base)->e_lfanew);
    PIMAGE_DATA_DIRECTORY Directory =
        &Headers->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT];
    PIMAGE_IMPORT_DESCRIPTOR Entry = (PVOID)(Base + Directory->VirtualAddress);

    if (Directory->Size == 0)
    {
        return FALSE;
    }
    for (; Entry->Name != 0 && Entry->FirstThunk != 0; Entry++)
    {
        ANSI_STRING Wanted, Found;
        RtlInitAnsiString(&Wanted, Module);
        RtlInitAnsiString(&Found, (PCSTR)(Base + Entry->Name));
        if (RtlEqualString(&Wanted, &Found, TRUE))
        {
            return TRUE;
        }
    }
    return FALSE;
}

/* The HAL's exports forward to the kernel, so one look-up covers both images. */
NTEXPORT(MmGetSystemRoutineAddress, PASSIVE_LEVEL, "");
PVOID NTAPI MmGetSystemRoutineAddress(PUNICODE_STRING SystemRoutineName)
{
    CHAR Name[128];
    USHORT Length = SystemRoutineName->Length / sizeof(WCHAR);
    USHORT Position;
    PVOID Replacement;

    if (Length >= sizeof(Name))
    {
        return NULL;
    }
    for (Position = 0; Position < Length; Position++)
    {
        Name[Position] = (CHAR)SystemRoutineName->Buffer[Position];
    }
    Name[Length] = 0;
    Replacement = VfReplacementRoutine(__builtin_return_address(0), Name);
    return Replacement != NULL
               ? Replacement
               : MiFindExportedRoutine(&__ImageBase, Name);
}
