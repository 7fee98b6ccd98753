/*
 * Which instructions may be copied as they are, which must be rewritten because they cannot take a
 * segment override, which are virtual, and which are refused. The rule for refusing: what would
 * show the host (its selectors, its control registers) or keeps state that struct vcpu_regs does
 * not hold (x87, MMX, opmasks) is never copied; so an extension that is not listed here is refused,
 * by name.
 */
#include "machine/dbt/decode.h"

/* Extensions whose instructions keep all their state in struct vcpu_regs. */
static bool extension_known(const ZydisDecodedInstruction *i)
{
    switch (i->meta.isa_ext) {
    case ZYDIS_ISA_EXT_ADOX_ADCX:
    case ZYDIS_ISA_EXT_AES:
    case ZYDIS_ISA_EXT_AVX:
    case ZYDIS_ISA_EXT_AVX2:
    case ZYDIS_ISA_EXT_AVXAES:
    case ZYDIS_ISA_EXT_BASE:
    case ZYDIS_ISA_EXT_BMI1:
    case ZYDIS_ISA_EXT_BMI2:
    case ZYDIS_ISA_EXT_CET:
    case ZYDIS_ISA_EXT_CLFLUSHOPT:
    case ZYDIS_ISA_EXT_CLFSH:
    case ZYDIS_ISA_EXT_CLWB:
    case ZYDIS_ISA_EXT_F16C:
    case ZYDIS_ISA_EXT_FMA:
    case ZYDIS_ISA_EXT_GFNI:
    case ZYDIS_ISA_EXT_LONGMODE:
    case ZYDIS_ISA_EXT_LZCNT:
    case ZYDIS_ISA_EXT_MOVBE:
    case ZYDIS_ISA_EXT_PAUSE:
    case ZYDIS_ISA_EXT_PCLMULQDQ:
    case ZYDIS_ISA_EXT_PREFETCHWT1:
    case ZYDIS_ISA_EXT_AMD3DNOW_PREFETCH:
    case ZYDIS_ISA_EXT_RDTSCP:
    case ZYDIS_ISA_EXT_SHA:
    case ZYDIS_ISA_EXT_SSE:
    case ZYDIS_ISA_EXT_SSE2:
    case ZYDIS_ISA_EXT_SSE3:
    case ZYDIS_ISA_EXT_SSSE3:
    case ZYDIS_ISA_EXT_SSE4:
    case ZYDIS_ISA_EXT_VAES:
    case ZYDIS_ISA_EXT_VPCLMULQDQ:
    case ZYDIS_ISA_EXT_VTX:
    case ZYDIS_ISA_EXT_XSAVE:
    case ZYDIS_ISA_EXT_RDRAND:
    case ZYDIS_ISA_EXT_RDSEED:
    case ZYDIS_ISA_EXT_CLDEMOTE:
        return i->encoding != ZYDIS_INSTRUCTION_ENCODING_EVEX &&
               i->encoding != ZYDIS_INSTRUCTION_ENCODING_MVEX &&
               i->encoding != ZYDIS_INSTRUCTION_ENCODING_XOP;
    default:
        return false;
    }
}

/* Registers that translated code must not name: the host's would show. */
static bool operand_refused(const ZydisDecodedOperand *o)
{
    if (o->type == ZYDIS_OPERAND_TYPE_MEMORY)
        return o->mem.type == ZYDIS_MEMOP_TYPE_MIB || o->mem.type == ZYDIS_MEMOP_TYPE_VSIB ||
               o->mem.segment == ZYDIS_REGISTER_FS;
    if (o->type == ZYDIS_OPERAND_TYPE_POINTER)
        return true;
    if (o->type != ZYDIS_OPERAND_TYPE_REGISTER || o->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN)
        return false;
    switch (ZydisRegisterGetClass(o->reg.value)) {
    case ZYDIS_REGCLASS_X87:
    case ZYDIS_REGCLASS_MMX:
    case ZYDIS_REGCLASS_SEGMENT:
    case ZYDIS_REGCLASS_MASK:
    case ZYDIS_REGCLASS_ZMM:
    case ZYDIS_REGCLASS_DEBUG:
    case ZYDIS_REGCLASS_TEST:
    case ZYDIS_REGCLASS_BOUND:
        return true;
    case ZYDIS_REGCLASS_CONTROL:
        return o->reg.value != ZYDIS_REGISTER_CR8;
    default:
        return false;
    }
}

static void act(struct insn *x, enum action a)
{
    x->op = OP_EMULATE;
    x->action = (uint8_t)a;
}

static void stop(struct insn *x, enum action a, int64_t imm)
{
    x->op = OP_STOP;
    x->action = (uint8_t)a;
    x->imm = imm;
}

static void classify_branch(struct insn *x, const ZydisDecodedInstruction *i,
                            const ZydisDecodedOperand *ops)
{
    gva_t next = x->pc + i->length;
    bool call = i->meta.category == ZYDIS_CATEGORY_CALL;
    if (i->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR || i->operand_width == 16) {
        stop(x, ACT_UNSUPPORTED, 0);
        return;
    }
    if (i->meta.category == ZYDIS_CATEGORY_RET) {
        x->op = OP_RET;
        x->imm = i->operand_count_visible ? (int64_t)ops[0].imm.value.u : 0;
        return;
    }
    if (ops[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
        x->target = next + (uint64_t)ops[0].imm.value.s;
        x->op = call ? OP_CALL : OP_JMP;
        if (i->meta.category == ZYDIS_CATEGORY_COND_BR) {
            x->op = OP_JCC;
            x->cc = i->opcode & 15;
            if (i->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && i->opcode >= 0xE0 &&
                i->opcode <= 0xE3) {
                x->op = OP_COUNT_BRANCH;
                x->cc = i->opcode;
                x->m.low = i->address_width != 64;
            }
        }
        return;
    }
    if (ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER) {
        x->op = call ? OP_CALL_REG : OP_JMP_REG;
        x->reg = (int8_t)gpr_of(ops[0].reg.value);
    } else {
        x->op = call ? OP_CALL_MEM : OP_JMP_MEM;
    }
}

static void classify_string(struct insn *x, enum action a, const ZydisDecodedInstruction *i)
{
    act(x, a);
    x->width = (uint8_t)(i->operand_width / 8);
    if (i->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE))
        x->rep = 0xF3;
    else if (i->attributes & ZYDIS_ATTRIB_HAS_REPNE)
        x->rep = 0xF2;
    if (x->rep) {
        x->kill = 0; /* a count of zero changes nothing */
        x->use |= BIT(REG_RCX);
    }
    if (i->address_width != 64 || x->m.pcr)
        stop(x, ACT_UNSUPPORTED, 0);
}

static void classify_push_pop(struct insn *x, const ZydisDecodedInstruction *i,
                              const ZydisDecodedOperand *ops, bool push)
{
    bool memory = ops[0].type == ZYDIS_OPERAND_TYPE_MEMORY;
    if (i->operand_width != 64 || (memory && !push && (x->m.pcr || x->m.wide || x->m.low))) {
        act(x, push ? ACT_PUSH : ACT_POP);
        if (!memory)
            x->size = 0;
        if (ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER)
            x->reg = (int8_t)gpr_of(ops[0].reg.value);
        else if (!memory)
            x->imm = ops[0].imm.value.s;
    } else if (ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER) {
        x->op = push ? OP_PUSH_REG : OP_POP_REG;
        x->reg = (int8_t)gpr_of(ops[0].reg.value);
    } else if (ops[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
        x->op = OP_PUSH_IMM;
        x->imm = ops[0].imm.value.s;
    } else {
        x->op = push ? OP_PUSH_MEM : OP_POP_MEM;
        if (!push && x->m.base == REG_RSP)
            x->m.disp += 8; /* POP computes its address with the new rsp */
    }
}

/* Instructions that are more than data processing. True when it has decided x->op. */
static bool classify_special(struct insn *x, const ZydisDecodedInstruction *i,
                             const ZydisDecodedOperand *ops)
{
    switch (i->mnemonic) {
    case ZYDIS_MNEMONIC_PUSH:
        classify_push_pop(x, i, ops, true);
        return true;
    case ZYDIS_MNEMONIC_POP:
        classify_push_pop(x, i, ops, false);
        return true;
    case ZYDIS_MNEMONIC_LEAVE:
        x->op = OP_LEAVE;
        x->has_mem = x->reads = true;
        x->writes = false;
        x->size = 8;
        x->m = (struct mem){.base = REG_RBP, .index = NO_REG, .scale = 1};
        if (i->operand_width != 64)
            stop(x, ACT_UNSUPPORTED, 0);
        return true;
    case ZYDIS_MNEMONIC_MOVSB:
    case ZYDIS_MNEMONIC_MOVSW:
    case ZYDIS_MNEMONIC_MOVSQ:
        classify_string(x, ACT_MOVS, i);
        return true;
    case ZYDIS_MNEMONIC_MOVSD:
    case ZYDIS_MNEMONIC_CMPSD:
        if (i->meta.category != ZYDIS_CATEGORY_STRINGOP)
            return false;
        classify_string(x, i->mnemonic == ZYDIS_MNEMONIC_MOVSD ? ACT_MOVS : ACT_CMPS, i);
        return true;
    case ZYDIS_MNEMONIC_STOSB:
    case ZYDIS_MNEMONIC_STOSW:
    case ZYDIS_MNEMONIC_STOSD:
    case ZYDIS_MNEMONIC_STOSQ:
        classify_string(x, ACT_STOS, i);
        return true;
    case ZYDIS_MNEMONIC_LODSB:
    case ZYDIS_MNEMONIC_LODSW:
    case ZYDIS_MNEMONIC_LODSD:
    case ZYDIS_MNEMONIC_LODSQ:
        classify_string(x, ACT_LODS, i);
        return true;
    case ZYDIS_MNEMONIC_CMPSB:
    case ZYDIS_MNEMONIC_CMPSW:
    case ZYDIS_MNEMONIC_CMPSQ:
        classify_string(x, ACT_CMPS, i);
        return true;
    case ZYDIS_MNEMONIC_SCASB:
    case ZYDIS_MNEMONIC_SCASW:
    case ZYDIS_MNEMONIC_SCASD:
    case ZYDIS_MNEMONIC_SCASQ:
        classify_string(x, ACT_SCAS, i);
        return true;
    case ZYDIS_MNEMONIC_XLAT:
        act(x, ACT_XLAT);
        if (i->address_width != 64 || x->m.pcr)
            stop(x, ACT_UNSUPPORTED, 0);
        return true;
    case ZYDIS_MNEMONIC_PUSHFQ:
        act(x, ACT_PUSHF);
        x->use |= MASK_FLAGS;
        return true;
    case ZYDIS_MNEMONIC_POPFQ:
        act(x, ACT_POPF);
        x->kill |= MASK_FLAGS;
        return true;
    case ZYDIS_MNEMONIC_STI:
        act(x, ACT_STI);
        return true;
    case ZYDIS_MNEMONIC_CLI:
        act(x, ACT_CLI);
        return true;
    case ZYDIS_MNEMONIC_STD:
        x->op = OP_STD;
        return true;
    case ZYDIS_MNEMONIC_CLD:
        x->op = OP_CLD;
        return true;
    case ZYDIS_MNEMONIC_CPUID:
        act(x, ACT_CPUID);
        return true;
    case ZYDIS_MNEMONIC_RDTSC:
        act(x, ACT_RDTSC);
        return true;
    case ZYDIS_MNEMONIC_RDTSCP:
        act(x, ACT_RDTSCP);
        return true;
    case ZYDIS_MNEMONIC_XGETBV:
        act(x, ACT_XGETBV);
        return true;
    case ZYDIS_MNEMONIC_IRETQ:
        stop(x, ACT_IRET, 0);
        x->kill |= MASK_FLAGS;
        return true;
    case ZYDIS_MNEMONIC_HLT:
        stop(x, ACT_HALT, 0);
        return true;
    case ZYDIS_MNEMONIC_VMCALL:
        stop(x, ACT_HYPERCALL, 0);
        return true;
    case ZYDIS_MNEMONIC_INT3:
        stop(x, ACT_TRAP, 3);
        return true;
    case ZYDIS_MNEMONIC_INT1:
        stop(x, ACT_TRAP, 1);
        return true;
    case ZYDIS_MNEMONIC_INT: {
        uint64_t v = ops[0].imm.value.u & 0xFF;
        stop(x, ACT_TRAP, v == 3 || v == 0x29 || v == 0x2C || v == 0x2D ? (int64_t)v : 13);
        return true;
    }
    case ZYDIS_MNEMONIC_UD0:
    case ZYDIS_MNEMONIC_UD1:
    case ZYDIS_MNEMONIC_UD2:
    case ZYDIS_MNEMONIC_RDRAND:
    case ZYDIS_MNEMONIC_RDSEED: /* not in our CPUID */
        stop(x, ACT_TRAP, 6);
        return true;
    case ZYDIS_MNEMONIC_PAUSE:
    case ZYDIS_MNEMONIC_ENDBR64:
    case ZYDIS_MNEMONIC_ENDBR32:
    case ZYDIS_MNEMONIC_CLFLUSH:
    case ZYDIS_MNEMONIC_CLFLUSHOPT:
    case ZYDIS_MNEMONIC_CLWB:
    case ZYDIS_MNEMONIC_CLDEMOTE:
        x->op = OP_NOP;
        return true;
    case ZYDIS_MNEMONIC_MOV:
        if (ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER && ops[0].reg.value == ZYDIS_REGISTER_CR8) {
            act(x, ACT_WRITE_CR8);
            x->reg = (int8_t)gpr_of(ops[1].reg.value);
            return true;
        }
        if (ops[1].type == ZYDIS_OPERAND_TYPE_REGISTER && ops[1].reg.value == ZYDIS_REGISTER_CR8) {
            x->op = OP_READ_CR8;
            x->reg = (int8_t)gpr_of(ops[0].reg.value);
            return true;
        }
        if (i->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && i->opcode >= 0xA0 && i->opcode <= 0xA3) {
            x->op = OP_MOFFS;
            x->m.fixed = x->m.wide = 1;
            if (x->m.low || x->m.pcr)
                stop(x, ACT_UNSUPPORTED, 0);
            return true;
        }
        return false;
    case ZYDIS_MNEMONIC_LFENCE:
    case ZYDIS_MNEMONIC_MFENCE:
    case ZYDIS_MNEMONIC_SFENCE:
    case ZYDIS_MNEMONIC_LDMXCSR:
    case ZYDIS_MNEMONIC_STMXCSR:
    case ZYDIS_MNEMONIC_VLDMXCSR:
    case ZYDIS_MNEMONIC_VSTMXCSR:
    case ZYDIS_MNEMONIC_LAHF:
    case ZYDIS_MNEMONIC_SAHF:
        x->op = OP_COPY;
        return true;
    case ZYDIS_MNEMONIC_ENTER:
        if (i->operand_width != 64 || ops[1].imm.value.u != 0) {
            stop(x, ACT_UNSUPPORTED, 0);
        } else {
            act(x, ACT_ENTER);
            x->imm = (int64_t)ops[0].imm.value.u;
        }
        return true;
    case ZYDIS_MNEMONIC_MASKMOVDQU:
    case ZYDIS_MNEMONIC_VMASKMOVDQU:
    case ZYDIS_MNEMONIC_VMASKMOVPS:
    case ZYDIS_MNEMONIC_VMASKMOVPD:
    case ZYDIS_MNEMONIC_VPMASKMOVD:
    case ZYDIS_MNEMONIC_VPMASKMOVQ:
        stop(x, ACT_UNSUPPORTED, 0); /* touch memory that their operand does not describe */
        return true;
    case ZYDIS_MNEMONIC_RCPPS:
    case ZYDIS_MNEMONIC_RCPSS:
    case ZYDIS_MNEMONIC_RSQRTPS:
    case ZYDIS_MNEMONIC_RSQRTSS:
    case ZYDIS_MNEMONIC_VRCPPS:
    case ZYDIS_MNEMONIC_VRCPSS:
    case ZYDIS_MNEMONIC_VRSQRTPS:
    case ZYDIS_MNEMONIC_VRSQRTSS:
        stop(x, ACT_UNSUPPORTED, 0); /* approximations: each processor model has its own */
        return true;
    default:
        return false;
    }
}

static bool category_refused(const ZydisDecodedInstruction *i)
{
    switch (i->meta.category) {
    case ZYDIS_CATEGORY_SYSTEM:
    case ZYDIS_CATEGORY_IO:
    case ZYDIS_CATEGORY_IOSTRINGOP:
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_SYSRET:
    case ZYDIS_CATEGORY_INTERRUPT:
    case ZYDIS_CATEGORY_SEGOP:
    case ZYDIS_CATEGORY_VTX:
    case ZYDIS_CATEGORY_XSAVE:
    case ZYDIS_CATEGORY_CET:
    case ZYDIS_CATEGORY_GATHER:
    case ZYDIS_CATEGORY_AVX2GATHER:
    case ZYDIS_CATEGORY_X87_ALU:
    case ZYDIS_CATEGORY_MMX:
        return true;
    default:
        return (i->attributes & ZYDIS_ATTRIB_IS_PRIVILEGED) != 0 ||
               i->mnemonic == ZYDIS_MNEMONIC_FXSAVE || i->mnemonic == ZYDIS_MNEMONIC_FXSAVE64 ||
               i->mnemonic == ZYDIS_MNEMONIC_FXRSTOR || i->mnemonic == ZYDIS_MNEMONIC_FXRSTOR64;
    }
}

void classify(struct insn *x, const ZydisDecodedInstruction *i, const ZydisDecodedOperand *ops)
{
    bool refused = !extension_known(i), hidden_memory = false;
    for (unsigned k = 0; k < i->operand_count; k++) {
        refused |= operand_refused(&ops[k]);
        hidden_memory |= ops[k].type == ZYDIS_OPERAND_TYPE_MEMORY && k >= i->operand_count_visible;
    }
    switch (i->meta.category) {
    case ZYDIS_CATEGORY_NOP:
    case ZYDIS_CATEGORY_WIDENOP:
    case ZYDIS_CATEGORY_PREFETCH:
    case ZYDIS_CATEGORY_PREFETCHWT1:
        x->op = OP_NOP;
        return;
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_UNCOND_BR:
    case ZYDIS_CATEGORY_COND_BR:
        if (refused || i->mnemonic == ZYDIS_MNEMONIC_IRET || i->mnemonic == ZYDIS_MNEMONIC_IRETD)
            stop(x, ACT_UNSUPPORTED, 0);
        else if (i->mnemonic == ZYDIS_MNEMONIC_IRETQ)
            classify_special(x, i, ops);
        else
            classify_branch(x, i, ops);
        return;
    default:
        break;
    }
    if (refused)
        stop(x, ACT_UNSUPPORTED, 0);
    else if (classify_special(x, i, ops))
        return;
    else if (category_refused(i) || hidden_memory || i->length == 15)
        stop(x, ACT_UNSUPPORTED, 0);
    else if (i->mnemonic == ZYDIS_MNEMONIC_LEA && x->m.fixed)
        x->op = OP_LEA_RIP;
    else
        x->op = OP_COPY;
}
