/*
 * Names and expressions, for file systems and filters. The wild cards are the five that
 * FsRtlIsNameInExpression documents: * and ?, and DOS_STAR (<), DOS_QM (>) and DOS_DOT ("), which
 * know about the last period of a name.
 */
#include "guest/include/exp.h"

#undef FsRtlEnterFileSystem
#undef FsRtlExitFileSystem

static BOOLEAN FsRtlpIsWild(WCHAR Character)
{
    return Character == L'*' || Character == L'?' || Character == DOS_STAR || Character == DOS_QM ||
           Character == DOS_DOT;
}

NTEXPORT(FsRtlDoesNameContainWildCards, APC_LEVEL, "");
BOOLEAN NTAPI FsRtlDoesNameContainWildCards(PUNICODE_STRING Name)
{
    for (ULONG i = 0; i < Name->Length / sizeof(WCHAR); i++)
    {
        if (FsRtlpIsWild(Name->Buffer[i]))
        {
            return TRUE;
        }
    }
    return FALSE;
}

/* The set of expression positions that the name read so far can stand at, as one byte each. */
typedef struct _FSRTLP_MATCH
{
    PCWCH Expression;
    ULONG Length;
    PUCHAR Now, Next;
} FSRTLP_MATCH, *PFSRTLP_MATCH;

/* Adds a position, and those that are reached from it without reading anything. */
static VOID FsRtlpReach(PFSRTLP_MATCH M, PUCHAR Set, ULONG Position, BOOLEAN AtEnd)
{
    for (; !Set[Position]; Position++)
    {
        WCHAR C;
        Set[Position] = TRUE;
        if (Position == M->Length)
        {
            return;
        }
        C = M->Expression[Position];
        if (C != L'*' && C != DOS_STAR && !(AtEnd && (C == DOS_QM || C == DOS_DOT)))
        {
            return;
        }
    }
}

static VOID FsRtlpStep(PFSRTLP_MATCH M, WCHAR Name, BOOLEAN LaterDot, BOOLEAN Last)
{
    RtlZeroMemory(M->Next, M->Length + 1);
    for (ULONG i = 0; i < M->Length; i++)
    {
        WCHAR C = M->Expression[i];
        if (!M->Now[i])
        {
            continue;
        }
        if (C == L'*')
        {
            FsRtlpReach(M, M->Next, i, Last);
        }
        else if (C == DOS_STAR)
        {
            /* Everything up to the final period; that one it may read too, and is done then. */
            if (Name != L'.' || LaterDot)
            {
                FsRtlpReach(M, M->Next, i, Last);
            }
        }
        else if (C == DOS_QM)
        {
            if (Name != L'.')
            {
                FsRtlpReach(M, M->Next, i + 1, Last);
            }
            else
            {
                /* A period ends a run of them without being read. */
                ULONG After = i;
                while (After < M->Length && M->Expression[After] == DOS_QM)
                {
                    After++;
                }
                if (After < M->Length &&
                    (M->Expression[After] == L'.' || M->Expression[After] == DOS_DOT ||
                     M->Expression[After] == L'?'))
                {
                    FsRtlpReach(M, M->Next, After + 1, Last);
                }
                else if (After < M->Length && M->Expression[After] == L'*')
                {
                    FsRtlpReach(M, M->Next, After, Last);
                }
            }
        }
        else if (C == L'?' || (C == DOS_DOT && Name == L'.') || C == Name)
        {
            FsRtlpReach(M, M->Next, i + 1, Last);
        }
    }
}

NTEXPORT(FsRtlIsNameInExpression, PASSIVE_LEVEL, "");
BOOLEAN NTAPI FsRtlIsNameInExpression(PUNICODE_STRING Expression, PUNICODE_STRING Name,
                                      BOOLEAN IgnoreCase, PWCHAR UpcaseTable)
{
    ULONG Length = Name->Length / sizeof(WCHAR), LastDot = Length;
    FSRTLP_MATCH M = {Expression->Buffer, Expression->Length / sizeof(WCHAR), NULL, NULL};
    PUCHAR Sets;
    BOOLEAN Result;

    if (Name->Length == 0 || Expression->Length == 0)
    {
        return Name->Length == 0 && Expression->Length == 0;
    }
    Sets = ExpAllocateKernelPool(2 * (M.Length + 1), 0x6C527346); /* 'FsRl' */
    RtlZeroMemory(Sets, 2 * (M.Length + 1));
    M.Now = Sets;
    M.Next = Sets + M.Length + 1;
    for (ULONG i = 0; i < Length; i++)
    {
        LastDot = Name->Buffer[i] == L'.' ? i : LastDot;
    }
    FsRtlpReach(&M, M.Now, 0, FALSE);
    for (ULONG i = 0; i < Length; i++)
    {
        WCHAR C = IgnoreCase ? (UpcaseTable != NULL ? UpcaseTable[Name->Buffer[i]]
                                                    : RtlUpcaseUnicodeChar(Name->Buffer[i]))
                             : Name->Buffer[i];
        PUCHAR Swap = M.Now;
        FsRtlpStep(&M, C, LastDot != Length && i < LastDot, i + 1 == Length);
        M.Now = M.Next;
        M.Next = Swap;
    }
    Result = M.Now[M.Length];
    ExFreePoolWithTag(Sets, 0x6C527346);
    return Result;
}

NTEXPORT(FsRtlAreNamesEqual, PASSIVE_LEVEL, "");
BOOLEAN NTAPI FsRtlAreNamesEqual(PCUNICODE_STRING Name1, PCUNICODE_STRING Name2, BOOLEAN IgnoreCase,
                                 PCWCH UpcaseTable)
{
    return RtlEqualUnicodeString(Name1, Name2, IgnoreCase);
}

/* A\B\C is A and B\C; a backslash in front is skipped. */
NTEXPORT(FsRtlDissectName, PASSIVE_LEVEL, "");
VOID NTAPI FsRtlDissectName(UNICODE_STRING Name, PUNICODE_STRING FirstPart,
                            PUNICODE_STRING RemainingPart)
{
    USHORT Length = Name.Length / sizeof(WCHAR), Start = 0, End;

    RtlZeroMemory(FirstPart, sizeof *FirstPart);
    RtlZeroMemory(RemainingPart, sizeof *RemainingPart);
    if (Length == 0)
    {
        return;
    }
    if (Name.Buffer[0] == L'\\')
    {
        Start = 1;
    }
    for (End = Start; End < Length && Name.Buffer[End] != L'\\'; End++)
    {
    }
    FirstPart->Buffer = Name.Buffer + Start;
    FirstPart->Length = FirstPart->MaximumLength = (End - Start) * sizeof(WCHAR);
    if (End < Length)
    {
        RemainingPart->Buffer = Name.Buffer + End + 1;
        RemainingPart->Length = RemainingPart->MaximumLength = (Length - End - 1) * sizeof(WCHAR);
    }
}
