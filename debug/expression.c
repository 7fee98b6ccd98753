/*
 * MASM expressions as WinDbg evaluates them: numbers are hexadecimal unless 0n, 0t or 0y says otherwise and may carry a
 * backtick; registers are those of the chosen frame, with @ or without; names are symbols. Descent by precedence, lowest
 * first: | ^ & comparisons shifts sums products, then unary operators. Everything is 64 bits, unsigned where it matters.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "debug/debugger.h"

#define NESTING_MAX 64

struct parser {
    struct debugger *d;
    const char *p;
    int nesting;
    bool bad;
};

static uint64_t level(struct parser *x, int precedence);

static void skip(struct parser *x)
{
    while (*x->p == ' ' || *x->p == '\t')
        x->p++;
}

static uint64_t fail(struct parser *x, const char *what, const char *detail, size_t length)
{
    if (!x->bad)
        debug_error(x->d, "%s '%.*s'", what, (int)length, detail);
    x->bad = true;
    return 0;
}

static bool in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || c == '`' || c == '@' || c == '!' || c == '?';
}

/* A number that takes the whole word. */
static bool number(const char *word, size_t length, uint64_t *out)
{
    unsigned base = 16;
    uint64_t value = 0;
    size_t i = 0, digits = 0;
    if (length > 2 && word[0] == '0') {
        char c = (char)tolower((unsigned char)word[1]);
        base = c == 'n' ? 10 : c == 't' ? 8 : c == 'y' ? 2 : 16;
        i = c == 'n' || c == 't' || c == 'y' || c == 'x' ? 2 : 0;
    }
    for (; i < length; i++) {
        if (word[i] == '`')
            continue;
        if (!isxdigit((unsigned char)word[i]))
            return false;
        unsigned digit = isdigit((unsigned char)word[i]) ? (unsigned)(word[i] - '0')
                                                         : (unsigned)(tolower((unsigned char)word[i]) - 'a' + 10);
        if (digit >= base || value > (UINT64_MAX - digit) / base)
            return false;
        value = value * base + digit;
        digits++;
    }
    *out = value;
    return digits > 0;
}

bool debug_register(const struct vcpu_regs *r, uint8_t irql, const char *name, uint64_t *out)
{
    static const char *const names[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                          "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"};
    static const char *const dwords[8] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    static const char *const words[8] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
    static const char *const bytes[8] = {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"};
    static const char *const high[4] = {"ah", "ch", "dh", "bh"};
    static const struct {
        const char *name;
        uint64_t value;
    } segments[] = {{"cs", 0x10}, {"ss", 0x18}, {"ds", 0x2b}, {"es", 0x2b}, {"fs", 0x53}, {"gs", 0x2b}};
    size_t length = strlen(name);
    for (unsigned i = 0; i < 16; i++) {
        size_t n = strlen(names[i]);
        if (strcasecmp(name, names[i]) == 0)
            return *out = r->gpr[i], true;
        if (i < 8 && strcasecmp(name, dwords[i]) == 0)
            return *out = (uint32_t)r->gpr[i], true;
        if (i < 8 && strcasecmp(name, words[i]) == 0)
            return *out = (uint16_t)r->gpr[i], true;
        if (i < 8 && strcasecmp(name, bytes[i]) == 0)
            return *out = (uint8_t)r->gpr[i], true;
        if (i >= 8 && length == n + 1 && strncasecmp(name, names[i], n) == 0 && strchr("dwbDWB", name[n]) != NULL) {
            int size = tolower((unsigned char)name[n]);
            return *out = size == 'd' ? (uint32_t)r->gpr[i] : size == 'w' ? (uint16_t)r->gpr[i] : (uint8_t)r->gpr[i], true;
        }
    }
    for (unsigned i = 0; i < 4; i++)
        if (strcasecmp(name, high[i]) == 0)
            return *out = (uint8_t)(r->gpr[i] >> 8), true;
    for (unsigned i = 0; i < sizeof segments / sizeof segments[0]; i++)
        if (strcasecmp(name, segments[i].name) == 0)
            return *out = segments[i].value, true;
    if (strcasecmp(name, "rip") == 0)
        return *out = r->rip, true;
    if (strcasecmp(name, "efl") == 0 || strcasecmp(name, "rflags") == 0)
        return *out = r->rflags, true;
    if (strcasecmp(name, "cr8") == 0)
        return *out = irql, true;
    return false;
}

/* $ip $csp $ra $retreg $proc $thread */
static bool pseudo(struct debugger *d, const char *name, uint64_t *out)
{
    if (strcasecmp(name, "$ip") == 0)
        *out = d->frame_regs.rip;
    else if (strcasecmp(name, "$csp") == 0)
        *out = d->frame_regs.gpr[REG_RSP];
    else if (strcasecmp(name, "$retreg") == 0)
        *out = d->frame_regs.gpr[REG_RAX];
    else if (strcasecmp(name, "$ra") == 0)
        *out = d->frame < d->frame_count ? d->frames[d->frame].return_address : 0;
    else if (strcasecmp(name, "$thread") == 0)
        *out = debug_thread_address(d);
    else
        return false;
    return true;
}

/* "upper-bounded!": a module's name may hold what else is an operator. Its length with the mark; 0: none. */
static size_t module_prefix(struct parser *x)
{
    size_t best = 0;
    for (unsigned i = 0; i < machine_image_count(x->d->m); i++) {
        char name[RD_ABI_NAME];
        symbols_module_name(machine_image(x->d->m, i), name);
        size_t n = strlen(name);
        if (n > best && strncasecmp(x->p, name, n) == 0 && x->p[n] == '!')
            best = n;
    }
    return best > 0 ? best + 1 : 0;
}

static uint64_t read_at(struct parser *x, unsigned bytes, gva_t a)
{
    uint64_t value = 0;
    char text[DEBUG_ADDRESS];
    if (!x->bad && !debug_read(x->d, a, &value, bytes)) {
        debug_address(a, text);
        return fail(x, "Memory access error at", text, strlen(text));
    }
    return value;
}

static uint64_t word(struct parser *x)
{
    static const struct {
        const char *name;
        unsigned bytes;
    } readers[] = {{"poi", 8}, {"qwo", 8}, {"dwo", 4}, {"wo", 2}, {"by", 1}};
    size_t module = module_prefix(x), n = module;
    while (in_word(x->p[n]))
        n++;
    char text[200];
    if (n == 0 || n >= sizeof text)
        return fail(x, "Couldn't make sense of", x->p, strcspn(x->p, ""));
    memcpy(text, x->p, n);
    text[n] = '\0';
    uint64_t value;
    const char *at = x->p;
    x->p += n;
    skip(x);
    for (unsigned i = 0; i < sizeof readers / sizeof readers[0]; i++)
        if (*x->p == '(' && strcasecmp(text, readers[i].name) == 0)
            return read_at(x, readers[i].bytes, level(x, 7));
    if (strcasecmp(text, "not") == 0)
        return ~level(x, 7);
    if (strcasecmp(text, "hi") == 0)
        return level(x, 7) >> 16 & 0xFFFF;
    if (strcasecmp(text, "low") == 0)
        return level(x, 7) & 0xFFFF;
    const char *name = text[0] == '@' ? text + 1 : text;
    const struct vcpu *c = machine_cpu(x->d->m, x->d->cpu);
    if (name[0] == '$' && pseudo(x->d, name, &value))
        return value;
    if (module == 0 && text[0] != '@' && number(text, n, &value))
        return value;
    if (module == 0 && debug_register(&x->d->frame_regs, c->irql, name, &value))
        return value;
    if (symbols_address(x->d->symbols, name, &value))
        return value;
    x->p = at;
    return fail(x, "Couldn't resolve error at", at, strlen(at));
}

static uint64_t unary(struct parser *x)
{
    skip(x);
    if (++x->nesting > NESTING_MAX)
        return fail(x, "Too deeply nested at", x->p, strlen(x->p));
    uint64_t value;
    if (*x->p == '(') {
        x->p++;
        value = level(x, 0);
        skip(x);
        if (*x->p != ')')
            return fail(x, "Missing ) at", x->p, strlen(x->p));
        x->p++;
    } else if (*x->p == '-') {
        x->p++;
        value = 0 - level(x, 7);
    } else if (*x->p == '+') {
        x->p++;
        value = level(x, 7);
    } else if (*x->p == '~') {
        x->p++;
        value = ~level(x, 7);
    } else if (*x->p == '.' && !in_word(x->p[1])) {
        x->p++;
        value = x->d->frame_regs.rip;
    } else if (*x->p == '\0') {
        value = fail(x, "Numeric expression missing from", "", 0);
    } else {
        value = word(x);
    }
    x->nesting--;
    return value;
}

/* Longer ones first where one begins another. */
static const struct {
    const char *text;
    int precedence;
} operators[] = {
    {"or", 1}, {"|", 1}, {"xor", 2}, {"^", 2}, {"and", 3}, {"&", 3}, {">>>", 5}, {">>", 5}, {"<<", 5}, {"==", 4},
    {"!=", 4}, {"<=", 4}, {">=", 4}, {"=", 4}, {"<", 4}, {">", 4}, {"+", 6}, {"-", 6}, {"*", 7}, {"/", 7},
    {"mod", 7}, {"%", 7},
};
#define OPERATOR_COUNT (sizeof operators / sizeof operators[0])

static int operator_at(const char *p)
{
    for (unsigned i = 0; i < OPERATOR_COUNT; i++) {
        size_t n = strlen(operators[i].text);
        if (strncasecmp(p, operators[i].text, n) == 0 && !(isalpha((unsigned char)*p) && in_word(p[n])))
            return (int)i;
    }
    return -1;
}

static uint64_t apply(struct parser *x, const char *op, uint64_t a, uint64_t b)
{
    bool divides = *op == '/' || *op == '%' || strcmp(op, "mod") == 0;
    if (divides && b == 0)
        return fail(x, "Divide by zero in", op, strlen(op));
    switch (*op) {
    case '+':
        return a + b;
    case '-':
        return a - b;
    case '*':
        return a * b;
    case '/':
        return a / b;
    case '%':
    case 'm':
        return a % b;
    case '&':
    case 'a':
        return a & b;
    case '|':
    case 'o':
        return a | b;
    case '^':
    case 'x':
        return a ^ b;
    case '=':
        return a == b;
    case '!':
        return a != b;
    case '<':
        return op[1] == '<' ? b < 64 ? a << b : 0 : op[1] == '=' ? a <= b : a < b;
    default: /* > */
        if (op[1] != '>')
            return op[1] == '=' ? a >= b : a > b;
        if (op[2] == '>') /* keeps the sign */
            return (uint64_t)((int64_t)a >> (b < 63 ? b : 63));
        return b < 64 ? a >> b : 0;
    }
}

/* Operators that bind at least as tightly as `precedence`; 7 and above: an operand alone. */
static uint64_t level(struct parser *x, int precedence)
{
    if (precedence >= 8)
        return unary(x);
    uint64_t a = unary(x);
    if (precedence == 7)
        return a;
    for (;;) {
        skip(x);
        int i = x->bad ? -1 : operator_at(x->p);
        if (i < 0 || operators[i].precedence <= precedence)
            return a;
        x->p += strlen(operators[i].text);
        uint64_t b = level(x, operators[i].precedence);
        if (x->bad)
            return 0;
        a = apply(x, operators[i].text, a, b);
    }
}

bool debug_eval(struct debugger *d, const char **text, uint64_t *out)
{
    struct parser x = {.d = d, .p = *text};
    uint64_t value = level(&x, 0);
    if (x.bad)
        return false;
    skip(&x);
    *text = x.p;
    *out = value;
    return true;
}

bool debug_eval_optional(struct debugger *d, const char **text, uint64_t *out)
{
    *text += strspn(*text, " \t");
    return **text == '\0' || debug_eval(d, text, out);
}

bool debug_count(struct debugger *d, const char **text, uint64_t *out)
{
    const char *p = *text + strspn(*text, " \t");
    if (*p != 'l' && *p != 'L')
        return false;
    p++;
    p += *p == '?';
    if (!debug_eval(d, &p, out))
        return false;
    *text = p;
    return true;
}
