/*
 * Formatted text: DbgPrint, and the _snprintf family that ntstrsafe.h and drivers import from the kernel. One
 * engine for narrow and wide formats, following the format specification of Microsoft's run-time library: sizes h, l,
 * ll, w, I, I32, I64 and z; %Z counted strings; %p with 16 digits. Floating point is not for kernel code.
 */
#include "guest/include/rtlp.h"

typedef struct _SINK
{
    PVOID Buffer;
    SIZE_T Capacity;
    SIZE_T Count;
    BOOLEAN Wide;
} SINK;

static VOID Put(SINK *Sink, WCHAR Character)
{
    if (Sink->Count < Sink->Capacity)
    {
        if (Sink->Wide)
        {
            ((PWCHAR)Sink->Buffer)[Sink->Count] = Character;
        }
        else
        {
            ((PCHAR)Sink->Buffer)[Sink->Count] = (CHAR)Character;
        }
    }
    Sink->Count++;
}

typedef struct _SPEC
{
    BOOLEAN Left, Zero, Plus, Space, Alternate;
    int Width, Precision; /* Precision -1: none */
    int Size;             /* bytes of an integer */
    int Text;             /* 0 as the format is, 1 narrow, 2 wide */
} SPEC;

static VOID Pad(SINK *Sink, int Count, WCHAR Character)
{
    while (Count-- > 0)
    {
        Put(Sink, Character);
    }
}

static VOID PutText(SINK *Sink, const SPEC *Spec, const VOID *Text, SIZE_T Length, BOOLEAN WideText)
{
    int Fill = Spec->Width - (int)Length;
    if (!Spec->Left)
    {
        Pad(Sink, Fill, Spec->Zero ? L'0' : L' ');
    }
    for (SIZE_T i = 0; i < Length; i++)
    {
        Put(Sink, WideText ? ((const WCHAR *)Text)[i] : ((const UCHAR *)Text)[i]);
    }
    if (Spec->Left)
    {
        Pad(Sink, Fill, L' ');
    }
}

static VOID PutNumber(SINK *Sink, const SPEC *Spec, ULONG64 Value, ULONG Base, BOOLEAN Negative,
    BOOLEAN Signed, BOOLEAN Upper)
{
    CHAR Digits[24];
    int Count = 0;
    const CHAR *Alphabet = Upper ? "0123456789ABCDEF" : "0123456789abcdef";
    ULONG64 Rest = Value;
    while (Rest != 0)
    {
        Digits[Count++] = Alphabet[Rest % Base];
        Rest /= Base;
    }
    if (Value == 0 && Spec->Precision != 0)
    {
        Digits[Count++] = '0';
    }
    int Zeros = Spec->Precision > Count ? Spec->Precision - Count : 0;
    CHAR Sign = Negative ? '-' : Signed && Spec->Plus ? '+' : Signed && Spec->Space ? ' ' : 0;
    int Prefix = (Sign ? 1 : 0) + (Spec->Alternate && Base == 16 && Value != 0 ? 2 : 0);
    int Fill = Spec->Width - Prefix - Zeros - Count;
    BOOLEAN ZeroFill = Spec->Zero && !Spec->Left && Spec->Precision < 0;
    if (!Spec->Left && !ZeroFill)
    {
        Pad(Sink, Fill, L' ');
    }
    if (Sign)
    {
        Put(Sink, Sign);
    }
    if (Spec->Alternate && Base == 16 && Value != 0)
    {
        Put(Sink, L'0');
        Put(Sink, Upper ? L'X' : L'x');
    }
    if (ZeroFill)
    {
        Pad(Sink, Fill, L'0');
    }
    Pad(Sink, Zeros, L'0');
    while (Count > 0)
    {
        Put(Sink, Digits[--Count]);
    }
    if (Spec->Left)
    {
        Pad(Sink, Fill, L' ');
    }
}

static WCHAR At(const VOID *Format, SIZE_T Index, BOOLEAN Wide)
{
    return Wide ? ((const WCHAR *)Format)[Index] : ((const UCHAR *)Format)[Index];
}

static SIZE_T Length(const VOID *Text, BOOLEAN Wide, int Limit)
{
    SIZE_T n = 0;
    while ((Limit < 0 || n < (SIZE_T)Limit) && At(Text, n, Wide) != 0)
    {
        n++;
    }
    return n;
}

/* Reads the size prefix behind flags, width and precision; returns the index behind it. */
static SIZE_T ParseSize(const VOID *Format, SIZE_T i, BOOLEAN Wide, SPEC *Spec)
{
    for (;; i++)
    {
        switch (At(Format, i, Wide))
        {
        case L'h':
            Spec->Size = Spec->Size == 2 ? 1 : 2;
            Spec->Text = 1;
            break;
        case L'l':
            if (At(Format, i + 1, Wide) == L'l')
            {
                Spec->Size = 8;
                i++;
            }
            Spec->Text = 2;
            break;
        case L'w':
            Spec->Text = 2;
            break;
        case L'z':
        case L't':
        case L'j':
            Spec->Size = 8;
            break;
        case L'I':
            if (At(Format, i + 1, Wide) == L'6' && At(Format, i + 2, Wide) == L'4')
            {
                Spec->Size = 8;
                i += 2;
            }
            else if (At(Format, i + 1, Wide) == L'3' && At(Format, i + 2, Wide) == L'2')
            {
                i += 2;
            }
            else
            {
                Spec->Size = 8;
            }
            break;
        default:
            return i;
        }
    }
}

static ULONG64 Truncate(ULONG64 Value, int Size)
{
    return Size == 8 ? Value : Size == 4 ? (ULONG)Value : Size == 2 ? (USHORT)Value : (UCHAR)Value;
}

static LONG64 SignExtend(ULONG64 Value, int Size)
{
    return Size == 8 ? (LONG64)Value : Size == 4 ? (LONG)Value : Size == 2 ? (SHORT)Value : (CHAR)Value;
}

SIZE_T RtlpFormat(PVOID Buffer, SIZE_T Capacity, const VOID *Format, va_list Arguments, BOOLEAN Wide)
{
    SINK Sink = {Buffer, Capacity, 0, Wide};
    for (SIZE_T i = 0; At(Format, i, Wide) != 0; i++)
    {
        WCHAR c = At(Format, i, Wide);
        if (c != L'%')
        {
            Put(&Sink, c);
            continue;
        }
        SPEC Spec = {0};
        Spec.Precision = -1;
        Spec.Size = 4;
        for (BOOLEAN Flags = TRUE; Flags;)
        {
            switch (At(Format, i + 1, Wide))
            {
            case L'-': Spec.Left = TRUE; i++; break;
            case L'0': Spec.Zero = TRUE; i++; break;
            case L'+': Spec.Plus = TRUE; i++; break;
            case L' ': Spec.Space = TRUE; i++; break;
            case L'#': Spec.Alternate = TRUE; i++; break;
            default: Flags = FALSE; break;
            }
        }
        i++;
        if (At(Format, i, Wide) == L'*')
        {
            Spec.Width = va_arg(Arguments, int);
            if (Spec.Width < 0)
            {
                Spec.Left = TRUE;
                Spec.Width = -Spec.Width;
            }
            i++;
        }
        while (At(Format, i, Wide) >= L'0' && At(Format, i, Wide) <= L'9')
        {
            Spec.Width = Spec.Width * 10 + (At(Format, i, Wide) - L'0');
            i++;
        }
        if (At(Format, i, Wide) == L'.')
        {
            Spec.Precision = 0;
            i++;
            if (At(Format, i, Wide) == L'*')
            {
                Spec.Precision = va_arg(Arguments, int);
                i++;
            }
            while (At(Format, i, Wide) >= L'0' && At(Format, i, Wide) <= L'9')
            {
                Spec.Precision = Spec.Precision * 10 + (At(Format, i, Wide) - L'0');
                i++;
            }
        }
        i = ParseSize(Format, i, Wide, &Spec);
        c = At(Format, i, Wide);
        switch (c)
        {
        case 0:
            return Sink.Count; /* a lone % at the end */
        case L'%':
            Put(&Sink, L'%');
            break;
        case L'd':
        case L'i':
        {
            LONG64 Value = SignExtend(va_arg(Arguments, ULONG64), Spec.Size);
            PutNumber(&Sink, &Spec, Value < 0 ? 0 - (ULONG64)Value : (ULONG64)Value, 10, Value < 0, TRUE, FALSE);
            break;
        }
        case L'u':
        case L'x':
        case L'X':
        case L'o':
        {
            ULONG64 Value = Truncate(va_arg(Arguments, ULONG64), Spec.Size);
            PutNumber(&Sink, &Spec, Value, c == L'u' ? 10 : c == L'o' ? 8 : 16, FALSE, FALSE, c == L'X');
            break;
        }
        case L'p':
            Spec.Precision = 16;
            PutNumber(&Sink, &Spec, va_arg(Arguments, ULONG64), 16, FALSE, FALSE, TRUE);
            break;
        case L'c':
        case L'C':
        {
            WCHAR Character = (WCHAR)va_arg(Arguments, int);
            PutText(&Sink, &Spec, &Character, 1, TRUE);
            break;
        }
        case L's':
        case L'S':
        {
            const VOID *Text = va_arg(Arguments, const VOID *);
            BOOLEAN WideText = Spec.Text == 2 || (Spec.Text == 0 && Wide == (c == L's'));
            if (Text == NULL)
            {
                Text = "(null)";
                WideText = FALSE;
            }
            PutText(&Sink, &Spec, Text, Length(Text, WideText, Spec.Precision), WideText);
            break;
        }
        case L'Z':
        {
            /* ANSI_STRING and UNICODE_STRING have one layout; Length is in bytes. */
            const UNICODE_STRING *String = va_arg(Arguments, const UNICODE_STRING *);
            BOOLEAN WideText = Spec.Text == 2;
            if (String == NULL || String->Buffer == NULL)
            {
                PutText(&Sink, &Spec, "(null)", 6, FALSE);
            }
            else
            {
                SIZE_T Count = WideText ? String->Length / sizeof(WCHAR) : String->Length;
                if (Spec.Precision >= 0 && (SIZE_T)Spec.Precision < Count)
                {
                    Count = Spec.Precision;
                }
                PutText(&Sink, &Spec, String->Buffer, Count, WideText);
            }
            break;
        }
        default:
            Put(&Sink, c);
            break;
        }
    }
    return Sink.Count;
}

/* Documented limit of DbgPrint: 512 bytes a call. */
#define DEBUG_TEXT 512

NTEXPORT(vDbgPrintExWithPrefix, ANY_LEVEL, "");
ULONG NTAPI vDbgPrintExWithPrefix(PCCH Prefix, ULONG ComponentId, ULONG Level, PCCH Format, va_list Arguments)
{
    CHAR Text[DEBUG_TEXT];
    SIZE_T Used = Length(Prefix, FALSE, DEBUG_TEXT);
    memcpy(Text, Prefix, Used);
    SIZE_T Count = Used + RtlpFormat(Text + Used, DEBUG_TEXT - Used, Format, Arguments, FALSE);
    RdPrint(Text, Count < DEBUG_TEXT ? Count : DEBUG_TEXT);
    return STATUS_SUCCESS;
}

NTEXPORT(vDbgPrintEx, ANY_LEVEL, "");
ULONG NTAPI vDbgPrintEx(ULONG ComponentId, ULONG Level, PCCH Format, va_list Arguments)
{
    return vDbgPrintExWithPrefix("", ComponentId, Level, Format, Arguments);
}

NTEXPORT(DbgPrint, ANY_LEVEL, "");
ULONG __cdecl DbgPrint(PCSTR Format, ...)
{
    va_list Arguments;
    va_start(Arguments, Format);
    ULONG Status = vDbgPrintEx(0, 0, Format, Arguments);
    va_end(Arguments);
    return Status;
}

NTEXPORT(DbgPrintEx, ANY_LEVEL, "");
ULONG __cdecl DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...)
{
    va_list Arguments;
    va_start(Arguments, Format);
    ULONG Status = vDbgPrintEx(ComponentId, Level, Format, Arguments);
    va_end(Arguments);
    return Status;
}

/* The C library's contract: -1 when the text does not fit, a terminator only when there is room. */
static int Finish(PVOID Buffer, SIZE_T Capacity, SIZE_T Count, BOOLEAN Wide)
{
    if (Count < Capacity)
    {
        if (Wide)
        {
            ((PWCHAR)Buffer)[Count] = 0;
        }
        else
        {
            ((PCHAR)Buffer)[Count] = 0;
        }
    }
    return Count <= Capacity ? (int)Count : -1;
}

NTEXPORT(_vsnprintf, ANY_LEVEL, "");
int __cdecl _vsnprintf(char *Buffer, size_t Count, const char *Format, va_list Arguments)
{
    return Finish(Buffer, Count, RtlpFormat(Buffer, Count, Format, Arguments, FALSE), FALSE);
}

NTEXPORT(_vsnwprintf, ANY_LEVEL, "");
int __cdecl _vsnwprintf(wchar_t *Buffer, size_t Count, const wchar_t *Format, va_list Arguments)
{
    return Finish(Buffer, Count, RtlpFormat(Buffer, Count, Format, Arguments, TRUE), TRUE);
}

NTEXPORT(_snprintf, ANY_LEVEL, "");
int __cdecl _snprintf(char *Buffer, size_t Count, const char *Format, ...)
{
    va_list Arguments;
    va_start(Arguments, Format);
    int Result = _vsnprintf(Buffer, Count, Format, Arguments);
    va_end(Arguments);
    return Result;
}

NTEXPORT(_snwprintf, ANY_LEVEL, "");
int __cdecl _snwprintf(wchar_t *Buffer, size_t Count, const wchar_t *Format, ...)
{
    va_list Arguments;
    va_start(Arguments, Format);
    int Result = _vsnwprintf(Buffer, Count, Format, Arguments);
    va_end(Arguments);
    return Result;
}

NTEXPORT(sprintf, ANY_LEVEL, "");
int __cdecl sprintf(char *Buffer, const char *Format, ...)
{
    va_list Arguments;
    va_start(Arguments, Format);
    int Result = _vsnprintf(Buffer, MAXLONG, Format, Arguments);
    va_end(Arguments);
    return Result;
}

NTEXPORT(swprintf, ANY_LEVEL, "");
int __cdecl swprintf(wchar_t *Buffer, const wchar_t *Format, ...)
{
    va_list Arguments;
    va_start(Arguments, Format);
    int Result = _vsnwprintf(Buffer, MAXLONG, Format, Arguments);
    va_end(Arguments);
    return Result;
}

NTEXPORT(vsprintf, ANY_LEVEL, "");
int __cdecl vsprintf(char *Buffer, const char *Format, va_list Arguments)
{
    return _vsnprintf(Buffer, MAXLONG, Format, Arguments);
}
