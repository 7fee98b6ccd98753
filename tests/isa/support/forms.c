/*
 * The table of instruction forms that compilers emit for x64 drivers, and its expansion.
 *
 * An operand pattern is a comma-separated list; patterns are separated by '|'. Operands:
 *   rN mN rmN     general register, memory, either     h8      ah ch dh bh
 *   aN xaN yaN    aligned memory; xmm/ymm or that      xmN ymN xmm/ymm register or memory of N bits
 *   x y           xmm, ymm                             iN      immediate of N bits
 *   cN            unsigned count below N               1 al cl dx eax rsp ...   exactly that
 *   ea            an address that is not accessed
 * V stands for 8, 16, 32 and 64 in turn, W for 16, 32, 64, D for 32, 64.
 */
#include "tests/isa/support/forms.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/vec.h"
#include "tests/isa/support/native.h"

struct family {
    const char *mnemonics, *operands;
    unsigned options;
    const char *feature;
};

#define SSE (FORM_ALIGNED)
#define FP (FORM_ALIGNED | FORM_FLOAT)
#define VFP FORM_FLOAT

static const struct family families[] = {
    /* Integer arithmetic */
    {"add or adc sbb and sub xor cmp",
     "rmV, rV | rV, mV | rmV, iV | rmW, i8 | h8, r8 | r8, h8 | h8, h8 | h8, m8 | m8, h8 | h8, i8"},
    {"add or adc sbb and sub xor cmp", "al, i8 | ax, i16 | eax, i32 | rax, i32"},
    {"add or adc sbb and sub xor", "mV, rV | mV, iV | mW, i8", FORM_LOCK},
    {"test", "rmV, rV | rmV, iV | h8, r8 | h8, i8 | m8, h8 | al, i8 | eax, i32 | rax, i32"},
    {"inc dec neg not", "rmV | h8"},
    {"inc dec neg not", "mV", FORM_LOCK},
    {"shl shr sar rol ror rcl rcr",
     "rmV, 1 | rmV, c32 | r64, c64 | m64, c64 | rmV, cl | h8, c8 | h8, cl"},
    {"shld shrd", "rmD, rD, c32 | r64, r64, c64 | rm16, r16, c16 | rmD, rD, cl"},
    {"mul imul", "rmV | h8"},
    {"div idiv", "rmV | h8", FORM_DIVIDE | FORM_ALONE},
    {"imul", "rW, rmW | rW, rmW, i8 | r16, rm16, i16 | rD, rmD, i32"},
    {"bsf bsr", "rW, rmW"},
    {"popcnt", "rW, rmW", 0, "popcnt"},
    {"lzcnt", "rW, rmW", 0, "lzcnt"},
    {"tzcnt", "rW, rmW", 0, "bmi"},
    {"bt bts btr btc", "rmW, c64 | rW, rW"},
    {"bt bts btr btc", "mW, rW", FORM_BIT_OFFSET | FORM_ALONE},
    {"bts btr btc", "mW, c64", FORM_LOCK},
    {"bts btr btc", "mW, rW", FORM_LOCK | FORM_BIT_OFFSET | FORM_ALONE},
    {"seto setno setb setnb setz setnz setbe setnbe sets setns setp setnp setl setnl setle setnle",
     "rm8 | h8"},
    {"cmovo cmovno cmovb cmovnb cmovz cmovnz cmovbe cmovnbe cmovs cmovns cmovp cmovnp cmovl cmovnl "
     "cmovle cmovnle",
     "rW, rmW"},
    {"cbw cwde cdqe cwd cdq cqo clc stc cmc lahf sahf", ""},
    {"bswap", "rD"},
    {"movbe", "rW, mW | mW, rW", 0, "movbe"},
    {"crc32", "r32, rm8 | r32, rm16 | r32, rm32 | r64, rm8 | r64, rm64", 0, "sse42"},
    /* Moves */
    {"mov", "rmV, rV | rV, mV | h8, r8 | r8, h8 | h8, h8 | h8, m8 | m8, h8", FORM_MOVE},
    {"mov", "rmV, iV | h8, i8 | r64, i64"},
    {"movzx movsx", "rW, rm8 | rD, rm16 | r32, h8 | r16, h8"},
    {"movsxd", "r64, rm32"},
    {"movnti", "mD, rD"},
    {"lea", "rD, ea | r16, ea", FORM_NOT_ACCESSED},
    {"xchg", "rmV, rV | h8, r8 | h8, h8 | m8, h8", FORM_MOVE},
    {"xchg", "rax, r64 | eax, r32", FORM_MOVE},
    {"xadd", "rmV, rV | h8, r8"},
    {"xadd", "mV, rV | m8, h8", FORM_LOCK},
    {"cmpxchg", "rmV, rV", FORM_EQUAL},
    {"cmpxchg", "mV, rV", FORM_LOCK | FORM_EQUAL},
    {"cmpxchg8b", "m64", FORM_EQUAL},
    {"cmpxchg8b", "m64", FORM_LOCK | FORM_EQUAL},
    {"cmpxchg16b", "a128", FORM_EQUAL},
    {"cmpxchg16b", "a128", FORM_LOCK | FORM_EQUAL},
    {"xlat", "", FORM_ALONE},
    /* The stack */
    {"push", "r64 | m64 | r16 | m16 | i8 | i32 | rsp", FORM_STACK | FORM_MOVE},
    {"pop", "r64 | m64 | r16 | m16 | rsp", FORM_STACK | FORM_MOVE},
    {"add sub", "rsp, i8", FORM_ALONE},
    {"and", "rsp, -16", FORM_ALONE},
    {"mov", "r64, rsp | m64, rsp", FORM_ALONE | FORM_MOVE},
    {"lea", "rsp, ea", FORM_ALONE | FORM_NOT_ACCESSED},
    /* Touching nothing */
    {"nop", "rW | mW", FORM_NOT_ACCESSED},
    {"nop pause mfence lfence sfence", ""},
    {"prefetcht0 prefetcht1 prefetcht2 prefetchnta prefetchw", "m8", FORM_NOT_ACCESSED},
    {"cld std", "", FORM_ALONE},
    /* Bit manipulation extensions */
    {"andn", "rD, rD, rmD", 0, "bmi"},
    {"blsi blsr blsmsk", "rD, rmD", 0, "bmi"},
    {"bextr", "rD, rmD, rD", 0, "bmi"},
    {"bzhi sarx shlx shrx", "rD, rmD, rD", 0, "bmi2"},
    {"rorx", "rD, rmD, c64", 0, "bmi2"},
    {"mulx pdep pext", "rD, rD, rmD", 0, "bmi2"},
    {"adcx adox", "rD, rmD", 0, "adx"},
    /* SSE moves */
    {"movaps movapd movdqa", "x, xa128 | a128, x", SSE},
    {"movups movupd movdqu", "x, xm128 | m128, x"},
    {"lddqu", "x, m128"},
    {"movss", "x, xm32 | m32, x", FP},
    {"movsd", "x, xm64 | m64, x", FP},
    {"movd", "x, rm32 | rm32, x"},
    {"movq", "x, rm64 | rm64, x | x, xm64 | m64, x"},
    {"movhps movlps movhpd movlpd", "x, m64 | m64, x"},
    {"movhlps movlhps", "x, x"},
    {"movntps movntpd movntdq", "a128, x", SSE},
    {"movntdqa", "x, a128", SSE, "sse41"},
    {"movmskps movmskpd pmovmskb", "r32, x"},
    {"movddup", "x, xm64"},
    {"movshdup movsldup", "x, xm128", SSE},
    /* SSE floating point */
    {"addps subps mulps divps minps maxps andps andnps orps xorps unpcklps unpckhps addpd subpd "
     "mulpd divpd minpd maxpd "
     "andpd andnpd orpd xorpd unpcklpd unpckhpd haddps haddpd hsubps hsubpd addsubps addsubpd",
     "x, xm128", FP},
    {"sqrtps sqrtpd cvtdq2ps cvtps2dq cvttps2dq cvtpd2ps cvtpd2dq cvttpd2dq", "x, xm128", FP},
    {"cvtdq2pd cvtps2pd", "x, xm64", FP},
    {"addss subss mulss divss minss maxss sqrtss ucomiss comiss cvtss2sd", "x, xm32", FP},
    {"addsd subsd mulsd divsd minsd maxsd sqrtsd ucomisd comisd cvtsd2ss", "x, xm64", FP},
    {"cmpps cmppd", "x, xm128, c8", FP},
    {"cmpss", "x, xm32, c8", FP},
    {"cmpsd", "x, xm64, c8", FP},
    {"shufps shufpd", "x, xm128, c256", FP},
    {"cvtsi2ss cvtsi2sd", "x, rmD", FP},
    {"cvtss2si cvttss2si", "rD, xm32", FP},
    {"cvtsd2si cvttsd2si", "rD, xm64", FP},
    {"roundps roundpd", "x, xm128, c16", FP, "sse41"},
    {"roundss", "x, xm32, c16", FP, "sse41"},
    {"roundsd", "x, xm64, c16", FP, "sse41"},
    {"blendps blendpd dpps dppd", "x, xm128, c256", FP, "sse41"},
    {"blendvps blendvpd pblendvb", "x, xm128", SSE, "sse41"},
    {"insertps", "x, xm32, c256", FP, "sse41"},
    {"extractps", "rm32, x, c256", 0, "sse41"},
    /* SSE integer */
    {"paddb paddw paddd paddq paddsb paddsw paddusb paddusw psubb psubw psubd psubq psubsb psubsw "
     "psubusb psubusw pand pandn por "
     "pxor pcmpeqb pcmpeqw pcmpeqd pcmpgtb pcmpgtw pcmpgtd pmullw pmulhw pmulhuw pmuludq pmaddwd "
     "pavgb pavgw pminub pmaxub "
     "pminsw pmaxsw psadbw packsswb packssdw packuswb punpcklbw punpcklwd punpckldq punpcklqdq "
     "punpckhbw punpckhwd punpckhdq "
     "punpckhqdq",
     "x, xm128", SSE},
    {"psllw pslld psllq psrlw psrld psrlq psraw psrad", "x, xm128 | x, c64", SSE},
    {"pslldq psrldq", "x, c32", SSE},
    {"pshufd pshuflw pshufhw", "x, xm128, c256", SSE},
    {"pinsrw", "x, r32, c8 | x, m16, c8"},
    {"pextrw", "r32, x, c8"},
    {"maskmovdqu", "x, x", FORM_ALONE | FORM_MASKED},
    {"pshufb phaddw phaddd phaddsw phsubw phsubd phsubsw pmaddubsw pmulhrsw psignb psignw psignd "
     "pabsb pabsw pabsd",
     "x, xm128", SSE, "ssse3"},
    {"palignr", "x, xm128, c32", SSE, "ssse3"},
    {"pmulld pmuldq pminsb pminsd pminuw pminud pmaxsb pmaxsd pmaxuw pmaxud packusdw pcmpeqq ptest "
     "phminposuw",
     "x, xm128", SSE, "sse41"},
    {"pblendw mpsadbw", "x, xm128, c256", SSE, "sse41"},
    {"pmovsxbw pmovsxwd pmovsxdq pmovzxbw pmovzxwd pmovzxdq", "x, xm64", SSE, "sse41"},
    {"pmovsxbd pmovsxwq pmovzxbd pmovzxwq", "x, xm32", SSE, "sse41"},
    {"pmovsxbq pmovzxbq", "x, xm16", SSE, "sse41"},
    {"pinsrb", "x, r32, c16 | x, m8, c16", 0, "sse41"},
    {"pinsrd", "x, rm32, c4", 0, "sse41"},
    {"pinsrq", "x, rm64, c2", 0, "sse41"},
    {"pextrb", "r32, x, c16 | m8, x, c16", 0, "sse41"},
    {"pextrw", "m16, x, c8", 0, "sse41"},
    {"pextrd", "rm32, x, c4", 0, "sse41"},
    {"pextrq", "rm64, x, c2", 0, "sse41"},
    {"pcmpgtq", "x, xm128", SSE, "sse42"},
    {"pcmpestri pcmpestrm pcmpistri pcmpistrm", "x, xm128, c64", 0, "sse42"},
    {"aesenc aesenclast aesdec aesdeclast aesimc", "x, xm128", SSE, "aes"},
    {"aeskeygenassist", "x, xm128, c256", SSE, "aes"},
    {"pclmulqdq", "x, xm128, c256", SSE, "pclmul"},
    {"sha1msg1 sha1msg2 sha1nexte sha256msg1 sha256msg2 sha256rnds2", "x, xm128", SSE, "sha"},
    /* Control and status */
    {"stmxcsr", "m32"},
    /* AVX */
    {"vmovaps vmovapd vmovdqa", "x, xa128 | a128, x | y, ya256 | a256, y", 0, "avx"},
    {"vmovups vmovupd vmovdqu", "x, xm128 | m128, x | y, ym256 | m256, y", 0, "avx"},
    {"vlddqu", "x, m128 | y, m256", 0, "avx"},
    {"vmovntps vmovntdq", "a128, x | a256, y", 0, "avx"},
    {"vmovss", "x, m32 | m32, x | x, x, x", VFP, "avx"},
    {"vmovsd", "x, m64 | m64, x | x, x, x", VFP, "avx"},
    {"vmovd", "x, rm32 | rm32, x", 0, "avx"},
    {"vmovq", "x, rm64 | rm64, x | x, xm64 | m64, x", 0, "avx"},
    {"vmovhps vmovlps", "x, x, m64 | m64, x", 0, "avx"},
    {"vmovmskps vmovmskpd vpmovmskb", "r32, x", 0, "avx"},
    {"vzeroupper vzeroall", "", 0, "avx"},
    {"vaddps vsubps vmulps vdivps vminps vmaxps vandps vandnps vorps vxorps vunpcklps vunpckhps "
     "vaddpd vsubpd vmulpd vdivpd vminpd "
     "vmaxpd vandpd vxorpd vhaddps vhaddpd",
     "x, x, xm128 | y, y, ym256", VFP, "avx"},
    {"vaddss vsubss vmulss vdivss vminss vmaxss vsqrtss vcvtss2sd", "x, x, xm32", VFP, "avx"},
    {"vaddsd vsubsd vmulsd vdivsd vminsd vmaxsd vsqrtsd vcvtsd2ss", "x, x, xm64", VFP, "avx"},
    {"vucomiss vcomiss", "x, xm32", VFP, "avx"},
    {"vucomisd vcomisd", "x, xm64", VFP, "avx"},
    {"vsqrtps vsqrtpd vcvtdq2ps vcvtps2dq vcvttps2dq", "x, xm128 | y, ym256", VFP, "avx"},
    {"vcvtsi2ss vcvtsi2sd", "x, x, rmD", VFP, "avx"},
    {"vcvttss2si vcvtss2si", "rD, xm32", VFP, "avx"},
    {"vcvttsd2si vcvtsd2si", "rD, xm64", VFP, "avx"},
    {"vcmpps vcmppd vshufps vshufpd vblendps", "x, x, xm128, c8 | y, y, ym256, c8", VFP, "avx"},
    {"vroundps", "x, xm128, c16 | y, ym256, c16", VFP, "avx"},
    {"vblendvps vpblendvb", "x, x, xm128, x", 0, "avx"},
    {"vbroadcastss", "x, m32 | y, m32", VFP, "avx"},
    {"vbroadcastsd", "y, m64", VFP, "avx"},
    {"vbroadcastf128", "y, m128", VFP, "avx"},
    {"vpermilps vpermilpd", "x, x, xm128 | y, y, ym256 | x, xm128, c256", 0, "avx"},
    {"vperm2f128", "y, y, ym256, c256", 0, "avx"},
    {"vinsertf128", "y, y, xm128, c2", 0, "avx"},
    {"vextractf128", "xm128, y, c2", 0, "avx"},
    {"vptest vtestps", "x, xm128 | y, ym256", 0, "avx"},
    {"vmaskmovps vmaskmovpd", "x, x, m128 | m128, x, x | y, y, m256 | m256, y, y",
     FORM_ALONE | FORM_MASKED, "avx"},
    {"vpaddb vpaddd vpaddq vpsubb vpsubd vpand vpandn vpor vpxor vpcmpeqb vpcmpeqd vpcmpgtb "
     "vpmullw vpmulld vpmuludq vpminub vpmaxub "
     "vpunpcklbw vpunpckhqdq vpshufb vpackuswb vpsadbw vpmaddwd vpsllw vpsrlq",
     "x, x, xm128", 0, "avx"},
    {"vpaddb vpaddd vpaddq vpsubb vpsubd vpand vpandn vpor vpxor vpcmpeqb vpcmpeqd vpcmpgtb "
     "vpmullw vpmulld vpmuludq vpminub vpmaxub "
     "vpunpcklbw vpunpckhqdq vpshufb vpackuswb vpsadbw vpmaddwd",
     "y, y, ym256", 0, "avx2"},
    {"vpsllw vpslld vpsllq vpsrlw vpsrld vpsrlq vpsraw vpsrad vpslldq vpsrldq", "x, x, c32", 0,
     "avx"},
    {"vpsllw vpslld vpsllq vpsrlw vpsrld vpsrlq vpsraw vpsrad vpslldq vpsrldq", "y, y, c32", 0,
     "avx2"},
    {"vpsllvd vpsllvq vpsrlvd vpsrlvq vpsravd", "x, x, xm128 | y, y, ym256", 0, "avx2"},
    {"vpshufd", "x, xm128, c256", 0, "avx"},
    {"vpshufd", "y, ym256, c256", 0, "avx2"},
    {"vpalignr", "x, x, xm128, c32", 0, "avx"},
    {"vpalignr vperm2i128 vpblendd", "y, y, ym256, c32", 0, "avx2"},
    {"vpermd vpermps", "y, y, ym256", 0, "avx2"},
    {"vpermq vpermpd", "y, ym256, c256", 0, "avx2"},
    {"vpbroadcastb", "x, xm8 | y, xm8", 0, "avx2"},
    {"vpbroadcastw", "x, xm16 | y, xm16", 0, "avx2"},
    {"vpbroadcastd", "x, xm32 | y, xm32", 0, "avx2"},
    {"vpbroadcastq", "x, xm64 | y, xm64", 0, "avx2"},
    {"vpmovzxbw vpmovsxwd", "x, xm64", 0, "avx"},
    {"vpmovzxbw vpmovsxwd", "y, xm128", 0, "avx2"},
    {"vinserti128", "y, y, xm128, c2", 0, "avx2"},
    {"vextracti128", "xm128, y, c2", 0, "avx2"},
    {"vpmaskmovd vpmaskmovq", "x, x, m128 | m128, x, x | y, y, m256 | m256, y, y",
     FORM_ALONE | FORM_MASKED, "avx2"},
    {"vpinsrb", "x, x, r32, c16 | x, x, m8, c16", 0, "avx"},
    {"vpinsrd", "x, x, rm32, c4", 0, "avx"},
    {"vpinsrq", "x, x, rm64, c2", 0, "avx"},
    {"vpextrd", "rm32, x, c4", 0, "avx"},
    {"vpextrq", "rm64, x, c2", 0, "avx"},
    {"vcvtph2ps", "x, xm64 | y, xm128", VFP, "f16c"},
    {"vcvtps2ph", "xm64, x, c8 | xm128, y, c8", VFP, "f16c"},
    {"vfmadd132ps vfmadd213ps vfmadd231ps vfnmadd213pd vfmsub231pd", "x, x, xm128 | y, y, ym256",
     VFP, "fma"},
    {"vfmadd132ss vfmadd213ss vfmadd231ss vfmsub213ss", "x, x, xm32", VFP, "fma"},
    {"vfmadd213sd vfnmadd231sd", "x, x, xm64", VFP, "fma"},
};

struct form_list {
    VEC(struct form) v;
};

static ZydisMnemonic find_mnemonic(const char *text)
{
    for (int m = 1; m <= ZYDIS_MNEMONIC_MAX_VALUE; m++) {
        const char *name = ZydisMnemonicGetString((ZydisMnemonic)m);
        if (name && strcmp(name, text) == 0)
            return (ZydisMnemonic)m;
    }
    fprintf(stderr, "no such mnemonic: %s\n", text);
    abort();
}

static ZydisRegister find_register(const char *text)
{
    for (int r = 1; r <= ZYDIS_REGISTER_MAX_VALUE; r++) {
        const char *name = ZydisRegisterGetString((ZydisRegister)r);
        if (name && strcmp(name, text) == 0)
            return (ZydisRegister)r;
    }
    fprintf(stderr, "no such operand: %s\n", text);
    abort();
}

/* `text` has neither "rm"-like choices nor size letters any more. */
static struct form_operand parse_operand(const char *text)
{
    struct form_operand o = {0};
    char *end;
    long number = strtol(text, &end, 10);
    if (*end == 0) {
        o.kind = OPERAND_LITERAL;
        o.literal = number;
        return o;
    }
    number = strtol(text + 1, &end, 10);
    bool sized = end != text + 1 && *end == 0;
    o.size = (unsigned)number;
    if (strcmp(text, "x") == 0)
        o.kind = OPERAND_XMM;
    else if (strcmp(text, "y") == 0)
        o.kind = OPERAND_YMM;
    else if (strcmp(text, "ea") == 0)
        o.kind = OPERAND_ADDRESS;
    else if (strcmp(text, "h8") == 0)
        o.kind = OPERAND_HIGH;
    else if (sized && number >= 8 && *text == 'r' && strcmp(text, "r8") != 0 &&
             strchr("1346", text[1]))
        o.kind = OPERAND_GPR;
    else if (strcmp(text, "r8") == 0)
        o.kind = OPERAND_GPR;
    else if (sized && *text == 'm')
        o.kind = OPERAND_MEMORY;
    else if (sized && *text == 'a')
        o.kind = OPERAND_MEMORY, o.aligned = true;
    else if (sized && *text == 'i')
        o.kind = OPERAND_IMMEDIATE;
    else if (sized && *text == 'c')
        o.kind = OPERAND_COUNT;
    else
        o.kind = OPERAND_FIXED, o.fixed = find_register(text), o.size = 0;
    return o;
}

/* Splits off the next item that ends at one of `separators`; NULL at the end. Trims blanks. */
static char *next_item(char **rest, const char *separators, char *item, size_t size)
{
    if (!*rest)
        return NULL;
    size_t n = strcspn(*rest, separators);
    const char *from = *rest;
    *rest = from[n] ? *rest + n + 1 : NULL;
    while (n && isspace((unsigned char)*from))
        from++, n--;
    while (n && isspace((unsigned char)from[n - 1]))
        n--;
    RD_ASSERT(n < size);
    memcpy(item, from, n);
    item[n] = 0;
    return item;
}

static void add_form(struct form_list *list, const struct family *family, const char *mnemonic,
                     const char *pattern)
{
    /* Either-or operands: one form for each alternative, found one operand at a time. */
    static const char *const pairs[][3] = {
        {"rm", "r", "m"}, {"xm", "x", "m"}, {"ym", "y", "m"}, {"xa", "x", "a"}, {"ya", "y", "a"}};
    for (unsigned p = 0; p < sizeof pairs / sizeof *pairs; p++) {
        const char *at = strstr(pattern, pairs[p][0]);
        while (at && !(isdigit((unsigned char)at[2]) && (at == pattern || at[-1] == ' ')))
            at = strstr(at + 1, pairs[p][0]);
        if (!at)
            continue;
        char digits[8] = "";
        unsigned n = (unsigned)strspn(at + 2, "0123456789");
        memcpy(digits, at + 2, n);
        for (int choice = 1; choice <= 2; choice++) {
            char next[96];
            bool keep_size = choice == 2 || p == 0;
            snprintf(next, sizeof next, "%.*s%s%s%s", (int)(at - pattern), pattern,
                     pairs[p][choice], keep_size ? digits : "", at + 2 + n);
            add_form(list, family, mnemonic, next);
        }
        return;
    }
    struct form f = {.mnemonic = find_mnemonic(mnemonic), .options = family->options};
    snprintf(f.name, sizeof f.name, "%s%s%s%s", f.options & FORM_LOCK ? "lock " : "", mnemonic,
             *pattern ? " " : "", pattern);
    char text[96], item[32];
    snprintf(text, sizeof text, "%s", pattern);
    for (char *rest = text; *text && next_item(&rest, ",", item, sizeof item);)
        f.operands[f.operand_count++] = parse_operand(item);
    if (f.options & FORM_ALIGNED)
        for (unsigned i = 0; i < f.operand_count; i++)
            if (f.operands[i].kind == OPERAND_MEMORY && f.operands[i].size == 128)
                f.operands[i].aligned = true;
    for (size_t i = 0; i < list->v.count; i++)
        if (strcmp(list->v.data[i].name, f.name) == 0)
            return;
    vec_push(&list->v, f);
}

/* Replaces size letters: all letters of a pattern take the same size. */
static void add_sizes(struct form_list *list, const struct family *family, const char *mnemonic,
                      const char *pattern)
{
    static const struct {
        char letter;
        const char *sizes[5];
    } letters[] = {{'V', {"8", "16", "32", "64"}}, {'W', {"16", "32", "64"}}, {'D', {"32", "64"}}};
    for (unsigned l = 0; l < 3; l++) {
        if (!strchr(pattern, letters[l].letter))
            continue;
        for (unsigned s = 0; letters[l].sizes[s]; s++) {
            char text[96];
            unsigned n = 0;
            for (const char *c = pattern; *c; c++) {
                bool letter = *c == letters[l].letter;
                /* There are no 64-bit immediates but mov's. */
                const char *size =
                    letter && c > pattern && c[-1] == 'i' && letters[l].sizes[s][0] == '6'
                        ? "32"
                        : letters[l].sizes[s];
                n += (unsigned)snprintf(text + n, sizeof text - n, "%.*s", letter ? 2 : 1,
                                        letter ? size : c);
            }
            add_form(list, family, mnemonic, text);
        }
        return;
    }
    add_form(list, family, mnemonic, pattern);
}

struct form *forms_expand(size_t *count_out)
{
    struct form_list list = {0};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        const struct family *f = &families[i];
        if (f->feature && !native_has(f->feature))
            continue;
        char mnemonics[1024], mnemonic[32];
        snprintf(mnemonics, sizeof mnemonics, "%s", f->mnemonics);
        for (char *m = mnemonics; next_item(&m, " ", mnemonic, sizeof mnemonic);) {
            if (!*mnemonic)
                continue;
            char patterns[256], pattern[96];
            snprintf(patterns, sizeof patterns, "%s", f->operands);
            for (char *p = patterns; next_item(&p, "|", pattern, sizeof pattern);)
                add_sizes(&list, f, mnemonic, pattern);
        }
    }
    *count_out = list.v.count;
    return list.v.data;
}
