/*
 * Unwinding by .pdata: which function holds an address, and what its caller's registers were. Information of versions 1 and
 * 2, as "x64 exception handling" describes it.
 *
 * Where in its function a processor stands decides what is undone: in the prologue, what has been executed of it; in an
 * epilogue, what is left of that is carried out instead; else everything. A function's own handler counts in its body only.
 */
#include "guest/include/seh.h"

#include <ntimage.h>

#define RTLP_MAX_IMAGES 64
#define RTLP_CHAIN_LIMIT 32
#define RTLP_POP_LIMIT 16

enum
{
    UWOP_PUSH_NONVOL = 0,
    UWOP_ALLOC_LARGE = 1,
    UWOP_ALLOC_SMALL = 2,
    UWOP_SET_FPREG = 3,
    UWOP_SAVE_NONVOL = 4,
    UWOP_SAVE_NONVOL_FAR = 5,
    UWOP_EPILOG = 6, /* version 2 */
    UWOP_SAVE_XMM128 = 8,
    UWOP_SAVE_XMM128_FAR = 9,
    UWOP_PUSH_MACHFRAME = 10
};

enum
{
    RTLP_RSP = 4
};

typedef struct _UNWIND_CODE
{
    UCHAR Offset;
    UCHAR Operation : 4;
    UCHAR Operand : 4;
} UNWIND_CODE, *PUNWIND_CODE;

typedef struct _UNWIND_INFO
{
    UCHAR Version : 3;
    UCHAR Flags : 5;
    UCHAR PrologueSize;
    UCHAR CodeCount;
    UCHAR FrameRegister : 4;
    UCHAR FrameOffset : 4;
    UNWIND_CODE Code[];
} UNWIND_INFO, *PUNWIND_INFO;

/* Images. A fixed array: few, and a dispatch walks it with nothing locked. */

typedef struct _RTLP_IMAGE
{
    ULONG64 Base;
    ULONG64 Size;
    PRUNTIME_FUNCTION Table;
    ULONG64 Count;
} RTLP_IMAGE, *PRTLP_IMAGE;

static RTLP_IMAGE RtlpImages[RTLP_MAX_IMAGES];

VOID RtlpInsertImage(PVOID Base)
{
    PIMAGE_NT_HEADERS64 Headers = (PVOID)((PUCHAR)Base + ((PIMAGE_DOS_HEADER)Base)->e_lfanew);
    PIMAGE_DATA_DIRECTORY Directory =
        &Headers->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_EXCEPTION];
    PRTLP_IMAGE Image = RtlpImages;

    while (Image->Size != 0)
    {
        Image++;
        RD_KASSERT(Image < RtlpImages + RTLP_MAX_IMAGES);
    }
    Image->Base = RD_ADDRESS(Base);
    Image->Table = (PVOID)((PUCHAR)Base + Directory->VirtualAddress);
    Image->Count = Directory->VirtualAddress != 0 ? Directory->Size / sizeof(RUNTIME_FUNCTION) : 0;
    Image->Size = Headers->OptionalHeader.SizeOfImage;
}

VOID RtlpRemoveImage(PVOID Base)
{
    PRTLP_IMAGE Image;

    for (Image = RtlpImages; Image < RtlpImages + RTLP_MAX_IMAGES; Image++)
    {
        if (Image->Size != 0 && Image->Base == RD_ADDRESS(Base))
        {
            Image->Size = 0;
        }
    }
}

static PRTLP_IMAGE RtlpImageOf(ULONG64 Address)
{
    PRTLP_IMAGE Image;

    for (Image = RtlpImages; Image < RtlpImages + RTLP_MAX_IMAGES; Image++)
    {
        if (Address - Image->Base < Image->Size)
        {
            return Image;
        }
    }
    return NULL;
}

NTEXPORT(RtlPcToFileHeader, ANY_LEVEL, "");
PVOID NTAPI RtlPcToFileHeader(PVOID PcValue, PVOID *BaseOfImage)
{
    PRTLP_IMAGE Image = RtlpImageOf(RD_ADDRESS(PcValue));

    *BaseOfImage = Image != NULL ? (PVOID)(ULONG_PTR)Image->Base : NULL;
    return *BaseOfImage;
}

NTEXPORT(RtlLookupFunctionEntry, ANY_LEVEL, "");
PRUNTIME_FUNCTION NTAPI RtlLookupFunctionEntry(
    ULONG64 ControlPc, PULONG64 ImageBase, PUNWIND_HISTORY_TABLE HistoryTable)
{
    PRTLP_IMAGE Image = RtlpImageOf(ControlPc);
    ULONG64 Low = 0;
    ULONG64 High;
    ULONG64 Offset;

    if (Image == NULL)
    {
        *ImageBase = 0;
        return NULL;
    }
    *ImageBase = Image->Base;
    Offset = ControlPc - Image->Base;
    High = Image->Count;
    while (Low < High)
    {
        ULONG64 Middle = Low + (High - Low) / 2;
        PRUNTIME_FUNCTION Entry = &Image->Table[Middle];
        if (Offset < Entry->BeginAddress)
        {
            High = Middle;
        }
        else if (Offset >= Entry->EndAddress)
        {
            Low = Middle + 1;
        }
        else
        {
            /* An odd address of the information stands for another entry. */
            while (Entry->UnwindData & 1)
            {
                Entry = (PVOID)(ULONG_PTR)(Image->Base + (Entry->UnwindData & ~1u));
            }
            return Entry;
        }
    }
    return NULL;
}

/* One unwinding. */
typedef struct _RTLP_UNWIND
{
    ULONG64 ImageBase;
    PCONTEXT Context;
    PKNONVOLATILE_CONTEXT_POINTERS Pointers;
    BOOLEAN MachineFrame;
} RTLP_UNWIND, *PRTLP_UNWIND;

static PUNWIND_INFO RtlpInfoOf(ULONG64 ImageBase, PRUNTIME_FUNCTION Entry)
{
    return (PVOID)(ULONG_PTR)(ImageBase + Entry->UnwindData);
}

/* What follows the codes: the handler's offset and data, or the entry that a chained part continues. */
static PVOID RtlpBehindCodes(PUNWIND_INFO Info)
{
    return &Info->Code[(Info->CodeCount + 1) & ~1];
}

static ULONG RtlpCodeSlots(UNWIND_CODE Code)
{
    switch (Code.Operation)
    {
    case UWOP_ALLOC_LARGE:
        return Code.Operand == 0 ? 2 : 3;
    case UWOP_SAVE_NONVOL:
    case UWOP_SAVE_XMM128:
        return 2;
    case UWOP_SAVE_NONVOL_FAR:
    case UWOP_SAVE_XMM128_FAR:
        return 3;
    default:
        return 1;
    }
}

static VOID RtlpRestoreRegister(PRTLP_UNWIND Unwind, ULONG Register, ULONG64 Address)
{
    *RtlpRegister(Unwind->Context, Register) = *(PULONG64)(ULONG_PTR)Address;
    if (Unwind->Pointers != NULL)
    {
        Unwind->Pointers->IntegerContext[Register] = (PULONG64)(ULONG_PTR)Address;
    }
}

static VOID RtlpRestoreVector(PRTLP_UNWIND Unwind, ULONG Register, ULONG64 Address)
{
    (&Unwind->Context->Xmm0)[Register] = *(PM128A)(ULONG_PTR)Address;
    if (Unwind->Pointers != NULL)
    {
        Unwind->Pointers->FloatingContext[Register] = (PM128A)(ULONG_PTR)Address;
    }
}

/* rip, cs, rflags, rsp, ss as the processor pushed them. */
static VOID RtlpLeaveMachineFrame(PRTLP_UNWIND Unwind, ULONG64 Address)
{
    const ULONG64 *Frame = (PULONG64)(ULONG_PTR)Address;

    Unwind->Context->Rip = Frame[0];
    Unwind->Context->Rsp = Frame[3];
    Unwind->MachineFrame = TRUE;
}

/* Where saved registers are counted from, which is also what handlers know the frame by: the frame register once it is
 * set, else rsp. */
static ULONG64 RtlpFrameBase(PUNWIND_INFO Info, PCONTEXT Context, ULONG64 Offset, BOOLEAN All)
{
    BOOLEAN Set = All;
    ULONG Index;

    if (Info->FrameRegister == 0)
    {
        return Context->Rsp;
    }
    for (Index = 0; !Set && Index < Info->CodeCount; Index += RtlpCodeSlots(Info->Code[Index]))
    {
        Set = Info->Code[Index].Operation == UWOP_SET_FPREG && Info->Code[Index].Offset <= Offset;
    }
    return Set ? *RtlpRegister(Context, Info->FrameRegister) - 16ull * Info->FrameOffset : Context->Rsp;
}

static VOID RtlpUndo(PRTLP_UNWIND Unwind, PUNWIND_INFO Info, PUNWIND_CODE Code, ULONG64 Base)
{
    PCONTEXT Context = Unwind->Context;
    ULONG64 Short = ((PUSHORT)Code)[1];
    ULONG64 Long = RtlpCodeSlots(*Code) == 3 ? Short | (ULONG64)((PUSHORT)Code)[2] << 16 : 0;

    switch (Code->Operation)
    {
    case UWOP_PUSH_NONVOL:
        RtlpRestoreRegister(Unwind, Code->Operand, Context->Rsp);
        Context->Rsp += 8;
        break;
    case UWOP_ALLOC_LARGE:
        Context->Rsp += Code->Operand == 0 ? Short * 8 : Long;
        break;
    case UWOP_ALLOC_SMALL:
        Context->Rsp += Code->Operand * 8ull + 8;
        break;
    case UWOP_SET_FPREG:
        Context->Rsp = *RtlpRegister(Context, Info->FrameRegister) - 16ull * Info->FrameOffset;
        break;
    case UWOP_SAVE_NONVOL:
        RtlpRestoreRegister(Unwind, Code->Operand, Base + Short * 8);
        break;
    case UWOP_SAVE_NONVOL_FAR:
        RtlpRestoreRegister(Unwind, Code->Operand, Base + Long);
        break;
    case UWOP_SAVE_XMM128:
        RtlpRestoreVector(Unwind, Code->Operand, Base + Short * 16);
        break;
    case UWOP_SAVE_XMM128_FAR:
        RtlpRestoreVector(Unwind, Code->Operand, Base + Long);
        break;
    case UWOP_PUSH_MACHFRAME: /* operand 1: below an error code */
        RtlpLeaveMachineFrame(Unwind, Context->Rsp + (Code->Operand != 0 ? 8 : 0));
        break;
    default:
        break;
    }
}

static VOID RtlpUndoInfo(PRTLP_UNWIND Unwind, PUNWIND_INFO Info, ULONG64 Offset, BOOLEAN All)
{
    ULONG64 Base = RtlpFrameBase(Info, Unwind->Context, Offset, All);
    ULONG Index;

    for (Index = 0; Index < Info->CodeCount && !Unwind->MachineFrame;
         Index += RtlpCodeSlots(Info->Code[Index]))
    {
        if (All || Info->Code[Index].Offset <= Offset)
        {
            RtlpUndo(Unwind, Info, &Info->Code[Index], Base);
        }
    }
}

/* Epilogues. The convention allows few instructions:
 *     [add rsp, n | lea rsp, [frame + n]]  {pop r}  ret | jmp out of the function | iretq */

typedef struct _RTLP_EPILOGUE
{
    ULONG64 Rsp; /* behind the adjustment */
    ULONG Pops;
    UCHAR Pop[RTLP_POP_LIMIT];
    ULONG Extra; /* ret n */
    BOOLEAN Interrupt;
} RTLP_EPILOGUE, *PRTLP_EPILOGUE;

static LONG RtlpLong(const UCHAR *Code)
{
    return *(const LONG *)(const VOID *)Code;
}

/* lea rsp, [frame + n]; Code is behind the opcode. NULL: another instruction. */
static const UCHAR *RtlpEpilogueLea(
    const UCHAR *Code, PUNWIND_INFO Info, BOOLEAN High, PCONTEXT Context, PRTLP_EPILOGUE Epilogue)
{
    UCHAR ModRm = *Code++;
    ULONG Register = (ModRm & 7) + (High ? 8 : 0);
    ULONG Mode = ModRm >> 6;

    if ((ModRm & 0x38) != 0x20 || Info->FrameRegister == 0 || Register != Info->FrameRegister)
    {
        return NULL;
    }
    if ((ModRm & 7) == 4 && *Code++ != 0x24)
    {
        return NULL;
    }
    Epilogue->Rsp = *RtlpRegister(Context, Register);
    if (Mode == 1)
    {
        Epilogue->Rsp += (LONG64)(CHAR)*Code;
        return Code + 1;
    }
    if (Mode == 2)
    {
        Epilogue->Rsp += (LONG64)RtlpLong(Code);
        return Code + 4;
    }
    return Mode == 0 && (ModRm & 7) != 5 ? Code : NULL;
}

/* A part that the compiler moved away has an entry of its own, chained or with a prologue that has no length: a jump there
 * leaves nothing. */
static BOOLEAN RtlpJumpLeaves(ULONG64 ImageBase, PRUNTIME_FUNCTION Entry, ULONG64 Target)
{
    ULONG64 OtherBase;
    PRUNTIME_FUNCTION Other;
    PUNWIND_INFO Info;

    if (Target - ImageBase >= Entry->BeginAddress && Target - ImageBase < Entry->EndAddress)
    {
        return Target - ImageBase == Entry->BeginAddress;
    }
    Other = RtlLookupFunctionEntry(Target, &OtherBase, NULL);
    if (Other == NULL)
    {
        return TRUE;
    }
    Info = RtlpInfoOf(OtherBase, Other);
    return Target - OtherBase == Other->BeginAddress && !(Info->Flags & UNW_FLAG_CHAININFO)
        && !(Info->PrologueSize == 0 && Info->CodeCount != 0);
}

static BOOLEAN RtlpFindEpilogue(ULONG64 ImageBase, PRUNTIME_FUNCTION Entry, PUNWIND_INFO Info,
    BOOLEAN Certain, PCONTEXT Context, PRTLP_EPILOGUE Epilogue)
{
    const UCHAR *Code = (const UCHAR *)(ULONG_PTR)Context->Rip;

    RtlZeroMemory(Epilogue, sizeof(*Epilogue));
    Epilogue->Rsp = Context->Rsp;
    if (Code[0] == 0x48 && Code[1] == 0x83 && Code[2] == 0xC4)
    {
        Epilogue->Rsp += (LONG64)(CHAR)Code[3];
        Code += 4;
    }
    else if (Code[0] == 0x48 && Code[1] == 0x81 && Code[2] == 0xC4)
    {
        Epilogue->Rsp += (LONG64)RtlpLong(Code + 3);
        Code += 7;
    }
    else if ((Code[0] & 0xFE) == 0x48 && Code[1] == 0x8D)
    {
        Code = RtlpEpilogueLea(Code + 2, Info, Code[0] & 1, Context, Epilogue);
        if (Code == NULL)
        {
            return FALSE;
        }
    }
    for (;;)
    {
        BOOLEAN High = (Code[0] & 0xF7) == 0x41 && (Code[1] & 0xF8) == 0x58;
        if (!High && (Code[0] & 0xF8) != 0x58)
        {
            break;
        }
        if (Epilogue->Pops == RTLP_POP_LIMIT)
        {
            return FALSE;
        }
        Epilogue->Pop[Epilogue->Pops++] = High ? (Code[1] & 7) + 8 : Code[0] & 7;
        Code += High ? 2 : 1;
    }
    if (Code[0] == 0x48 && Code[1] == 0xCF)
    {
        Epilogue->Interrupt = TRUE;
        return TRUE;
    }
    if (Code[0] == 0xC3 || ((Code[0] == 0xF3 || Code[0] == 0xF2) && Code[1] == 0xC3))
    {
        return TRUE;
    }
    if (Code[0] == 0xC2)
    {
        Epilogue->Extra = Code[1] | Code[2] << 8;
        return TRUE;
    }
    if (Code[0] == 0xEB)
    {
        return Certain || RtlpJumpLeaves(ImageBase, Entry, RD_ADDRESS(Code) + 2 + (LONG64)(CHAR)Code[1]);
    }
    if (Code[0] == 0xE9)
    {
        return Certain || RtlpJumpLeaves(ImageBase, Entry, RD_ADDRESS(Code) + 5 + (LONG64)RtlpLong(Code + 1));
    }
    /* Through an import, or by convention with REX.W through a register: switches go on by others. */
    return (Code[0] == 0xFF && Code[1] == 0x25) || (Code[0] == 0x48 && Code[1] == 0xFF && (Code[2] & 0x38) == 0x20);
}

/* Version 2 lists its epilogues at the head of the codes. */
static BOOLEAN RtlpListedEpilogue(PRUNTIME_FUNCTION Entry, PUNWIND_INFO Info, ULONG64 Rva)
{
    ULONG Size = 0;
    ULONG Index;

    for (Index = 0; Index < Info->CodeCount && Info->Code[Index].Operation == UWOP_EPILOG; Index++)
    {
        UNWIND_CODE Code = Info->Code[Index];
        ULONG FromEnd = Index == 0 ? Code.Offset : Code.Offset | Code.Operand << 8;

        if (Index == 0)
        {
            Size = Code.Offset;
            if (!(Code.Operand & 1))
            {
                continue;
            }
        }
        if (FromEnd != 0 && Rva - (Entry->EndAddress - FromEnd) < Size)
        {
            return TRUE;
        }
    }
    return FALSE;
}

static VOID RtlpRunEpilogue(PRTLP_UNWIND Unwind, PRTLP_EPILOGUE Epilogue)
{
    PCONTEXT Context = Unwind->Context;
    ULONG Index;

    Context->Rsp = Epilogue->Rsp;
    for (Index = 0; Index < Epilogue->Pops; Index++)
    {
        RtlpRestoreRegister(Unwind, Epilogue->Pop[Index], Context->Rsp);
        Context->Rsp += 8;
    }
    if (Epilogue->Interrupt)
    {
        RtlpLeaveMachineFrame(Unwind, Context->Rsp);
        return;
    }
    Context->Rip = *(PULONG64)(ULONG_PTR)Context->Rsp;
    Context->Rsp += 8 + Epilogue->Extra;
}

NTEXPORT(RtlVirtualUnwind, ANY_LEVEL, "");
PEXCEPTION_ROUTINE NTAPI RtlVirtualUnwind(ULONG HandlerType, ULONG64 ImageBase, ULONG64 ControlPc,
    PRUNTIME_FUNCTION FunctionEntry, PCONTEXT ContextRecord, PVOID *HandlerData,
    PULONG64 EstablisherFrame, PKNONVOLATILE_CONTEXT_POINTERS ContextPointers)
{
    RTLP_UNWIND Unwind = {ImageBase, ContextRecord, ContextPointers, FALSE};
    RTLP_EPILOGUE Epilogue;
    PRUNTIME_FUNCTION Entry = FunctionEntry;
    PUNWIND_INFO Info;
    ULONG64 Offset;
    BOOLEAN All;
    BOOLEAN Listed;
    ULONG Depth;
    PULONG Handler;

    *EstablisherFrame = ContextRecord->Rsp;
    if (Entry == NULL)
    {
        ContextRecord->Rip = *(PULONG64)(ULONG_PTR)ContextRecord->Rsp;
        ContextRecord->Rsp += 8;
        return NULL;
    }
    Info = RtlpInfoOf(ImageBase, Entry);
    Offset = ControlPc - ImageBase - Entry->BeginAddress;
    /* Only a primary part has a prologue of its own to stand in; a chained one may have one too. */
    All = Offset >= Info->PrologueSize;
    *EstablisherFrame = RtlpFrameBase(Info, ContextRecord, Offset, All);
    ContextRecord->Rip = ControlPc;
    Listed = Info->Version == 2 && RtlpListedEpilogue(Entry, Info, ControlPc - ImageBase);
    if (All && (Info->Version == 1 || Listed)
        && RtlpFindEpilogue(ImageBase, Entry, Info, Listed, ContextRecord, &Epilogue))
    {
        RtlpRunEpilogue(&Unwind, &Epilogue);
        return NULL;
    }
    RtlpUndoInfo(&Unwind, Info, Offset, All);
    for (Depth = 0; (Info->Flags & UNW_FLAG_CHAININFO) && !Unwind.MachineFrame; Depth++)
    {
        if (Depth == RTLP_CHAIN_LIMIT)
        {
            RtlRaiseStatus(STATUS_BAD_FUNCTION_TABLE);
        }
        Entry = RtlpBehindCodes(Info);
        while (Entry->UnwindData & 1)
        {
            Entry = (PVOID)(ULONG_PTR)(ImageBase + (Entry->UnwindData & ~1u));
        }
        Info = RtlpInfoOf(ImageBase, Entry);
        RtlpUndoInfo(&Unwind, Info, 0, TRUE);
    }
    if (!Unwind.MachineFrame)
    {
        ContextRecord->Rip = *(PULONG64)(ULONG_PTR)ContextRecord->Rsp;
        ContextRecord->Rsp += 8;
    }
    if (!All || !(Info->Flags & HandlerType & (UNW_FLAG_EHANDLER | UNW_FLAG_UHANDLER))
        || Info->Flags & UNW_FLAG_CHAININFO)
    {
        return NULL;
    }
    Handler = RtlpBehindCodes(Info);
    *HandlerData = Handler + 1;
    return (PEXCEPTION_ROUTINE)(ULONG_PTR)(ImageBase + *Handler);
}
