/* Numbers and text of the C run-time library, and the stack probe that compilers call for large
 * frames. */
#define _CRTIMP
#include "guest/include/ntos.h"

/* A kernel stack is there in full, so a probe has nothing to do; a frame that is too large meets
 * the guard zone. RAX and all other registers must be left alone. */
NTEXPORT(__chkstk, ANY_LEVEL, "");
__asm__(".text\n\t.globl __chkstk\n__chkstk:\n\tret");

static LONGLONG ParseNumber(const VOID *Text, BOOLEAN Wide)
{
    LONGLONG Value = 0;
    BOOLEAN Minus = FALSE;
    SIZE_T At = 0;
#define CHARACTER(i) (Wide ? ((const WCHAR *)Text)[i] : ((const UCHAR *)Text)[i])

    while (CHARACTER(At) == ' ' || (CHARACTER(At) >= 9 && CHARACTER(At) <= 13))
    {
        At++;
    }
    if (CHARACTER(At) == '-' || CHARACTER(At) == '+')
    {
        Minus = CHARACTER(At++) == '-';
    }
    for (; CHARACTER(At) >= '0' && CHARACTER(At) <= '9'; At++)
    {
        Value = Value * 10 + (CHARACTER(At) - '0');
    }
    return Minus ? -Value : Value;
#undef CHARACTER
}

int atoi(const char *Text);
NTEXPORT(atoi, ANY_LEVEL, "");
int atoi(const char *Text)
{
    return (int)ParseNumber(Text, FALSE);
}

long atol(const char *Text);
NTEXPORT(atol, ANY_LEVEL, "");
long atol(const char *Text)
{
    return (long)ParseNumber(Text, FALSE);
}

int _wtoi(const wchar_t *Text);
NTEXPORT(_wtoi, ANY_LEVEL, "");
int _wtoi(const wchar_t *Text)
{
    return (int)ParseNumber(Text, TRUE);
}

long _wtol(const wchar_t *Text);
NTEXPORT(_wtol, ANY_LEVEL, "");
long _wtol(const wchar_t *Text)
{
    return (long)ParseNumber(Text, TRUE);
}

/* Digits of Value into Text, narrow or wide, with terminator. */
static VOID FormatNumber(ULONG64 Value, BOOLEAN Minus, PVOID Text, int Radix, BOOLEAN Wide)
{
    CHAR Digits[66];
    ULONG Count = 0, At = 0;

    do
    {
        Digits[Count++] = "0123456789abcdefghijklmnopqrstuvwxyz"[Value % (ULONG)Radix];
        Value /= (ULONG)Radix;
    } while (Value != 0);
    if (Minus)
    {
        Digits[Count++] = '-';
    }
    for (; At <= Count; At++)
    {
        CHAR Character = At == Count ? 0 : Digits[Count - 1 - At];
        if (Wide)
        {
            ((PWCHAR)Text)[At] = (UCHAR)Character;
        }
        else
        {
            ((PCHAR)Text)[At] = Character;
        }
    }
}

char *_itoa(int Value, char *Text, int Radix);
NTEXPORT(_itoa, ANY_LEVEL, "");
char *_itoa(int Value, char *Text, int Radix)
{
    BOOLEAN Minus = Value < 0 && Radix == 10;

    FormatNumber(Minus ? 0u - (ULONG)Value : (ULONG)Value, Minus, Text, Radix, FALSE);
    return Text;
}

wchar_t *_itow(int Value, wchar_t *Text, int Radix);
NTEXPORT(_itow, ANY_LEVEL, "");
wchar_t *_itow(int Value, wchar_t *Text, int Radix)
{
    BOOLEAN Minus = Value < 0 && Radix == 10;

    FormatNumber(Minus ? 0u - (ULONG)Value : (ULONG)Value, Minus, Text, Radix, TRUE);
    return Text;
}

static BOOLEAN IsOneOf(char Character, const char *Set)
{
    while (*Set != 0 && *Set != Character)
    {
        Set++;
    }
    return *Set != 0;
}

size_t strspn(const char *Text, const char *Set);
NTEXPORT(strspn, ANY_LEVEL, "");
size_t strspn(const char *Text, const char *Set)
{
    size_t Length = 0;

    while (Text[Length] != 0 && IsOneOf(Text[Length], Set))
    {
        Length++;
    }
    return Length;
}

int isdigit(int Character);
NTEXPORT(isdigit, ANY_LEVEL, "");
int isdigit(int Character)
{
    return Character >= '0' && Character <= '9';
}

int isxdigit(int Character);
NTEXPORT(isxdigit, ANY_LEVEL, "");
int isxdigit(int Character)
{
    return isdigit(Character) || (Character >= 'a' && Character <= 'f') ||
           (Character >= 'A' && Character <= 'F');
}

int isspace(int Character);
NTEXPORT(isspace, ANY_LEVEL, "");
int isspace(int Character)
{
    return Character == ' ' || (Character >= 9 && Character <= 13);
}

int isupper(int Character);
NTEXPORT(isupper, ANY_LEVEL, "");
int isupper(int Character)
{
    return Character >= 'A' && Character <= 'Z';
}

int islower(int Character);
NTEXPORT(islower, ANY_LEVEL, "");
int islower(int Character)
{
    return Character >= 'a' && Character <= 'z';
}

int isprint(int Character);
NTEXPORT(isprint, ANY_LEVEL, "");
int isprint(int Character)
{
    return Character >= 0x20 && Character < 0x7F;
}
