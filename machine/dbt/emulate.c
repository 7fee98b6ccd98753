/*
 * Instructions whose effect is virtual: interrupt flag and IRQL, time, identification, traps.
 * Called with exact guest registers in gpr, which are written back when execution goes on. General
 * registers only (the guest's vector registers are live).
 *
 * The processor that the guest sees is fixed, whatever the host is: results must be the same
 * everywhere. AVX instructions still run on hosts that have them; CPUID does not offer them.
 */
#pragma GCC target("general-regs-only") /* before all else, or header inlines stay calls */

#include "machine/dbt/internal.h"

#include "abi/shadow.h"

static bool leave_before(const struct site *s, const uint64_t gpr[16], uint64_t flags,
                         enum dbt_exit_reason reason)
{
    leave_with_state(s, gpr, flags, false);
    exit_record(reason);
    return true;
}

static bool leave_behind(const struct site *s, const uint64_t gpr[16], uint64_t flags,
                         enum dbt_exit_reason reason)
{
    leave_with_state(s, gpr, flags, true);
    exit_record(reason);
    return true;
}

static bool trap(const struct site *s, const uint64_t gpr[16], uint64_t flags, uint8_t vector)
{
    leave_with_state(s, gpr, flags, vector == 3);
    exit_record(DBT_EXCEPTION)->vector = vector;
    return true;
}

static bool interrupt_due(const struct dbt *d)
{
    return CTX->vif && d->cpu->pending >> (CTX->irql + 1 > 7 ? 8 : CTX->irql + 1);
}

static bool maybe_interrupt(struct dbt *d, const struct site *s, const uint64_t gpr[16],
                            uint64_t flags)
{
    return interrupt_due(d) && leave_behind(s, gpr, flags, DBT_INTERRUPT);
}

/* Checks an access that a helper is to make; `stack`: the implicit one of a push or pop, whose
 * validity is looked at elsewhere. True when it may not be made; then the exit is set. */
static bool refused(struct dbt *d, struct site *s, gva_t a, uint32_t n, bool write, bool stack,
                    const uint64_t gpr[16], uint64_t flags)
{
    gva_t where;
    uint32_t size;
    uint8_t code;
    CTX->probe_size = n;
    CTX->probe_write = write;
    if (!stack && (d->features & DBT_SHADOW) &&
        !access_allowed(d, a, n, gpr[REG_RSP], &where, &code)) {
        leave_before(s, gpr, flags, DBT_BAD_ACCESS);
        CTX->exit.shadow = code;
        CTX->exit.address = a;
        CTX->exit.size = n;
        CTX->exit.write = write;
        return true;
    }
    const struct block *b = &d->blocks.data[s->block];
    if ((!stack || (d->features & DBT_SHARE_STACK)) && share_active(d, b) &&
        access_stops(d, a, n, write, b->class, &where, &size)) {
        leave_before(s, gpr, flags, DBT_SHARED);
        CTX->exit.address = a;
        CTX->exit.size = n;
        CTX->exit.write = write;
        return true;
    }
    if (write && (d->features & DBT_DIRTY))
        access_mark(a, n);
    CTX->probe_size = 0;
    return false;
}

static uint64_t load(gva_t a, unsigned n)
{
    return n == 2 ? *(volatile loose16 *)arena_host(a) : *(volatile loose64 *)arena_host(a);
}

static void store(gva_t a, unsigned n, uint64_t v)
{
    if (n == 2)
        *(volatile loose16 *)arena_host(a) = (uint16_t)v;
    else
        *(volatile loose64 *)arena_host(a) = v;
}

/* Pushes n bytes; true when it left. */
static bool push(struct dbt *d, struct site *s, uint64_t gpr[16], uint64_t flags, uint64_t value,
                 unsigned n)
{
    gva_t a = gpr[REG_RSP] - n;
    CTX->probe = a;
    CTX->probe_size = n;
    CTX->probe_write = 1;
    if (d->features & DBT_SHADOW) {
        uint8_t c = *arena_shadow(a);
        if (c != RD_SHADOW_STACK && c != RD_SHADOW_VALID && c != RD_SHADOW_FRAME) {
            leave_before(s, gpr, flags, DBT_BAD_ACCESS);
            CTX->exit.shadow = c;
            CTX->exit.address = a;
            CTX->exit.size = n;
            CTX->exit.write = true;
            return true;
        }
    }
    if (refused(d, s, a, n, true, true, gpr, flags))
        return true;
    store(a, n, value);
    gpr[REG_RSP] = a;
    return false;
}

/* The forms of PUSH and POP that are too rare for inline code: 16 bits, and POP to the guest's GS.
 */
static bool push_any(struct dbt *d, struct site *s, uint64_t gpr[16], uint64_t flags)
{
    uint64_t value = (uint64_t)s->imm;
    if (s->reg != NO_REG) {
        value = gpr[s->reg];
    } else if (s->size) {
        gva_t a = mem_address(&s->m, gpr);
        if (refused(d, s, a, s->width, false, false, gpr, flags))
            return true;
        value = load(a, s->width);
    }
    return push(d, s, gpr, flags, value, s->width);
}

static bool pop_any(struct dbt *d, struct site *s, uint64_t gpr[16], uint64_t flags)
{
    uint64_t rsp = gpr[REG_RSP];
    if (refused(d, s, rsp, s->width, false, true, gpr, flags))
        return true;
    uint64_t value = load(rsp, s->width);
    gpr[REG_RSP] = rsp + s->width; /* the address of a memory operand uses the new rsp */
    if (s->reg != NO_REG) {
        if (s->width == 2)
            value |= gpr[s->reg] & ~0xFFFFull;
        gpr[s->reg] = value;
        return false;
    }
    gva_t a = mem_address(&s->m, gpr);
    gpr[REG_RSP] = rsp;
    if (refused(d, s, a, s->width, true, false, gpr, flags))
        return true;
    store(a, s->width, value);
    gpr[REG_RSP] = rsp + s->width;
    return false;
}

/* ENTER frame, 0: compilers never nest. */
static bool enter(struct dbt *d, struct site *s, uint64_t gpr[16], uint64_t flags)
{
    if (push(d, s, gpr, flags, gpr[REG_RBP], 8))
        return true;
    gpr[REG_RBP] = gpr[REG_RSP];
    gpr[REG_RSP] -= (uint64_t)s->imm;
    return false;
}

static void set_flags(uint64_t value, uint64_t *flags)
{
    *flags = value & ARITH_FLAGS;
    CTX->df = value & 0x400;
    CTX->vif = value & 0x200;
}

static bool pop_flags(struct dbt *d, struct site *s, uint64_t gpr[16], uint64_t *flags)
{
    if (refused(d, s, gpr[REG_RSP], 8, false, true, gpr, *flags))
        return true;
    uint64_t value = load(gpr[REG_RSP], 8);
    set_flags(value, flags);
    gpr[REG_RSP] += 8;
    return maybe_interrupt(d, s, gpr, *flags);
}

static bool interrupt_return(struct dbt *d, struct site *s, uint64_t gpr[16])
{
    CTX->probe_size = 0;
    const volatile loose64 *frame = arena_host(gpr[REG_RSP]);
    uint64_t rip = frame[0], rflags = frame[2], rsp = frame[3], flags;
    set_flags(rflags, &flags);
    gpr[REG_RSP] = rsp;
    leave_with_state(s, gpr, flags, true);
    CTX->rip = rip;
    if (interrupt_due(d))
        exit_record(DBT_INTERRUPT);
    else
        CTX->retry = GO_TRANSFER;
    return true;
}

static void pack(uint64_t gpr[16], uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    gpr[REG_RAX] = a;
    gpr[REG_RBX] = b;
    gpr[REG_RCX] = c;
    gpr[REG_RDX] = d;
}

static void cpuid(const struct vcpu *cpu, uint64_t gpr[16])
{
    static const char brand[48] = "rundown virtual processor";
    const uint32_t *words = (const uint32_t *)brand;
    uint32_t leaf = (uint32_t)gpr[REG_RAX];
    switch (leaf) {
    case 0:
        pack(gpr, 7, 0x756E6547, 0x6C65746E, 0x49656E69);
        break; /* GenuineIntel */
    case 1:    /* SSE3 PCLMULQDQ SSSE3 CX16 SSE4.1 SSE4.2 POPCNT AES | FPU .. SSE2 */
        pack(gpr, 0x000206A7, cpu->number << 24 | 0x800, 0x02982203, 0x078BFBFF);
        break;
    case 0x80000000u:
        pack(gpr, 0x80000008u, 0, 0, 0);
        break;
    case 0x80000001u:
        pack(gpr, 0, 0, 1, 0x28100800);
        break; /* LAHF | SYSCALL NX RDTSCP LM */
    case 0x80000002u:
    case 0x80000003u:
    case 0x80000004u: {
        const uint32_t *w = words + (leaf - 0x80000002u) * 4;
        pack(gpr, w[0], w[1], w[2], w[3]);
        break;
    }
    case 0x80000008u:
        pack(gpr, 0x3024, 0, 0, 0);
        break;
    default:
        pack(gpr, 0, 0, 0, 0);
        break;
    }
}

static bool xlat(struct dbt *d, struct site *s, uint64_t gpr[16], uint64_t flags)
{
    gva_t a = gpr[REG_RBX] + (gpr[REG_RAX] & 0xFF);
    if (refused(d, s, a, 1, false, false, gpr, flags))
        return true;
    uint8_t v = *(volatile uint8_t *)arena_host(a);
    gpr[REG_RAX] = (gpr[REG_RAX] & ~0xFFull) | v;
    return false;
}

bool emulate(struct dbt *d, struct site *s, uint64_t gpr[16], uint64_t *flags)
{
    struct vcpu *cpu = d->cpu;
    bool driver = d->blocks.data[s->block].class == CODE_DRIVER;
    switch ((enum action)s->action) {
    case ACT_MOVS:
    case ACT_STOS:
    case ACT_LODS:
    case ACT_CMPS:
    case ACT_SCAS:
        return emulate_string(d, s, gpr, flags);
    case ACT_XLAT:
        return xlat(d, s, gpr, *flags);
    case ACT_PUSH:
        return push_any(d, s, gpr, *flags);
    case ACT_POP:
        return pop_any(d, s, gpr, *flags);
    case ACT_ENTER:
        return enter(d, s, gpr, *flags);
    case ACT_PUSHF:
        return push(d, s, gpr, *flags, *flags | 2 | CTX->df | CTX->vif, 8);
    case ACT_POPF:
        return pop_flags(d, s, gpr, flags);
    case ACT_STI:
        CTX->vif = 0x200;
        /* Interrupts are held off for one instruction: STI HLT must not sleep through one. */
        if (*(const volatile uint8_t *)arena_host(s->pc + s->length) == 0xF4)
            return false;
        return maybe_interrupt(d, s, gpr, *flags);
    case ACT_CLI:
        CTX->vif = 0;
        return false;
    case ACT_WRITE_CR8:
        if (gpr[s->reg] > 15)
            return trap(s, gpr, *flags, 13);
        CTX->irql = gpr[s->reg];
        if (CTX->irql >= 2 && d->blocks.data[s->block].pageable)
            return leave_behind(s, gpr, *flags, DBT_INTERRUPT); /* where it goes on may be paged out */
        return maybe_interrupt(d, s, gpr, *flags);
    case ACT_CPUID:
        cpuid(cpu, gpr);
        return false;
    case ACT_RDTSC:
    case ACT_RDTSCP:
        cpu->tsc += 1000;
        gpr[REG_RAX] = (uint32_t)cpu->tsc;
        gpr[REG_RDX] = cpu->tsc >> 32;
        if (s->action == ACT_RDTSCP)
            gpr[REG_RCX] = cpu->number;
        return false;
    case ACT_XGETBV:
        if ((uint32_t)gpr[REG_RCX] != 0)
            return trap(s, gpr, *flags, 13);
        gpr[REG_RAX] = 3; /* x87 and SSE, as CPUID says */
        gpr[REG_RDX] = 0;
        return false;
    case ACT_IRET:
        return interrupt_return(d, s, gpr);
    case ACT_HALT:
        return leave_behind(s, gpr, *flags, DBT_HALT);
    case ACT_HYPERCALL:
        return driver ? trap(s, gpr, *flags, 6) : leave_behind(s, gpr, *flags, DBT_HYPERCALL);
    case ACT_FENCE:
        return CTX->stores != 0 && leave_before(s, gpr, *flags, DBT_FENCE);
    case ACT_TRAP:
        return trap(s, gpr, *flags, (uint8_t)s->imm);
    case ACT_UNSUPPORTED:
        leave_before(s, gpr, *flags, DBT_UNSUPPORTED);
        CTX->exit.size =
            s->mnemonic; /* run() turns it into text, outside of this register regime */
        return true;
    case ACT_NONE:
        break;
    }
    RD_ASSERT(!"unknown action");
    return true;
}
