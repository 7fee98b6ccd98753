/*
 * Memory primitives: what the compiler calls, and the same as exports. String instructions do the work: the machine
 * checks and executes one as a whole.
 */
#include "guest/include/rtlp.h"

#undef RtlCopyMemory
#undef RtlMoveMemory
#undef RtlFillMemory
#undef RtlZeroMemory
#undef RtlCompareMemory
#undef memcpy
#undef memset
#undef memmove
#undef memcmp

NTEXPORT(memcpy, ANY_LEVEL, "");
void *__cdecl memcpy(void *Destination, const void *Source, size_t Count)
{
    void *Result = Destination;
    __asm__ volatile("rep movsb" : "+D"(Destination), "+S"(Source), "+c"(Count) : : "memory");
    return Result;
}

NTEXPORT(memmove, ANY_LEVEL, "");
void *__cdecl memmove(void *Destination, const void *Source, size_t Count)
{
    if ((ULONG_PTR)Destination - (ULONG_PTR)Source >= Count)
    {
        return memcpy(Destination, Source, Count);
    }
    UCHAR *To = (UCHAR *)Destination + Count - 1;
    const UCHAR *From = (const UCHAR *)Source + Count - 1;
    __asm__ volatile("std\n\trep movsb\n\tcld" : "+D"(To), "+S"(From), "+c"(Count) : : "memory", "cc");
    return Destination;
}

NTEXPORT(memset, ANY_LEVEL, "");
void *__cdecl memset(void *Destination, int Value, size_t Count)
{
    void *To = Destination;
    __asm__ volatile("rep stosb" : "+D"(To), "+c"(Count) : "a"(Value) : "memory");
    return Destination;
}

NTEXPORT(memcmp, ANY_LEVEL, "");
int __cdecl memcmp(const void *A, const void *B, size_t Count)
{
    for (size_t i = 0; i < Count; i++)
    {
        int Difference = ((const UCHAR *)A)[i] - ((const UCHAR *)B)[i];
        if (Difference != 0)
        {
            return Difference;
        }
    }
    return 0;
}

NTEXPORT(memchr, ANY_LEVEL, "");
void *__cdecl memchr(const void *Buffer, int Value, size_t Count)
{
    for (size_t i = 0; i < Count; i++)
    {
        if (((const UCHAR *)Buffer)[i] == (UCHAR)Value)
        {
            return (UCHAR *)Buffer + i;
        }
    }
    return NULL;
}

NTEXPORT(RtlCopyMemory, ANY_LEVEL, "");
VOID NTAPI RtlCopyMemory(VOID UNALIGNED *Destination, CONST VOID UNALIGNED *Source, SIZE_T Length)
{
    memcpy(Destination, Source, Length);
}

NTEXPORT(RtlMoveMemory, ANY_LEVEL, "");
VOID NTAPI RtlMoveMemory(VOID UNALIGNED *Destination, CONST VOID UNALIGNED *Source, SIZE_T Length)
{
    memmove(Destination, Source, Length);
}

NTEXPORT(RtlFillMemory, ANY_LEVEL, "");
VOID NTAPI RtlFillMemory(VOID UNALIGNED *Destination, SIZE_T Length, UCHAR Fill)
{
    memset(Destination, Fill, Length);
}

NTEXPORT(RtlZeroMemory, ANY_LEVEL, "");
VOID NTAPI RtlZeroMemory(VOID UNALIGNED *Destination, SIZE_T Length)
{
    memset(Destination, 0, Length);
}

NTEXPORT(RtlCompareMemory, ANY_LEVEL, "");
SIZE_T NTAPI RtlCompareMemory(CONST VOID *Source1, CONST VOID *Source2, SIZE_T Length)
{
    SIZE_T i = 0;
    while (i < Length && ((const UCHAR *)Source1)[i] == ((const UCHAR *)Source2)[i])
    {
        i++;
    }
    return i;
}
