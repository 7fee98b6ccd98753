/*
 * Run-time library routines without a family: conversions of time, numbers, GUIDs and code pages,
 * pseudo-random numbers, version checks, bit searches. The ANSI code page is Latin-1: one byte a
 * character, '?' for what has none.
 */
#include "guest/include/rtlp.h"

#define RTL_TAG 0x206C7452 /* 'Rtl ' */
#define TICKS_PER_SECOND 10000000ll
#define SECONDS_TO_1970 11644473600ll
#define SECONDS_TO_1980 11960006400ll

/* Days since 1 January 1601 of a day in the Gregorian calendar. */
static LONGLONG DaysOf(LONG Year, LONG Month, LONG Day)
{
    static const SHORT Before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    LONG Past = Year - 1601;
    BOOLEAN Leap = (Year % 4 == 0 && Year % 100 != 0) || Year % 400 == 0;

    return Past * 365ll + Past / 4 - Past / 100 + Past / 400 + Before[Month - 1] +
           (Leap && Month > 2) + Day - 1;
}

NTEXPORT(RtlTimeFieldsToTime, ANY_LEVEL, "");
BOOLEAN NTAPI RtlTimeFieldsToTime(PTIME_FIELDS TimeFields, PLARGE_INTEGER Time)
{
    static const CHAR Length[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    PTIME_FIELDS T = TimeFields;
    BOOLEAN Leap = (T->Year % 4 == 0 && T->Year % 100 != 0) || T->Year % 400 == 0;

    if (T->Year < 1601 || T->Month < 1 || T->Month > 12 || T->Day < 1 ||
        T->Day > Length[T->Month - 1] + (Leap && T->Month == 2) || T->Hour < 0 || T->Hour > 23 ||
        T->Minute < 0 || T->Minute > 59 || T->Second < 0 || T->Second > 59 || T->Milliseconds < 0 ||
        T->Milliseconds > 999)
    {
        return FALSE;
    }
    Time->QuadPart =
        (((DaysOf(T->Year, T->Month, T->Day) * 24 + T->Hour) * 60 + T->Minute) * 60 + T->Second) *
            TICKS_PER_SECOND +
        T->Milliseconds * 10000ll;
    return TRUE;
}

static BOOLEAN SecondsSince(PLARGE_INTEGER Time, LONGLONG Start, PULONG Seconds)
{
    LONGLONG Elapsed = Time->QuadPart / TICKS_PER_SECOND - Start;

    if (Elapsed < 0 || Elapsed > 0xFFFFFFFFll)
    {
        return FALSE;
    }
    *Seconds = (ULONG)Elapsed;
    return TRUE;
}

NTEXPORT(RtlTimeToSecondsSince1970, ANY_LEVEL, "");
BOOLEAN NTAPI RtlTimeToSecondsSince1970(PLARGE_INTEGER Time, PULONG ElapsedSeconds)
{
    return SecondsSince(Time, SECONDS_TO_1970, ElapsedSeconds);
}

NTEXPORT(RtlTimeToSecondsSince1980, ANY_LEVEL, "");
BOOLEAN NTAPI RtlTimeToSecondsSince1980(PLARGE_INTEGER Time, PULONG ElapsedSeconds)
{
    return SecondsSince(Time, SECONDS_TO_1980, ElapsedSeconds);
}

NTEXPORT(RtlSecondsSince1970ToTime, ANY_LEVEL, "");
VOID NTAPI RtlSecondsSince1970ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time)
{
    Time->QuadPart = (ElapsedSeconds + SECONDS_TO_1970) * TICKS_PER_SECOND;
}

NTEXPORT(RtlSecondsSince1980ToTime, ANY_LEVEL, "");
VOID NTAPI RtlSecondsSince1980ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time)
{
    Time->QuadPart = (ElapsedSeconds + SECONDS_TO_1980) * TICKS_PER_SECOND;
}

/* The documentation promises uniform numbers up to MAXLONG - 1 that depend on the seed alone; the
 * generator is Lehmer's. */
NTEXPORT(RtlRandomEx, APC_LEVEL, "");
ULONG NTAPI RtlRandomEx(PULONG Seed)
{
    *Seed = (ULONG)(((ULONG64)(*Seed % 0x7FFFFFFEu + 1) * 48271) % 0x7FFFFFFFu) - 1;
    return *Seed;
}

NTEXPORT(RtlRandom, APC_LEVEL, "");
ULONG NTAPI RtlRandom(PULONG Seed)
{
    return RtlRandomEx(Seed);
}

NTEXPORT(RtlUnicodeToMultiByteN, ANY_LEVEL, "");
NTSTATUS NTAPI RtlUnicodeToMultiByteN(PCHAR MultiByteString, ULONG MaxBytesInMultiByteString,
                                      PULONG BytesInMultiByteString, PCWCH UnicodeString,
                                      ULONG BytesInUnicodeString)
{
    ULONG Wanted = BytesInUnicodeString / sizeof(WCHAR);
    ULONG Count = Wanted < MaxBytesInMultiByteString ? Wanted : MaxBytesInMultiByteString;

    for (ULONG i = 0; i < Count; i++)
    {
        MultiByteString[i] = UnicodeString[i] < 256 ? (CHAR)UnicodeString[i] : '?';
    }
    if (BytesInMultiByteString != NULL)
    {
        *BytesInMultiByteString = Count;
    }
    return Count < Wanted ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

NTEXPORT(RtlMultiByteToUnicodeN, ANY_LEVEL, "");
NTSTATUS NTAPI RtlMultiByteToUnicodeN(PWCH UnicodeString, ULONG MaxBytesInUnicodeString,
                                      PULONG BytesInUnicodeString, const CHAR *MultiByteString,
                                      ULONG BytesInMultiByteString)
{
    ULONG Room = MaxBytesInUnicodeString / sizeof(WCHAR);
    ULONG Count = BytesInMultiByteString < Room ? BytesInMultiByteString : Room;

    for (ULONG i = 0; i < Count; i++)
    {
        UnicodeString[i] = (UCHAR)MultiByteString[i];
    }
    if (BytesInUnicodeString != NULL)
    {
        *BytesInUnicodeString = Count * sizeof(WCHAR);
    }
    return Count < BytesInMultiByteString ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

NTEXPORT(RtlUnicodeToMultiByteSize, ANY_LEVEL, "");
NTSTATUS NTAPI RtlUnicodeToMultiByteSize(PULONG BytesInMultiByteString, PCWCH UnicodeString,
                                         ULONG BytesInUnicodeString)
{
    *BytesInMultiByteString = BytesInUnicodeString / sizeof(WCHAR);
    return STATUS_SUCCESS;
}

NTEXPORT(RtlMultiByteToUnicodeSize, ANY_LEVEL, "");
NTSTATUS NTAPI RtlMultiByteToUnicodeSize(PULONG BytesInUnicodeString, const CHAR *MultiByteString,
                                         ULONG BytesInMultiByteString)
{
    *BytesInUnicodeString = BytesInMultiByteString * sizeof(WCHAR);
    return STATUS_SUCCESS;
}

NTEXPORT(RtlValidateUnicodeString, ANY_LEVEL, "");
NTSTATUS NTAPI RtlValidateUnicodeString(ULONG Flags, PCUNICODE_STRING String)
{
    if (Flags != 0 || (String->Length & 1) || (String->MaximumLength & 1) ||
        String->Length > String->MaximumLength ||
        (String->Buffer == NULL && String->MaximumLength != 0))
    {
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}

NTEXPORT(RtlDuplicateUnicodeString, PASSIVE_LEVEL, "pool");
NTSTATUS NTAPI RtlDuplicateUnicodeString(ULONG Flags, PCUNICODE_STRING SourceString,
                                         PUNICODE_STRING DestinationString)
{
    BOOLEAN Terminate = (Flags & RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE) != 0;
    USHORT Bytes = SourceString->Length + (Terminate ? sizeof(WCHAR) : 0);

    RtlZeroMemory(DestinationString, sizeof *DestinationString);
    if (SourceString->Length == 0 && !(Flags & RTL_DUPLICATE_UNICODE_STRING_ALLOCATE_NULL_STRING))
    {
        return STATUS_SUCCESS;
    }
    DestinationString->Buffer = ExAllocatePoolWithTag(PagedPool, Bytes, RTL_TAG);
    if (DestinationString->Buffer == NULL)
    {
        return STATUS_NO_MEMORY;
    }
    RtlCopyMemory(DestinationString->Buffer, SourceString->Buffer, SourceString->Length);
    if (Terminate)
    {
        DestinationString->Buffer[SourceString->Length / sizeof(WCHAR)] = 0;
    }
    DestinationString->Length = SourceString->Length;
    DestinationString->MaximumLength = Bytes;
    return STATUS_SUCCESS;
}

NTEXPORT(RtlUpperString, ANY_LEVEL, "");
VOID NTAPI RtlUpperString(PSTRING DestinationString, const PSTRING SourceString)
{
    USHORT Count = SourceString->Length < DestinationString->MaximumLength
                       ? SourceString->Length
                       : DestinationString->MaximumLength;

    for (USHORT i = 0; i < Count; i++)
    {
        DestinationString->Buffer[i] = RtlUpperChar(SourceString->Buffer[i]);
    }
    DestinationString->Length = Count;
}

NTSYSAPI NTSTATUS NTAPI RtlAppendStringToString(PSTRING Destination, const STRING *Source);
NTEXPORT(RtlAppendStringToString, ANY_LEVEL, "");
NTSTATUS NTAPI RtlAppendStringToString(PSTRING Destination, const STRING *Source)
{
    if (Source->Length > Destination->MaximumLength - Destination->Length)
    {
        return STATUS_BUFFER_TOO_SMALL;
    }
    RtlMoveMemory(Destination->Buffer + Destination->Length, Source->Buffer, Source->Length);
    Destination->Length += Source->Length;
    return STATUS_SUCCESS;
}

/* Value of a digit in bases up to 16; 255: none. */
static UCHAR DigitOf(CHAR Character)
{
    return Character >= '0' && Character <= '9'   ? Character - '0'
           : Character >= 'a' && Character <= 'f' ? Character - 'a' + 10
           : Character >= 'A' && Character <= 'F' ? Character - 'A' + 10
                                                  : 255;
}

NTEXPORT(RtlCharToInteger, ANY_LEVEL, "");
NTSTATUS NTAPI RtlCharToInteger(PCSZ String, ULONG Base, PULONG Value)
{
    PCSZ At = String;
    BOOLEAN Minus = FALSE;
    ULONG Result = 0;

    while (*At != 0 && (UCHAR)*At <= ' ')
    {
        At++;
    }
    if (*At == '-' || *At == '+')
    {
        Minus = *At++ == '-';
    }
    if (Base == 0)
    {
        Base = 10;
        if (At[0] == '0' && (At[1] == 'x' || At[1] == 'o' || At[1] == 'b'))
        {
            Base = At[1] == 'x' ? 16 : At[1] == 'o' ? 8 : 2;
            At += 2;
        }
    }
    if (Base != 2 && Base != 8 && Base != 10 && Base != 16)
    {
        return STATUS_INVALID_PARAMETER;
    }
    for (; DigitOf(*At) < Base; At++)
    {
        Result = Result * Base + DigitOf(*At);
    }
    *Value = Minus ? 0 - Result : Result;
    return STATUS_SUCCESS;
}

#define GUID_CHARACTERS 38

NTEXPORT(RtlStringFromGUID, PASSIVE_LEVEL, "pool");
NTSTATUS NTAPI RtlStringFromGUID(REFGUID Guid, PUNICODE_STRING GuidString)
{
    WCHAR Text[GUID_CHARACTERS + 1];
    UNICODE_STRING Source = {GUID_CHARACTERS * sizeof(WCHAR), sizeof Text, Text};

    _snwprintf(Text, GUID_CHARACTERS + 1, L"{%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x}",
               (unsigned)Guid->Data1, Guid->Data2, Guid->Data3, Guid->Data4[0], Guid->Data4[1],
               Guid->Data4[2], Guid->Data4[3], Guid->Data4[4], Guid->Data4[5], Guid->Data4[6],
               Guid->Data4[7]);
    return RtlDuplicateUnicodeString(RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE, &Source,
                                     GuidString);
}

NTEXPORT(RtlGUIDFromString, PASSIVE_LEVEL, "");
NTSTATUS NTAPI RtlGUIDFromString(PUNICODE_STRING GuidString, GUID *Guid)
{
    static const CHAR Pattern[] = "{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}";
    UCHAR Bytes[16];
    ULONG Digits = 0;

    if (GuidString->Length != GUID_CHARACTERS * sizeof(WCHAR))
    {
        return STATUS_INVALID_PARAMETER;
    }
    for (ULONG i = 0; i < GUID_CHARACTERS; i++)
    {
        WCHAR Character = GuidString->Buffer[i];
        UCHAR Digit = Character < 128 ? DigitOf((CHAR)Character) : 255;
        if (Pattern[i] != 'x' ? Character != (WCHAR)Pattern[i] : Digit == 255)
        {
            return STATUS_INVALID_PARAMETER;
        }
        if (Pattern[i] == 'x')
        {
            Bytes[Digits / 2] = Digits % 2 ? Bytes[Digits / 2] << 4 | Digit : Digit;
            Digits++;
        }
    }
    Guid->Data1 = (ULONG)Bytes[0] << 24 | Bytes[1] << 16 | Bytes[2] << 8 | Bytes[3];
    Guid->Data2 = Bytes[4] << 8 | Bytes[5];
    Guid->Data3 = Bytes[6] << 8 | Bytes[7];
    RtlCopyMemory(Guid->Data4, Bytes + 8, 8);
    return STATUS_SUCCESS;
}

NTEXPORT(RtlCompareMemoryUlong, ANY_LEVEL, "");
SIZE_T NTAPI RtlCompareMemoryUlong(PVOID Source, SIZE_T Length, ULONG Pattern)
{
    SIZE_T Count = 0;

    while (Count < Length / sizeof(ULONG) && ((PULONG)Source)[Count] == Pattern)
    {
        Count++;
    }
    return Count * sizeof(ULONG);
}

NTEXPORT(RtlFindLeastSignificantBit, ANY_LEVEL, "");
CCHAR NTAPI RtlFindLeastSignificantBit(ULONGLONG Set)
{
    return Set == 0 ? -1 : (CCHAR)__builtin_ctzll(Set);
}

NTEXPORT(RtlFindMostSignificantBit, ANY_LEVEL, "");
CCHAR NTAPI RtlFindMostSignificantBit(ULONGLONG Set)
{
    return Set == 0 ? -1 : (CCHAR)(63 - __builtin_clzll(Set));
}

/* Conditions of a VerifyVersionInfo mask: three bits for each of the eight fields. */
static ULONG MaskPosition(ULONG TypeMask)
{
    ULONG Position = 0;

    while (Position < 8 && !(TypeMask >> Position & 1))
    {
        Position++;
    }
    return Position;
}

NTEXPORT(VerSetConditionMask, ANY_LEVEL, "");
ULONGLONG NTAPI VerSetConditionMask(ULONGLONG ConditionMask, ULONG TypeMask, UCHAR Condition)
{
    if (MaskPosition(TypeMask) < 8)
    {
        ConditionMask |= (ULONGLONG)(Condition & 7) << (MaskPosition(TypeMask) * 3);
    }
    return ConditionMask;
}

static BOOLEAN Satisfies(LONGLONG Have, LONGLONG Want, ULONG Condition)
{
    switch (Condition)
    {
    case VER_EQUAL:
        return Have == Want;
    case VER_GREATER:
        return Have > Want;
    case VER_GREATER_EQUAL:
        return Have >= Want;
    case VER_LESS:
        return Have < Want;
    case VER_LESS_EQUAL:
        return Have <= Want;
    default:
        return FALSE;
    }
}

NTEXPORT(RtlVerifyVersionInfo, PASSIVE_LEVEL, "");
NTSTATUS NTAPI RtlVerifyVersionInfo(PRTL_OSVERSIONINFOEXW VersionInfo, ULONG TypeMask,
                                    ULONGLONG ConditionMask)
{
    RTL_OSVERSIONINFOEXW Have = {.dwOSVersionInfoSize = sizeof Have};
    LONGLONG HaveVersion = 0, WantVersion = 0;
    ULONG Condition = 0;

    RtlGetVersion((PRTL_OSVERSIONINFOW)&Have);
    /* The parts of the version count as one number, under the condition of the most significant one
     * given. */
    if (TypeMask & VER_SERVICEPACKMAJOR)
    {
        HaveVersion = Have.wServicePackMajor;
        WantVersion = VersionInfo->wServicePackMajor;
        Condition = ConditionMask >> (MaskPosition(VER_SERVICEPACKMAJOR) * 3) & 7;
    }
    if (TypeMask & VER_MINORVERSION)
    {
        HaveVersion |= (LONGLONG)Have.dwMinorVersion << 16;
        WantVersion |= (LONGLONG)VersionInfo->dwMinorVersion << 16;
        Condition = ConditionMask >> (MaskPosition(VER_MINORVERSION) * 3) & 7;
    }
    if (TypeMask & VER_MAJORVERSION)
    {
        HaveVersion |= (LONGLONG)Have.dwMajorVersion << 32;
        WantVersion |= (LONGLONG)VersionInfo->dwMajorVersion << 32;
        Condition = ConditionMask >> (MaskPosition(VER_MAJORVERSION) * 3) & 7;
    }
    if (Condition != 0 && !Satisfies(HaveVersion, WantVersion, Condition))
    {
        return STATUS_REVISION_MISMATCH;
    }
    if ((TypeMask & VER_BUILDNUMBER) &&
        !Satisfies(Have.dwBuildNumber, VersionInfo->dwBuildNumber,
                   ConditionMask >> (MaskPosition(VER_BUILDNUMBER) * 3) & 7))
    {
        return STATUS_REVISION_MISMATCH;
    }
    return STATUS_SUCCESS;
}

NTEXPORT(RtlAssert, ANY_LEVEL, "");
VOID NTAPI RtlAssert(PVOID FailedAssertion, PVOID FileName, ULONG LineNumber, PSTR Message)
{
    DbgPrint("*** Assertion failed: %s%s (%s, line %u)\n", Message != NULL ? Message : "",
             (PSTR)FailedAssertion, (PSTR)FileName, LineNumber);
}

NTEXPORT(RtlMapGenericMask, ANY_LEVEL, "");
VOID NTAPI RtlMapGenericMask(PACCESS_MASK AccessMask, PGENERIC_MAPPING GenericMapping)
{
    const struct
    {
        ACCESS_MASK Bit, Rights;
    } Map[] = {{GENERIC_READ, GenericMapping->GenericRead},
               {GENERIC_WRITE, GenericMapping->GenericWrite},
               {GENERIC_EXECUTE, GenericMapping->GenericExecute},
               {GENERIC_ALL, GenericMapping->GenericAll}};

    for (ULONG i = 0; i < sizeof Map / sizeof Map[0]; i++)
    {
        if (*AccessMask & Map[i].Bit)
        {
            *AccessMask = (*AccessMask & ~Map[i].Bit) | Map[i].Rights;
        }
    }
}
