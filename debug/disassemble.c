/*
 * Instructions as `u` shows them: Zydis decodes and formats in MASM's syntax, addresses get names (import slots too),
 * columns are WinDbg's.
 */
#include <Zydis/Zydis.h>
#include <ctype.h>
#include <string.h>

#include "debug/debugger.h"

#define INSTRUCTION_MAX 15

static ZydisFormatterFunc default_absolute, default_relative;

/* MASM's style formats as if addresses were not known, so they are handed on here. */
struct place {
    struct debugger *d;
    gva_t address;
};

static ZyanStatus print_absolute(const ZydisFormatter *f, ZydisFormatterBuffer *buffer, ZydisFormatterContext *c)
{
    const struct place *p = c->user_data;
    struct debugger *d = p->d;
    ZyanU64 address;
    char name[DEBUG_SYMBOL], text[DEBUG_ADDRESS], line[DEBUG_SYMBOL + 24];
    ZyanString *out;
    if (!ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(c->instruction, c->operand, p->address, &address)))
        return default_absolute(f, buffer, c);
    ZYAN_CHECK(ZydisFormatterBufferAppend(buffer, ZYDIS_TOKEN_SYMBOL));
    ZYAN_CHECK(ZydisFormatterBufferGetString(buffer, &out));
    bool code = c->operand->type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
    debug_address(address, text);
    if (machine_image_at(d->m, address) == NULL && !code) /* an offset alone, as of gs */
        snprintf(line, sizeof line, "%llxh", (unsigned long long)address);
    else if (!debug_data_symbol(d, address, !code, name))
        snprintf(line, sizeof line, "%s", text);
    else
        snprintf(line, sizeof line, "%s (%s)", name, text);
    ZyanStringView view;
    ZYAN_CHECK(ZyanStringViewInsideBuffer(&view, line));
    return ZyanStringAppend(out, &view);
}

static bool decode(const struct debugger *d, gva_t a, ZydisDecodedInstruction *i, ZydisDecodedOperand *operands,
                   uint8_t bytes[INSTRUCTION_MAX])
{
    static ZydisDecoder decoder;
    static bool ready;
    if (!ready)
        ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ready = true;
    unsigned room = 0;
    while (room < INSTRUCTION_MAX && debug_read8(d, a + room, &bytes[room]))
        room++;
    return room > 0 && ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, room, i, operands));
}

/* Conditions have two names each; these are WinDbg's. */
static void rename_condition(char *mnemonic, size_t size)
{
    static const char *const prefixes[] = {"j", "set", "cmov"};
    static const struct {
        const char *zydis, *windbg;
    } names[] = {{"z", "e"}, {"nz", "ne"}, {"nb", "ae"}, {"nbe", "a"}, {"nl", "ge"}, {"nle", "g"}};
    for (unsigned i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        for (unsigned k = 0; k < sizeof names / sizeof names[0]; k++) {
            size_t n = strlen(prefixes[i]);
            if (strncmp(mnemonic, prefixes[i], n) == 0 && strcmp(mnemonic + n, names[k].zydis) == 0) {
                snprintf(mnemonic + n, size - n, "%s", names[k].windbg);
                return;
            }
        }
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '!' || c == '`' || c == '+';
}

/* "lock xadd dword ptr [rcx], 2h" -> "lock xadd dword ptr [rcx],2": mnemonics take eight columns, digits need no h. */
static void columns(const char *text, char *out, size_t size)
{
    char mnemonic[32];
    size_t n = strcspn(text, " ");
    if (strcmp(text, "int3") == 0)
        text = "int 3", n = 3;
    snprintf(mnemonic, sizeof mnemonic, "%.*s", (int)n, text);
    rename_condition(mnemonic, sizeof mnemonic);
    size_t at = (size_t)snprintf(out, size, text[n] != '\0' ? "%-7s " : "%s", mnemonic);
    for (const char *p = text + n + (text[n] != '\0'); *p != '\0' && at + 1 < size; p++) {
        out[at++] = *p;
        if (*p == ',' && p[1] == ' ')
            p++;
        else if (isdigit((unsigned char)*p) && p[1] == 'h' && !is_word(p[2]) && (p[-1] == '+' || !is_word(p[-1])))
            p++;
    }
    out[at] = '\0';
}

unsigned debug_disassemble(struct debugger *d, gva_t a, char *out, size_t size)
{
    static ZydisFormatter formatter;
    ZydisDecodedInstruction i;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    uint8_t bytes[INSTRUCTION_MAX];
    char text[512] = "???", shown[560], hex[2 * INSTRUCTION_MAX + 1] = "";
    unsigned length = 1;
    if (default_absolute == NULL) {
        ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL_MASM);
        ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE, ZYAN_FALSE);
        ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_FORCE_RELATIVE_BRANCHES, ZYAN_FALSE);
        ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_FORCE_RELATIVE_RIPREL, ZYAN_FALSE);
        default_absolute = print_absolute;
        default_relative = print_absolute;
        ZydisFormatterSetHook(&formatter, ZYDIS_FORMATTER_FUNC_PRINT_ADDRESS_ABS, (const void **)&default_absolute);
        ZydisFormatterSetHook(&formatter, ZYDIS_FORMATTER_FUNC_PRINT_ADDRESS_REL, (const void **)&default_relative);
    }
    if (!debug_read8(d, a, bytes))
        return 0;
    if (decode(d, a, &i, operands, bytes)) {
        length = i.length;
        struct place p = {d, a};
        ZydisFormatterFormatInstruction(&formatter, &i, operands, i.operand_count_visible, text, sizeof text, a, &p);
    }
    for (unsigned k = 0; k < length; k++)
        snprintf(hex + 2 * k, 3, "%02x", bytes[k]);
    columns(text, shown, sizeof shown);
    snprintf(out, size, "%-15s %s", hex, shown);
    return length;
}

bool debug_is_call(const struct debugger *d, gva_t a, unsigned *length)
{
    ZydisDecodedInstruction i;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    uint8_t bytes[INSTRUCTION_MAX];
    if (!decode(d, a, &i, operands, bytes))
        return false;
    *length = i.length;
    return i.meta.category == ZYDIS_CATEGORY_CALL;
}

bool debug_is_return(const struct debugger *d, gva_t a)
{
    ZydisDecodedInstruction i;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    uint8_t bytes[INSTRUCTION_MAX];
    return decode(d, a, &i, operands, bytes) && i.meta.category == ZYDIS_CATEGORY_RET;
}
