/*
 * Counted strings: UNICODE_STRING and ANSI_STRING. Case conversion covers ASCII and Latin-1, which is what the
 * names of a scenario are made of; other characters compare by value. The system's ANSI code page is Latin-1.
 */
#include "guest/include/rtlp.h"

#define STRING_TAG 0x67727453 /* "Strg" */
#undef RtlInitAnsiString

NTEXPORT(RtlInitUnicodeString, DISPATCH_LEVEL, "");
VOID NTAPI RtlInitUnicodeString(PUNICODE_STRING Destination, PCWSTR Source)
{
    SIZE_T Bytes = Source ? wcslen(Source) * sizeof(WCHAR) : 0;
    if (Bytes > 0xFFFC)
    {
        Bytes = 0xFFFC;
    }
    Destination->Length = (USHORT)Bytes;
    Destination->MaximumLength = Source ? (USHORT)(Bytes + sizeof(WCHAR)) : 0;
    Destination->Buffer = (PWSTR)Source;
}

NTEXPORT(RtlInitUnicodeStringEx, DISPATCH_LEVEL, "");
NTSTATUS NTAPI RtlInitUnicodeStringEx(PUNICODE_STRING Destination, PCWSTR Source)
{
    if (Source && wcslen(Source) * sizeof(WCHAR) > 0xFFFC)
    {
        return STATUS_NAME_TOO_LONG;
    }
    RtlInitUnicodeString(Destination, Source);
    return STATUS_SUCCESS;
}

NTEXPORT(RtlInitAnsiString, DISPATCH_LEVEL, "");
VOID NTAPI RtlInitAnsiString(PANSI_STRING Destination, PCSZ Source)
{
    SIZE_T Bytes = Source ? strlen(Source) : 0;
    if (Bytes > 0xFFFE)
    {
        Bytes = 0xFFFE;
    }
    Destination->Length = (USHORT)Bytes;
    Destination->MaximumLength = Source ? (USHORT)(Bytes + 1) : 0;
    Destination->Buffer = (PCHAR)Source;
}

NTEXPORT(RtlInitString, DISPATCH_LEVEL, "");
VOID NTAPI RtlInitString(PSTRING Destination, PCSZ Source)
{
    RtlInitAnsiString(Destination, Source);
}

NTEXPORT(RtlCopyUnicodeString, DISPATCH_LEVEL, "");
VOID NTAPI RtlCopyUnicodeString(PUNICODE_STRING Destination, PCUNICODE_STRING Source)
{
    USHORT Bytes = Source ? Source->Length : 0;
    if (Bytes > Destination->MaximumLength)
    {
        Bytes = Destination->MaximumLength;
    }
    memcpy(Destination->Buffer, Source ? Source->Buffer : NULL, Bytes);
    Destination->Length = Bytes;
    if (Bytes + sizeof(WCHAR) <= Destination->MaximumLength)
    {
        Destination->Buffer[Bytes / sizeof(WCHAR)] = 0;
    }
}

NTEXPORT(RtlCopyString, DISPATCH_LEVEL, "");
VOID NTAPI RtlCopyString(PSTRING Destination, const PSTRING Source)
{
    USHORT Bytes = Source ? Source->Length : 0;
    if (Bytes > Destination->MaximumLength)
    {
        Bytes = Destination->MaximumLength;
    }
    memcpy(Destination->Buffer, Source ? Source->Buffer : NULL, Bytes);
    Destination->Length = Bytes;
}

static NTSTATUS Append(PUNICODE_STRING Destination, const WCHAR *Source, SIZE_T Bytes)
{
    if (Destination->Length + Bytes > Destination->MaximumLength)
    {
        return STATUS_BUFFER_TOO_SMALL;
    }
    memmove((PUCHAR)Destination->Buffer + Destination->Length, Source, Bytes);
    Destination->Length += (USHORT)Bytes;
    if (Destination->Length + sizeof(WCHAR) <= Destination->MaximumLength)
    {
        Destination->Buffer[Destination->Length / sizeof(WCHAR)] = 0;
    }
    return STATUS_SUCCESS;
}

NTEXPORT(RtlAppendUnicodeToString, DISPATCH_LEVEL, "");
NTSTATUS NTAPI RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source)
{
    return Source ? Append(Destination, Source, wcslen(Source) * sizeof(WCHAR)) : STATUS_SUCCESS;
}

NTEXPORT(RtlAppendUnicodeStringToString, DISPATCH_LEVEL, "");
NTSTATUS NTAPI RtlAppendUnicodeStringToString(PUNICODE_STRING Destination, PCUNICODE_STRING Source)
{
    return Append(Destination, Source->Buffer, Source->Length);
}

NTEXPORT(RtlUpcaseUnicodeChar, PASSIVE_LEVEL, "");
WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR Character)
{
    if (Character >= L'a' && Character <= L'z')
    {
        return Character - 32;
    }
    if (Character >= 0xE0 && Character <= 0xFE && Character != 0xF7)
    {
        return Character - 32;
    }
    return Character == 0xFF ? 0x178 : Character;
}

NTEXPORT(RtlDowncaseUnicodeChar, PASSIVE_LEVEL, "");
WCHAR NTAPI RtlDowncaseUnicodeChar(WCHAR Character)
{
    if ((Character >= L'A' && Character <= L'Z') ||
        (Character >= 0xC0 && Character <= 0xDE && Character != 0xD7))
    {
        return Character + 32;
    }
    return Character == 0x178 ? 0xFF : Character;
}

NTEXPORT(RtlUpperChar, PASSIVE_LEVEL, "");
CHAR NTAPI RtlUpperChar(CHAR Character)
{
    WCHAR Upper = RtlUpcaseUnicodeChar((UCHAR)Character);
    return Upper < 256 ? (CHAR)Upper : Character;
}

static LONG CompareCharacters(const WCHAR *A, SIZE_T CountA, const WCHAR *B, SIZE_T CountB, BOOLEAN IgnoreCase)
{
    for (SIZE_T i = 0; i < CountA && i < CountB; i++)
    {
        WCHAR a = IgnoreCase ? RtlUpcaseUnicodeChar(A[i]) : A[i];
        WCHAR b = IgnoreCase ? RtlUpcaseUnicodeChar(B[i]) : B[i];
        if (a != b)
        {
            return (LONG)a - (LONG)b;
        }
    }
    return (LONG)CountA - (LONG)CountB;
}

NTEXPORT(RtlCompareUnicodeString, PASSIVE_LEVEL, "");
LONG NTAPI RtlCompareUnicodeString(PCUNICODE_STRING A, PCUNICODE_STRING B, BOOLEAN IgnoreCase)
{
    return CompareCharacters(
        A->Buffer, A->Length / sizeof(WCHAR), B->Buffer, B->Length / sizeof(WCHAR), IgnoreCase);
}

NTEXPORT(RtlEqualUnicodeString, PASSIVE_LEVEL, "");
BOOLEAN NTAPI RtlEqualUnicodeString(PCUNICODE_STRING A, PCUNICODE_STRING B, BOOLEAN IgnoreCase)
{
    return A->Length == B->Length && RtlCompareUnicodeString(A, B, IgnoreCase) == 0;
}

NTEXPORT(RtlPrefixUnicodeString, PASSIVE_LEVEL, "");
BOOLEAN NTAPI RtlPrefixUnicodeString(PCUNICODE_STRING Prefix, PCUNICODE_STRING String, BOOLEAN IgnoreCase)
{
    if (Prefix->Length > String->Length)
    {
        return FALSE;
    }
    SIZE_T Count = Prefix->Length / sizeof(WCHAR);
    return CompareCharacters(Prefix->Buffer, Count, String->Buffer, Count, IgnoreCase) == 0;
}

NTEXPORT(RtlCompareString, PASSIVE_LEVEL, "");
LONG NTAPI RtlCompareString(const PSTRING A, const PSTRING B, BOOLEAN IgnoreCase)
{
    for (USHORT i = 0; i < A->Length && i < B->Length; i++)
    {
        LONG a = (UCHAR)(IgnoreCase ? RtlUpperChar(A->Buffer[i]) : A->Buffer[i]);
        LONG b = (UCHAR)(IgnoreCase ? RtlUpperChar(B->Buffer[i]) : B->Buffer[i]);
        if (a != b)
        {
            return a - b;
        }
    }
    return (LONG)A->Length - (LONG)B->Length;
}

NTEXPORT(RtlEqualString, PASSIVE_LEVEL, "");
BOOLEAN NTAPI RtlEqualString(const PSTRING A, const PSTRING B, BOOLEAN IgnoreCase)
{
    return A->Length == B->Length && RtlCompareString(A, B, IgnoreCase) == 0;
}

/* Makes room in Destination: allocates when asked to, else checks what is there. */
static NTSTATUS MakeRoom(PUNICODE_STRING Destination, SIZE_T Bytes, SIZE_T Capacity, BOOLEAN Allocate)
{
    if (Capacity > 0xFFFE)
    {
        return STATUS_INVALID_PARAMETER_2;
    }
    if (Allocate)
    {
        Destination->Buffer = ExAllocatePoolWithTag(PagedPool, Capacity, STRING_TAG);
        if (Destination->Buffer == NULL)
        {
            return STATUS_NO_MEMORY;
        }
        Destination->MaximumLength = (USHORT)Capacity;
    }
    else if (Bytes > Destination->MaximumLength)
    {
        return STATUS_BUFFER_OVERFLOW;
    }
    Destination->Length = (USHORT)Bytes;
    return STATUS_SUCCESS;
}

NTEXPORT(RtlUpcaseUnicodeString, PASSIVE_LEVEL, "pool");
NTSTATUS NTAPI RtlUpcaseUnicodeString(PUNICODE_STRING Destination, PCUNICODE_STRING Source, BOOLEAN Allocate)
{
    NTSTATUS Status = MakeRoom(Destination, Source->Length, Source->Length, Allocate);
    for (USHORT i = 0; NT_SUCCESS(Status) && i < Source->Length / sizeof(WCHAR); i++)
    {
        Destination->Buffer[i] = RtlUpcaseUnicodeChar(Source->Buffer[i]);
    }
    return Status;
}

NTEXPORT(RtlDowncaseUnicodeString, PASSIVE_LEVEL, "pool");
NTSTATUS NTAPI RtlDowncaseUnicodeString(PUNICODE_STRING Destination, PCUNICODE_STRING Source, BOOLEAN Allocate)
{
    NTSTATUS Status = MakeRoom(Destination, Source->Length, Source->Length, Allocate);
    for (USHORT i = 0; NT_SUCCESS(Status) && i < Source->Length / sizeof(WCHAR); i++)
    {
        Destination->Buffer[i] = RtlDowncaseUnicodeChar(Source->Buffer[i]);
    }
    return Status;
}

NTEXPORT(RtlAnsiStringToUnicodeString, PASSIVE_LEVEL, "pool");
NTSTATUS NTAPI RtlAnsiStringToUnicodeString(PUNICODE_STRING Destination, PCANSI_STRING Source, BOOLEAN Allocate)
{
    SIZE_T Bytes = Source->Length * sizeof(WCHAR);
    NTSTATUS Status = MakeRoom(Destination, Bytes, Bytes + sizeof(WCHAR), Allocate);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    for (USHORT i = 0; i < Source->Length; i++)
    {
        Destination->Buffer[i] = (UCHAR)Source->Buffer[i];
    }
    if (Bytes + sizeof(WCHAR) <= Destination->MaximumLength)
    {
        Destination->Buffer[Source->Length] = 0;
    }
    return STATUS_SUCCESS;
}

NTEXPORT(RtlUnicodeStringToAnsiString, PASSIVE_LEVEL, "pool");
NTSTATUS NTAPI RtlUnicodeStringToAnsiString(PANSI_STRING Destination, PCUNICODE_STRING Source, BOOLEAN Allocate)
{
    SIZE_T Count = Source->Length / sizeof(WCHAR);
    NTSTATUS Status = MakeRoom((PUNICODE_STRING)Destination, Count, Count + 1, Allocate);
    if (!NT_SUCCESS(Status))
    {
        return Status;
    }
    for (SIZE_T i = 0; i < Count; i++)
    {
        Destination->Buffer[i] = Source->Buffer[i] < 256 ? (CHAR)Source->Buffer[i] : '?';
    }
    if (Count + 1 <= Destination->MaximumLength)
    {
        Destination->Buffer[Count] = 0;
    }
    return STATUS_SUCCESS;
}

NTEXPORT(RtlxAnsiStringToUnicodeSize, PASSIVE_LEVEL, "");
ULONG NTAPI RtlxAnsiStringToUnicodeSize(PCANSI_STRING String)
{
    return (String->Length + 1) * sizeof(WCHAR);
}

NTEXPORT(RtlxUnicodeStringToAnsiSize, PASSIVE_LEVEL, "");
ULONG NTAPI RtlxUnicodeStringToAnsiSize(PCUNICODE_STRING String)
{
    return String->Length / sizeof(WCHAR) + 1;
}

NTEXPORT(RtlCreateUnicodeString, PASSIVE_LEVEL, "pool");
BOOLEAN NTAPI RtlCreateUnicodeString(PUNICODE_STRING Destination, PCWSTR Source)
{
    SIZE_T Bytes = (wcslen(Source) + 1) * sizeof(WCHAR);
    if (!NT_SUCCESS(MakeRoom(Destination, Bytes - sizeof(WCHAR), Bytes, TRUE)))
    {
        return FALSE;
    }
    memcpy(Destination->Buffer, Source, Bytes);
    return TRUE;
}

NTEXPORT(RtlFreeUnicodeString, PASSIVE_LEVEL, "pool");
VOID NTAPI RtlFreeUnicodeString(PUNICODE_STRING String)
{
    if (String->Buffer != NULL)
    {
        ExFreePool(String->Buffer);
        String->Buffer = NULL;
        String->Length = String->MaximumLength = 0;
    }
}

NTEXPORT(RtlFreeAnsiString, PASSIVE_LEVEL, "pool");
VOID NTAPI RtlFreeAnsiString(PANSI_STRING String)
{
    RtlFreeUnicodeString((PUNICODE_STRING)String);
}

NTEXPORT(RtlInt64ToUnicodeString, PASSIVE_LEVEL, "");
NTSTATUS NTAPI RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String)
{
    WCHAR Digits[65];
    ULONG Count = 64;
    if (Base == 0)
    {
        Base = 10;
    }
    if (Base != 2 && Base != 8 && Base != 10 && Base != 16)
    {
        return STATUS_INVALID_PARAMETER;
    }
    Digits[64] = 0;
    do
    {
        Digits[--Count] = L"0123456789ABCDEF"[Value % Base];
        Value /= Base;
    } while (Value != 0);
    if ((64 - Count) * sizeof(WCHAR) > String->MaximumLength)
    {
        return STATUS_BUFFER_OVERFLOW;
    }
    String->Length = 0;
    return Append(String, Digits + Count, (64 - Count) * sizeof(WCHAR));
}

NTEXPORT(RtlIntegerToUnicodeString, PASSIVE_LEVEL, "");
NTSTATUS NTAPI RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String)
{
    return RtlInt64ToUnicodeString(Value, Base, String);
}

/* Leading blanks, a sign, and the prefixes 0x, 0o and 0b as documented. */
NTEXPORT(RtlUnicodeStringToInteger, PASSIVE_LEVEL, "");
NTSTATUS NTAPI RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value)
{
    const WCHAR *p = String->Buffer, *End = p + String->Length / sizeof(WCHAR);
    BOOLEAN Negative = FALSE;
    ULONG Result = 0;
    while (p < End && *p <= L' ')
    {
        p++;
    }
    if (p < End && (*p == L'-' || *p == L'+'))
    {
        Negative = *p++ == L'-';
    }
    if (Base == 0)
    {
        Base = 10;
        if (End - p >= 2 && p[0] == L'0')
        {
            ULONG Prefix = p[1] == L'x' ? 16 : p[1] == L'o' ? 8 : p[1] == L'b' ? 2 : 0;
            if (Prefix != 0)
            {
                Base = Prefix;
                p += 2;
            }
        }
    }
    if (Base != 2 && Base != 8 && Base != 10 && Base != 16)
    {
        return STATUS_INVALID_PARAMETER;
    }
    for (; p < End; p++)
    {
        WCHAR c = RtlUpcaseUnicodeChar(*p);
        ULONG Digit = c >= L'0' && c <= L'9' ? (ULONG)(c - L'0') : c >= L'A' && c <= L'F' ? (ULONG)(c - L'A' + 10) : 99;
        if (Digit >= Base)
        {
            break;
        }
        Result = Result * Base + Digit;
    }
    *Value = Negative ? 0 - Result : Result;
    return STATUS_SUCCESS;
}

/* The documented x65599 hash: HASH_STRING_ALGORITHM_DEFAULT and _X65599 are the same. */
NTEXPORT(RtlHashUnicodeString, PASSIVE_LEVEL, "");
NTSTATUS NTAPI RtlHashUnicodeString(
    CONST UNICODE_STRING *String, BOOLEAN IgnoreCase, ULONG Algorithm, PULONG HashValue)
{
    if (String == NULL || HashValue == NULL || Algorithm > 1)
    {
        return STATUS_INVALID_PARAMETER;
    }
    ULONG Hash = 0;
    for (USHORT i = 0; i < String->Length / sizeof(WCHAR); i++)
    {
        Hash = Hash * 65599 + (IgnoreCase ? RtlUpcaseUnicodeChar(String->Buffer[i]) : String->Buffer[i]);
    }
    *HashValue = Hash;
    return STATUS_SUCCESS;
}
