/* Bit maps and time fields. */
#include "guest/include/rtlp.h"

NTEXPORT(RtlInitializeBitMap, ANY_LEVEL, "");
VOID NTAPI RtlInitializeBitMap(PRTL_BITMAP BitMap, PULONG Buffer, ULONG Bits)
{
    BitMap->SizeOfBitMap = Bits;
    BitMap->Buffer = Buffer;
}

static BOOLEAN Get(PRTL_BITMAP BitMap, ULONG Bit)
{
    return (BitMap->Buffer[Bit / 32] >> (Bit % 32)) & 1;
}

static VOID Set(PRTL_BITMAP BitMap, ULONG Start, ULONG Count, BOOLEAN Value)
{
    for (ULONG Bit = Start; Bit < Start + Count; Bit++)
    {
        if (Value)
        {
            BitMap->Buffer[Bit / 32] |= 1u << (Bit % 32);
        }
        else
        {
            BitMap->Buffer[Bit / 32] &= ~(1u << (Bit % 32));
        }
    }
}

NTEXPORT(RtlClearAllBits, ANY_LEVEL, "");
VOID NTAPI RtlClearAllBits(PRTL_BITMAP BitMap)
{
    memset(BitMap->Buffer, 0, (BitMap->SizeOfBitMap + 31) / 32 * 4);
}

NTEXPORT(RtlSetAllBits, ANY_LEVEL, "");
VOID NTAPI RtlSetAllBits(PRTL_BITMAP BitMap)
{
    memset(BitMap->Buffer, 0xFF, (BitMap->SizeOfBitMap + 31) / 32 * 4);
}

NTEXPORT(RtlSetBits, ANY_LEVEL, "");
VOID NTAPI RtlSetBits(PRTL_BITMAP BitMap, ULONG Start, ULONG Count)
{
    Set(BitMap, Start, Count, TRUE);
}

NTEXPORT(RtlClearBits, ANY_LEVEL, "");
VOID NTAPI RtlClearBits(PRTL_BITMAP BitMap, ULONG Start, ULONG Count)
{
    Set(BitMap, Start, Count, FALSE);
}

NTEXPORT(RtlSetBit, ANY_LEVEL, "");
VOID NTAPI RtlSetBit(PRTL_BITMAP BitMap, ULONG Bit)
{
    Set(BitMap, Bit, 1, TRUE);
}

NTEXPORT(RtlClearBit, ANY_LEVEL, "");
VOID NTAPI RtlClearBit(PRTL_BITMAP BitMap, ULONG Bit)
{
    Set(BitMap, Bit, 1, FALSE);
}

NTEXPORT(RtlTestBit, ANY_LEVEL, "");
BOOLEAN NTAPI RtlTestBit(PRTL_BITMAP BitMap, ULONG Bit)
{
    return Get(BitMap, Bit);
}

static BOOLEAN AreBits(PRTL_BITMAP BitMap, ULONG Start, ULONG Count, BOOLEAN Value)
{
    if (Start + Count > BitMap->SizeOfBitMap || Start + Count < Start || Count == 0)
    {
        return FALSE;
    }
    for (ULONG Bit = Start; Bit < Start + Count; Bit++)
    {
        if (Get(BitMap, Bit) != Value)
        {
            return FALSE;
        }
    }
    return TRUE;
}

NTEXPORT(RtlAreBitsSet, ANY_LEVEL, "");
BOOLEAN NTAPI RtlAreBitsSet(PRTL_BITMAP BitMap, ULONG Start, ULONG Count)
{
    return AreBits(BitMap, Start, Count, TRUE);
}

NTEXPORT(RtlAreBitsClear, ANY_LEVEL, "");
BOOLEAN NTAPI RtlAreBitsClear(PRTL_BITMAP BitMap, ULONG Start, ULONG Count)
{
    return AreBits(BitMap, Start, Count, FALSE);
}

NTEXPORT(RtlNumberOfSetBits, ANY_LEVEL, "");
ULONG NTAPI RtlNumberOfSetBits(PRTL_BITMAP BitMap)
{
    ULONG Count = 0;
    for (ULONG Bit = 0; Bit < BitMap->SizeOfBitMap; Bit++)
    {
        Count += Get(BitMap, Bit);
    }
    return Count;
}

NTEXPORT(RtlNumberOfClearBits, ANY_LEVEL, "");
ULONG NTAPI RtlNumberOfClearBits(PRTL_BITMAP BitMap)
{
    return BitMap->SizeOfBitMap - RtlNumberOfSetBits(BitMap);
}

/* From the hint on, then from the start. */
static ULONG Find(PRTL_BITMAP BitMap, ULONG Count, ULONG Hint, BOOLEAN Value)
{
    if (Count == 0)
    {
        return Hint & ~7u;
    }
    if (Hint >= BitMap->SizeOfBitMap)
    {
        Hint = 0;
    }
    for (ULONG Start = Hint; Start + Count <= BitMap->SizeOfBitMap; Start++)
    {
        if (AreBits(BitMap, Start, Count, Value))
        {
            return Start;
        }
    }
    for (ULONG Start = 0; Start < Hint && Start + Count <= BitMap->SizeOfBitMap; Start++)
    {
        if (AreBits(BitMap, Start, Count, Value))
        {
            return Start;
        }
    }
    return 0xFFFFFFFF;
}

NTEXPORT(RtlFindClearBits, ANY_LEVEL, "");
ULONG NTAPI RtlFindClearBits(PRTL_BITMAP BitMap, ULONG Count, ULONG Hint)
{
    return Find(BitMap, Count, Hint, FALSE);
}

NTEXPORT(RtlFindSetBits, ANY_LEVEL, "");
ULONG NTAPI RtlFindSetBits(PRTL_BITMAP BitMap, ULONG Count, ULONG Hint)
{
    return Find(BitMap, Count, Hint, TRUE);
}

NTEXPORT(RtlFindClearBitsAndSet, ANY_LEVEL, "");
ULONG NTAPI RtlFindClearBitsAndSet(PRTL_BITMAP BitMap, ULONG Count, ULONG Hint)
{
    ULONG Start = Find(BitMap, Count, Hint, FALSE);
    if (Start != 0xFFFFFFFF)
    {
        Set(BitMap, Start, Count, TRUE);
    }
    return Start;
}

#define TICKS_PER_DAY 864000000000LL

NTEXPORT(RtlTimeToTimeFields, ANY_LEVEL, "");
VOID NTAPI RtlTimeToTimeFields(PLARGE_INTEGER Time, PTIME_FIELDS Fields)
{
    LONGLONG Days = Time->QuadPart / TICKS_PER_DAY, Rest = Time->QuadPart % TICKS_PER_DAY / 10000;
    Fields->Weekday = (CSHORT)((Days + 1) % 7); /* 1 January 1601 was a Monday */
    Fields->Milliseconds = (CSHORT)(Rest % 1000);
    Fields->Second = (CSHORT)(Rest / 1000 % 60);
    Fields->Minute = (CSHORT)(Rest / 60000 % 60);
    Fields->Hour = (CSHORT)(Rest / 3600000);
    /* Years that begin in March, from 1 March 1600: the leap day comes last. */
    LONGLONG d = Days + 306;
    LONGLONG Century = (4 * d + 3) / 146097;
    d -= 146097 * Century / 4;
    LONGLONG Year = (4 * d + 3) / 1461;
    d -= 1461 * Year / 4;
    LONGLONG Month = (5 * d + 2) / 153;
    Fields->Day = (CSHORT)(d - (153 * Month + 2) / 5 + 1);
    Fields->Month = (CSHORT)(Month < 10 ? Month + 3 : Month - 9);
    Fields->Year = (CSHORT)(1600 + 100 * Century + Year + (Month >= 10));
}
