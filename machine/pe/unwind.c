/*
 * Unwinding one frame by .pdata, for unwind information of versions 1 and 2.
 *
 * Where in its function a processor stands decides what is undone: in the prologue, the operations
 * whose instruction has already been executed; in the body, all of them; in an epilogue, nothing by
 * the codes: the instructions up to the return are carried out instead. Version 1 does not say
 * where epilogues are; they are recognised by their bytes, of which the convention allows few:
 *
 *     [add rsp, n | lea rsp, [frame + n]]  {pop r}  ret | jmp out of the function | iretq
 *
 * Version 2 lists them. The tables and the code are read from the file, never from guest memory, so
 * an unloaded or overwritten image unwinds all the same; only the stack is read from the guest.
 *
 * Source: Microsoft, "x64 exception handling". Hostile input: all reads are checked, chains are
 * bounded.
 */
#include "machine/pe/internal.h"

#define ENTRY_SIZE 12u
#define CHAIN_LIMIT 32u
#define EPILOGUE_LIMIT 32u /* instructions */

enum { RSP = 4 };

enum {
    OP_PUSH_NONVOL = 0,
    OP_ALLOC_LARGE = 1,
    OP_ALLOC_SMALL = 2,
    OP_SET_FPREG = 3,
    OP_SAVE_NONVOL = 4,
    OP_SAVE_NONVOL_FAR = 5,
    OP_EPILOG = 6, /* version 2 */
    OP_SAVE_XMM128 = 8,
    OP_SAVE_XMM128_FAR = 9,
    OP_PUSH_MACHFRAME = 10
};

#define FLAG_CHAINED 4u

struct entry {
    uint32_t begin, end, info;
};

struct info {
    unsigned version, flags, prologue, count, frame_register, frame_offset;
    const uint8_t *codes; /* count * 2 bytes */
};

static struct entry decode_entry(const uint8_t *p)
{
    return (struct entry){pe_get32(p), pe_get32(p + 4), pe_get32(p + 8)};
}

/* The entry that holds rva. Sorted by every linker; searched one by one when that finds nothing. */
static bool find_entry(const struct pe *pe, uint32_t rva, struct entry *out)
{
    struct pe_directory d = pe->directories[DIRECTORY_EXCEPTION];
    uint32_t count = d.size / ENTRY_SIZE;
    const uint8_t *table = count > 0 ? pe_file_at(pe, d.rva, (uint64_t)count * ENTRY_SIZE) : NULL;
    if (table == NULL)
        return false;
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        *out = decode_entry(table + (uint64_t)middle * ENTRY_SIZE);
        if (rva < out->begin)
            high = middle;
        else if (rva >= out->end)
            low = middle + 1;
        else
            return true;
    }
    for (uint32_t i = 0; i < count; i++) {
        *out = decode_entry(table + (uint64_t)i * ENTRY_SIZE);
        if (rva >= out->begin && rva < out->end)
            return true;
    }
    return false;
}

/* An entry whose lowest information bit is set stands for another entry. */
static bool follow_indirect(const struct pe *pe, struct entry *e)
{
    for (unsigned i = 0; e->info & 1; i++) {
        const uint8_t *p = pe_file_at(pe, e->info & ~1u, ENTRY_SIZE);
        if (p == NULL || i == CHAIN_LIMIT)
            return false;
        e->info = decode_entry(p).info;
    }
    return true;
}

static bool read_info(const struct pe *pe, struct entry *e, struct info *out)
{
    if (!follow_indirect(pe, e))
        return false;
    const uint8_t *p = pe_file_at(pe, e->info, 4);
    if (p == NULL)
        return false;
    *out = (struct info){p[0] & 7u, p[0] >> 3, p[1], p[2], p[3] & 15u, p[3] >> 4, NULL};
    out->codes = pe_file_at(pe, (uint64_t)e->info + 4, out->count * 2u);
    return out->codes != NULL && (out->version == 1 || out->version == 2);
}

/* The entry that a chained info continues. */
static bool read_chain(const struct pe *pe, const struct entry *e, const struct info *i,
                       struct entry *out)
{
    const uint8_t *p =
        pe_file_at(pe, (uint64_t)e->info + 4 + ((i->count + 1u) & ~1u) * 2u, ENTRY_SIZE);
    if (p == NULL)
        return false;
    *out = decode_entry(p);
    return true;
}

/* Slots an operation takes; 0: unknown. */
static unsigned code_slots(const struct info *i, unsigned op, unsigned operand)
{
    switch (op) {
    case OP_PUSH_NONVOL:
    case OP_ALLOC_SMALL:
    case OP_SET_FPREG:
    case OP_PUSH_MACHFRAME:
        return 1;
    case OP_EPILOG:
        return i->version == 2 ? 1 : 0;
    case OP_SAVE_NONVOL:
    case OP_SAVE_XMM128:
        return 2;
    case OP_SAVE_NONVOL_FAR:
    case OP_SAVE_XMM128_FAR:
        return 3;
    case OP_ALLOC_LARGE:
        return operand == 0 ? 2 : operand == 1 ? 3 : 0;
    default:
        return 0;
    }
}

/* --- epilogues ---------------------------------------------------------------------------------
 */

struct epilogue {
    int64_t adjust; /* added to rsp first, or to the frame register when from_frame */
    bool from_frame;
    uint8_t pops[EPILOGUE_LIMIT];
    unsigned pop_count;
    uint32_t return_extra; /* ret n */
    bool from_interrupt;   /* iretq */
};

/* The image's code as the file holds it, one byte; -1 where it holds none. */
static int code_byte(const struct pe *pe, uint64_t rva)
{
    const uint8_t *p = pe_file_at(pe, rva, 1);
    return p != NULL ? *p : -1;
}

static bool code_s32(const struct pe *pe, uint64_t rva, int32_t *out)
{
    const uint8_t *p = pe_file_at(pe, rva, 4);
    if (p == NULL)
        return false;
    *out = (int32_t)pe_get32(p);
    return true;
}

/* True when a jump from function f to target leaves it for good. A part of the same function that
 * the compiler moved away has an entry of its own: chained to this one (MSVC), or with operations
 * that all took place before its first instruction (gcc, clang); a jump there returns nowhere. */
static bool jump_leaves(const struct pe *pe, const struct entry *f, int64_t target)
{
    if (target < 0 || target >= pe->image_size)
        return true;
    uint32_t rva = (uint32_t)target;
    if (rva >= f->begin && rva < f->end)
        return rva == f->begin; /* a function that ends in a call of itself */
    struct entry other;
    struct info i;
    if (!find_entry(pe, rva, &other))
        return true; /* a leaf */
    if (rva != other.begin || !read_info(pe, &other, &i))
        return false;
    return !(i.flags & FLAG_CHAINED) && !(i.prologue == 0 && i.count > 0);
}

/* lea rsp, [frame + n], whose ModRM byte is at *at. */
static bool decode_lea(const struct pe *pe, uint64_t *at, struct epilogue *out)
{
    unsigned modrm = (unsigned)code_byte(pe, (*at)++), mod = modrm >> 6;
    int32_t n;
    /* rsp and r12 as bases need a SIB byte that names no index. */
    if ((modrm & 7) == 4 && code_byte(pe, (*at)++) != 0x24)
        return false;
    out->from_frame = true;
    if (mod == 0)
        return (modrm & 7) != 5; /* that would be rip-relative */
    if (mod == 1) {
        int byte = code_byte(pe, (*at)++);
        out->adjust = (int8_t)byte;
        return byte >= 0;
    }
    if (mod != 2 || !code_s32(pe, *at, &n))
        return false;
    out->adjust = n;
    *at += 4;
    return true;
}

/* The instruction that takes the fixed part of the frame off the stack, if one stands at *at.
 * False: code that is no epilogue's. */
static bool decode_adjustment(const struct pe *pe, const struct info *i, uint64_t *at,
                              struct epilogue *out)
{
    int b = code_byte(pe, *at), b1 = code_byte(pe, *at + 1), b2 = code_byte(pe, *at + 2);
    int32_t n;
    if (b == 0x48 && b1 == 0x83 && b2 == 0xC4) { /* add rsp, imm8 */
        int byte = code_byte(pe, *at + 3);
        out->adjust = (int8_t)byte;
        *at += 4;
        return byte >= 0;
    }
    if (b == 0x48 && b1 == 0x81 && b2 == 0xC4) { /* add rsp, imm32 */
        if (!code_s32(pe, *at + 3, &n))
            return false;
        out->adjust = n;
        *at += 7;
        return true;
    }
    if ((b == 0x48 || b == 0x49) && b1 == 0x8D && b2 >= 0 && (b2 & 0x38) == 0x20 &&
        i->frame_register != 0 && (unsigned)((b2 & 7) | (b & 1) << 3) == i->frame_register) {
        *at += 2;
        return decode_lea(pe, at, out);
    }
    return true;
}

static bool decode_pops(const struct pe *pe, uint64_t *at, struct epilogue *out)
{
    for (;;) {
        int b = code_byte(pe, *at), b1 = code_byte(pe, *at + 1);
        unsigned popped;
        if (b >= 0x58 && b <= 0x5F) {
            popped = (unsigned)b - 0x58;
            *at += 1;
        } else if ((b == 0x41 || b == 0x49) && b1 >= 0x58 && b1 <= 0x5F) {
            popped = (unsigned)b1 - 0x58 + 8;
            *at += 2;
        } else {
            return true;
        }
        if (out->pop_count == EPILOGUE_LIMIT)
            return false;
        out->pops[out->pop_count++] = (uint8_t)popped;
    }
}

/* The instruction that leaves the function, if that is what stands at `at`. */
static bool decode_exit(const struct pe *pe, const struct entry *f, uint64_t at, bool certain,
                        struct epilogue *out)
{
    int b = code_byte(pe, at), b1 = code_byte(pe, at + 1);
    bool wide = b == 0x48;
    int32_t n;
    if (wide && b1 == 0xCF) {
        out->from_interrupt = true;
        return true;
    }
    if (wide || b == 0xF3 || b == 0xF2) { /* rex.w jmp, rep ret, bnd ret */
        at += 1;
        b = b1;
        b1 = code_byte(pe, at + 1);
    }
    if (b == 0xC3 && !wide)
        return true;
    if (b == 0xC2 && !wide) {
        const uint8_t *p = pe_file_at(pe, at + 1, 2);
        out->return_extra = p != NULL ? pe_get16(p) : 0;
        return p != NULL;
    }
    if (b == 0xEB && !wide && b1 >= 0)
        return certain || jump_leaves(pe, f, (int64_t)at + 2 + (int8_t)b1);
    if (b == 0xE9 && !wide && code_s32(pe, at + 1, &n))
        return certain || jump_leaves(pe, f, (int64_t)at + 5 + n);
    if (b == 0xFF && b1 == 0x25)
        return true; /* jmp [rip + n]: an import */
    /* A jump through a register is also how switches go on, so only a REX.W prefix, by convention,
     * makes it a tail call. */
    return b == 0xFF && b1 >= 0 && (b1 & 0x38) == 0x20 && (certain || wide);
}

/* Decodes the rest of an epilogue from rva on. `certain`: the unwind information says that it is
 * one. */
static bool decode_epilogue(const struct pe *pe, const struct entry *f, const struct info *i,
                            uint32_t rva, bool certain, struct epilogue *out)
{
    uint64_t at = rva;
    *out = (struct epilogue){0};
    return decode_adjustment(pe, i, &at, out) && decode_pops(pe, &at, out) &&
           decode_exit(pe, f, at, certain, out);
}

/* Version 2: the list at the head of the codes. */
static bool listed_epilogue(const struct entry *f, const struct info *i, uint32_t rva)
{
    unsigned size = 0;
    for (unsigned n = 0; n < i->count; n++) {
        unsigned offset = i->codes[2 * n], operand = i->codes[2 * n + 1] >> 4;
        if ((i->codes[2 * n + 1] & 15) != OP_EPILOG)
            break;
        unsigned from_end;
        if (n == 0) {
            size = offset;
            if (!(operand & 1))
                continue;
            from_end = size;
        } else {
            from_end = offset | operand << 8;
            if (from_end == 0)
                continue; /* padding */
        }
        uint32_t length = f->end - f->begin;
        if (from_end <= length && rva - (f->end - from_end) < size)
            return true;
    }
    return false;
}

/* What the processor pushed for an interrupt, at `at`: rip, cs, rflags, rsp, ss. */
static bool leave_interrupt(struct pe_frame *f, uint64_t at, pe_read_fn read, void *context)
{
    f->machine_frame = true;
    return read(context, at, &f->rip, 8) && read(context, at + 24, &f->gpr[RSP], 8);
}

static bool run_epilogue(const struct info *i, const struct epilogue *x, struct pe_frame *f,
                         pe_read_fn read, void *context)
{
    uint64_t sp = (x->from_frame ? f->gpr[i->frame_register] : f->gpr[RSP]) + (uint64_t)x->adjust;
    for (unsigned n = 0; n < x->pop_count; n++) {
        if (!read(context, sp, &f->gpr[x->pops[n]], 8))
            return false;
        sp = x->pops[n] == RSP ? f->gpr[RSP] : sp + 8;
    }
    if (x->from_interrupt)
        return leave_interrupt(f, sp, read, context);
    if (!read(context, sp, &f->rip, 8))
        return false;
    f->gpr[RSP] = sp + 8 + x->return_extra;
    return true;
}

/* --- codes -------------------------------------------------------------------------------------
 */

/* Where the offsets of saved registers count from: the frame register once it is set, else rsp. */
static uint64_t frame_base(const struct info *i, const struct pe_frame *f, uint32_t offset,
                           bool all)
{
    if (i->frame_register == 0)
        return f->gpr[RSP];
    bool set = all;
    for (unsigned n = 0; !set && n < i->count;) {
        unsigned op = i->codes[2 * n + 1] & 15, slots = code_slots(i, op, i->codes[2 * n + 1] >> 4);
        if (slots == 0)
            break;
        set = op == OP_SET_FPREG && i->codes[2 * n] <= offset;
        n += slots;
    }
    return set ? f->gpr[i->frame_register] - 16ull * i->frame_offset : f->gpr[RSP];
}

static bool undo_code(const struct info *i, const uint8_t *code, uint64_t base, struct pe_frame *f,
                      pe_read_fn read, void *context)
{
    unsigned op = code[1] & 15, operand = code[1] >> 4;
    uint64_t *sp = &f->gpr[RSP];
    switch (op) {
    case OP_PUSH_NONVOL: {
        uint64_t value;
        if (!read(context, *sp, &value, 8))
            return false;
        *sp += 8;
        if (operand != RSP)
            f->gpr[operand] = value;
        return true;
    }
    case OP_ALLOC_LARGE:
        *sp += operand == 0 ? 8ull * pe_get16(code + 2) : pe_get32(code + 2);
        return true;
    case OP_ALLOC_SMALL:
        *sp += 8ull * operand + 8;
        return true;
    case OP_SET_FPREG:
        *sp = f->gpr[i->frame_register] - 16ull * i->frame_offset;
        return true;
    case OP_SAVE_NONVOL:
        return read(context, base + 8ull * pe_get16(code + 2), &f->gpr[operand], 8);
    case OP_SAVE_NONVOL_FAR:
        return read(context, base + pe_get32(code + 2), &f->gpr[operand], 8);
    case OP_PUSH_MACHFRAME: /* operand 1: below an error code */
        return leave_interrupt(f, *sp + (operand & 1 ? 8 : 0), read, context);
    default: /* epilogue lists, and xmm registers, which frames do not carry */
        return true;
    }
}

/* Undoes one info's operations; all of them unless `all` is false. */
static bool undo_info(const struct info *i, uint32_t offset, bool all, struct pe_frame *f,
                      pe_read_fn read, void *context)
{
    uint64_t base = frame_base(i, f, offset, all);
    for (unsigned n = 0; n < i->count && !f->machine_frame;) {
        const uint8_t *code = i->codes + 2 * n;
        unsigned slots = code_slots(i, code[1] & 15, code[1] >> 4);
        if (slots == 0 || n + slots > i->count)
            return false;
        bool done = all || code[0] <= offset || (code[1] & 15) == OP_EPILOG;
        if (done && !undo_code(i, code, base, f, read, context))
            return false;
        n += slots;
    }
    return true;
}

static bool unwind_function(const struct pe *pe, struct entry entry, uint32_t rva,
                            struct pe_frame *f, pe_read_fn read, void *context)
{
    struct info info;
    if (!read_info(pe, &entry, &info))
        return false;
    uint32_t offset = rva - entry.begin;
    bool all = offset >= info.prologue;
    struct epilogue x;
    bool listed = info.version == 2 && listed_epilogue(&entry, &info, rva);
    if (all && (info.version == 1 || listed) && decode_epilogue(pe, &entry, &info, rva, listed, &x))
        return run_epilogue(&info, &x, f, read, context);
    for (unsigned depth = 0;; depth++) {
        if (!undo_info(&info, offset, all, f, read, context))
            return false;
        if (!(info.flags & FLAG_CHAINED) || f->machine_frame)
            break;
        if (depth == CHAIN_LIMIT || !read_chain(pe, &entry, &info, &entry) ||
            !read_info(pe, &entry, &info))
            return false;
        all = true; /* what a chained part continues has happened in full */
    }
    if (f->machine_frame)
        return true;
    if (!read(context, f->gpr[RSP], &f->rip, 8))
        return false;
    f->gpr[RSP] += 8;
    return true;
}

bool pe_unwind(const struct pe *pe, uint64_t base, struct pe_frame *frame, pe_read_fn read,
               void *context)
{
    uint64_t rva = frame->rip - base;
    if (rva >= pe->image_size)
        return false;
    struct pe_frame next = *frame;
    next.machine_frame = false;
    struct entry entry;
    if (find_entry(pe, (uint32_t)rva, &entry)) {
        if (!unwind_function(pe, entry, (uint32_t)rva, &next, read, context))
            return false;
    } else {
        if (!read(context, next.gpr[RSP], &next.rip, 8))
            return false;
        next.gpr[RSP] += 8;
    }
    *frame = next;
    return true;
}

/* A part that the compiler moved away from its function counts as a function of its own. */
bool pe_function(const struct pe *pe, uint32_t rva, uint32_t *start_out, uint32_t *end_out)
{
    struct entry entry;
    if (!find_entry(pe, rva, &entry))
        return false;
    *start_out = entry.begin;
    *end_out = entry.end;
    return true;
}

void pe_each_function(const struct pe *pe, pe_function_fn fn, void *context)
{
    struct pe_directory d = pe->directories[DIRECTORY_EXCEPTION];
    uint32_t count = d.size / ENTRY_SIZE;
    const uint8_t *table = count > 0 ? pe_file_at(pe, d.rva, (uint64_t)count * ENTRY_SIZE) : NULL;
    for (uint32_t i = 0; table != NULL && i < count; i++) {
        struct entry entry = decode_entry(table + (uint64_t)i * ENTRY_SIZE);
        struct info info;
        /* A chained part belongs to the function that it continues. */
        if (entry.end > entry.begin && entry.end <= pe->image_size && read_info(pe, &entry, &info) &&
            !(info.flags & FLAG_CHAINED))
            fn(context, entry.begin, entry.end);
    }
}
