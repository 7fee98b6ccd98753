/*
 * The packets of gdb's remote protocol (gdb's manual, "Remote Protocol"). What a packet asks for that is not here gets the
 * empty answer, which says so; what would change the execution gets an error.
 */
#include "debug/gdb.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debug/gdb_internal.h"
#include "debug/timeline.h"

#define READ_MAX ((PACKET_MAX - 8) / 2)

static void send_packet(struct gdb *g, const struct str *reply)
{
    size_t n = reply->count;
    char *framed = malloc(2 * n + 4);
    RD_ASSERT(framed != NULL);
    free(g->sent);
    g->sent = framed;
    g->sent_size = packet_frame(reply->data != NULL ? reply->data : "", n, framed);
    g->link.send(g->link.context, g->sent, g->sent_size);
}

static bool starts(const char **p, const char *prefix)
{
    size_t n = strlen(prefix);
    if (strncmp(*p, prefix, n) != 0)
        return false;
    *p += n;
    return true;
}

/* "ADDRESS,LENGTH"; what follows is left. */
static bool range(const char **p, uint64_t *a, uint64_t *b)
{
    return packet_hex(p, a) && *(*p)++ == ',' && packet_hex(p, b);
}

/* A thread in a packet: 0 any, -1 all. False: no number. */
static bool thread_id(const char **p, uint64_t *out)
{
    *out = 0;
    return starts(p, "-1") || packet_hex(p, out);
}

/* --- memory and registers -------------------------------------------------------------------- */

/* As much as can be read from the address on: the answer may be shorter than asked for, but not empty. */
static void read_memory(struct gdb *g, const char *p, struct str *reply)
{
    uint64_t address, length;
    uint8_t bytes[READ_MAX];
    size_t n = 0;
    if (!range(&p, &address, &length) || *p != '\0') {
        str_add(reply, "E01");
        return;
    }
    if (length > READ_MAX)
        length = READ_MAX;
    while (n < length && address + n >= address) {
        size_t part = 8 - (address + n) % 8;
        if (part > length - n)
            part = (size_t)(length - n);
        if (!debug_read(g->d, address + n, bytes + n, part))
            break;
        n += part;
    }
    if (n == 0 && length > 0)
        str_add(reply, "E01");
    for (size_t i = 0; i < n; i++)
        str_addf(reply, "%02x", bytes[i]);
}

/* number: NULL for all of them. */
static void read_registers(struct gdb *g, const char *number, struct str *reply)
{
    struct vcpu_regs regs;
    gva_t gs_base;
    bool all;
    uint64_t n = 0;
    if (!gdb_thread_registers(g, g->general, &regs, &gs_base, &all) || (number != NULL && !packet_hex(&number, &n)))
        str_add(reply, "E01");
    else if (number == NULL)
        gdb_registers_text(&regs, gs_base, all, reply);
    else if (!gdb_register_text(&regs, gs_base, all, n, reply))
        str_add(reply, "E01");
}

/* --- breakpoints ----------------------------------------------------------------------------- */

static void point(struct gdb *g, const char *p, struct str *reply)
{
    bool insert = *p++ == 'Z';
    uint64_t kind = 0, address, size;
    if (!packet_hex(&p, &kind) || *p++ != ',' || !range(&p, &address, &size) || kind > GDB_ACCESS) {
        str_add(reply, kind > GDB_ACCESS ? "" : "E01");
        return;
    }
    unsigned i = 0;
    while (i < g->point_count && !(g->points[i].kind == kind && g->points[i].address == address &&
                                   (kind <= GDB_HARDWARE || g->points[i].size == size)))
        i++;
    if (insert && i == g->point_count) {
        if (i == GDB_POINTS_MAX || (kind >= GDB_WRITE && (size == 0 || address + size < address))) {
            str_add(reply, "E02");
            return;
        }
        g->points[g->point_count++] = (struct gdb_point){(enum gdb_point_kind)kind, address, size};
    } else if (!insert && i < g->point_count) {
        g->points[i] = g->points[--g->point_count];
    }
    str_add(reply, "OK");
}

/* --- threads --------------------------------------------------------------------------------- */

static bool is_thread(const struct gdb *g, uint64_t id)
{
    uint64_t ids[THREADS_MAX];
    unsigned count = gdb_threads(g, ids, THREADS_MAX);
    for (unsigned i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static void choose_thread(struct gdb *g, const char *p, struct str *reply)
{
    char what = *p;
    uint64_t id;
    if (what == '\0' || (p++, !thread_id(&p, &id)) || *p != '\0' || (id != 0 && !is_thread(g, id))) {
        str_add(reply, "E01");
        return;
    }
    if (what == 'g')
        g->general = id != 0 ? id : g->here;
    else
        g->stepping = id;
    str_add(reply, "OK");
}

static void list_threads(struct gdb *g, struct str *reply)
{
    uint64_t ids[THREADS_MAX];
    unsigned count = gdb_threads(g, ids, THREADS_MAX);
    for (unsigned i = 0; i < count; i++)
        str_addf(reply, "%c%" PRIx64, i == 0 ? 'm' : ',', ids[i]);
}

static void add_hex(struct str *reply, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        str_addf(reply, "%02x", (uint8_t)text[i]);
}

static void describe_thread(struct gdb *g, const char *p, struct str *reply)
{
    uint64_t id;
    struct str text = {0};
    if (packet_hex(&p, &id) && gdb_thread_describe(g, id, &text))
        add_hex(reply, text.data, text.count);
    else
        str_add(reply, "E01");
    str_free(&text);
}

/* --- queries --------------------------------------------------------------------------------- */

/* "OFFSET,LENGTH" of a document. */
static void transfer(const struct str *document, const char *p, struct str *reply)
{
    uint64_t offset, length;
    if (!range(&p, &offset, &length) || *p != '\0' || offset > document->count) {
        str_add(reply, "E01");
        return;
    }
    if (length > PACKET_MAX / 2 - 8) /* every byte may need an escape */
        length = PACKET_MAX / 2 - 8;
    uint64_t left = document->count - offset;
    str_add(reply, length < left ? "m" : "l");
    if (left > 0)
        str_addn(reply, document->data + offset, length < left ? length : left);
}

static void transfer_object(struct gdb *g, const char *p, struct str *reply)
{
    struct str document = {0};
    bool known = true;
    if (starts(&p, "features:read:target.xml:"))
        gdb_features(&document);
    else if (starts(&p, "libraries:read::"))
        gdb_libraries(g, &document);
    else if (starts(&p, "threads:read::"))
        gdb_thread_list(g, &document);
    else if (starts(&p, "exec-file:read:")) {
        p += strspn(p, "0123456789abcdefABCDEF"); /* a process, of which there is one */
        known = *p++ == ':';
        gdb_program(g, &document);
    } else
        known = false;
    if (known && document.count == 0)
        str_add(reply, "E01");
    else if (known)
        transfer(&document, p, reply);
    else if (starts(&p, "features:read:"))
        str_add(reply, "E00"); /* there is no such annex */
    str_free(&document);
}

/* `monitor caller PC,SP`, from rundown-gdb.py: of that frame the stack pointer before the call, where its function begins, and the
 * caller's registers that the script names; nothing when there is no such frame. */
static void caller(const struct gdb *g, const char *p, FILE *out)
{
    static const uint8_t saved[] = {REG_RSP, REG_RBX, REG_RBP, REG_RSI, REG_RDI, REG_R12, REG_R13, REG_R14, REG_R15};
    uint64_t pc, sp;
    gva_t before_call, function;
    struct vcpu_regs regs;
    if (!range(&p, &pc, &sp) || *p != '\0' || !gdb_caller(g, pc, sp, &before_call, &function, &regs))
        return;
    fprintf(out, "%" PRIx64 ",%" PRIx64 ",%" PRIx64, before_call, function, regs.rip);
    for (size_t i = 0; i < sizeof saved; i++)
        fprintf(out, ",%" PRIx64, regs.gpr[saved[i]]);
}

/* `monitor COMMAND`: WinDbg's commands, which look and do not move; afterwards the machine stands where it stood. */
static void run_command(struct gdb *g, const char *command, FILE *out)
{
    FILE *old = g->d->out;
    struct timeline_position now = timeline_now(g->d->timeline);
    unsigned cpu = gdb_thread_cpu(g, g->here);
    g->d->out = out;
    debugger_line(g->d, command);
    g->d->quit = false;
    if (timeline_compare(now, timeline_now(g->d->timeline)) != 0) {
        timeline_goto(g->d->timeline, now);
        debug_context_cpu(g->d, cpu != ~0u ? cpu : 0);
        debug_print(g->d, "(gdb stays where it was: move with gdb's own commands)\n");
    }
    g->d->out = old;
}

static void monitor(struct gdb *g, const char *p, struct str *reply)
{
    uint8_t line[PACKET_MAX / 2 + 1];
    size_t n, printed;
    char *text;
    if (!packet_bytes(p, line, sizeof line - 1, &n)) {
        str_add(reply, "E01");
        return;
    }
    line[n] = '\0';
    FILE *out = open_memstream(&text, &printed);
    RD_ASSERT(out != NULL);
    const char *command = (const char *)line;
    if (starts(&command, "caller "))
        caller(g, command, out);
    else
        run_command(g, command, out);
    fclose(out);
    for (size_t i = 0; i < printed; i += READ_MAX) {
        struct str part = {0};
        str_add(&part, "O");
        add_hex(&part, text + i, printed - i < READ_MAX ? printed - i : READ_MAX);
        send_packet(g, &part);
        str_free(&part);
    }
    free(text);
    str_add(reply, "OK");
}

static void query(struct gdb *g, const char *p, struct str *reply)
{
    if (starts(&p, "Supported"))
        str_addf(reply, "PacketSize=%x;QStartNoAckMode+;swbreak+;hwbreak+;vContSupported+;ReverseStep+;ReverseContinue+;"
                        "qXfer:exec-file:read+;qXfer:features:read+;qXfer:libraries:read+;qXfer:threads:read+", PACKET_MAX);
    else if (starts(&p, "Xfer:"))
        transfer_object(g, p, reply);
    else if (strcmp(p, "C") == 0)
        str_addf(reply, "QC%" PRIx64, g->here);
    else if (strcmp(p, "fThreadInfo") == 0)
        list_threads(g, reply);
    else if (strcmp(p, "sThreadInfo") == 0)
        str_add(reply, "l");
    else if (starts(&p, "ThreadExtraInfo,"))
        describe_thread(g, p, reply);
    else if (starts(&p, "Attached"))
        str_add(reply, "1");
    else if (starts(&p, "Symbol:"))
        str_add(reply, "OK");
    else if (starts(&p, "Rcmd,"))
        monitor(g, p, reply);
}

/* --- running --------------------------------------------------------------------------------- */

static void step(struct gdb *g, uint64_t thread, bool back, struct str *reply)
{
    if (thread == 0)
        thread = g->stepping != 0 ? g->stepping : g->here;
    if (is_thread(g, thread))
        gdb_step(g, thread, back, reply);
    else
        str_add(reply, "E01");
}

/* vCont: the first action that steps says which thread; all others continue, which is what the execution has them do. */
static void actions(struct gdb *g, const char *p, struct str *reply)
{
    bool any = false;
    while (*p == ';') {
        char what = *++p;
        uint64_t thread = 0, signal;
        if (what == '\0' || strchr("cCsS", what) == NULL)
            break;
        p++;
        if ((what == 'C' || what == 'S') && !packet_hex(&p, &signal))
            break;
        if (*p == ':' && (p++, !thread_id(&p, &thread)))
            break;
        any = true;
        if (what == 's' || what == 'S') {
            step(g, thread, false, reply);
            return;
        }
    }
    if (any && *p == '\0')
        gdb_continue(g, false, reply);
    else
        str_add(reply, "E01");
}

static void v_packet(struct gdb *g, const char *p, struct str *reply)
{
    if (strcmp(p, "Cont?") == 0)
        str_add(reply, "vCont;c;C;s;S");
    else if (starts(&p, "Cont"))
        actions(g, p, reply);
    else if (starts(&p, "Kill")) {
        g->ended = true;
        str_add(reply, "OK");
    }
}

static void handle(struct gdb *g, const char *p)
{
    struct str reply = {0};
    bool silent = false;
    uint64_t id;
    switch (*p) {
    case '?':
        gdb_stop_reply(g, &reply);
        break;
    case 'g':
        read_registers(g, NULL, &reply);
        break;
    case 'p':
        read_registers(g, p + 1, &reply);
        break;
    case 'm':
        read_memory(g, p + 1, &reply);
        break;
    case 'G':
    case 'P':
    case 'M':
    case 'X':
        str_add(&reply, "E01"); /* what was recorded cannot be changed */
        break;
    case 'Z':
    case 'z':
        point(g, p, &reply);
        break;
    case 'H':
        choose_thread(g, p + 1, &reply);
        break;
    case 'T':
        p++;
        str_add(&reply, packet_hex(&p, &id) && is_thread(g, id) ? "OK" : "E01");
        break;
    case 'c':
    case 'C':
        gdb_continue(g, false, &reply);
        break;
    case 's':
    case 'S':
        step(g, 0, false, &reply);
        break;
    case 'b':
        if (strcmp(p, "bs") == 0)
            step(g, 0, true, &reply);
        else if (strcmp(p, "bc") == 0)
            gdb_continue(g, true, &reply);
        break;
    case 'v':
        v_packet(g, p + 1, &reply);
        break;
    case 'q':
        query(g, p + 1, &reply);
        break;
    case 'Q':
        if (strcmp(p, "QStartNoAckMode") == 0) {
            str_add(&reply, "OK");
            send_packet(g, &reply);
            g->no_acknowledgements = silent = true;
        }
        break;
    case 'D':
        g->ended = p[1] == '\0' || p[1] == ';';
        str_add(&reply, g->ended ? "OK" : "");
        break;
    case 'k':
        g->ended = silent = p[1] == '\0';
        break;
    default:
        break;
    }
    if (!silent)
        send_packet(g, &reply);
    str_free(&reply);
}

struct gdb *gdb_open(struct debugger *d, const struct gdb_link *link)
{
    struct gdb *g = calloc(1, sizeof *g);
    RD_ASSERT(g != NULL && d->timeline != NULL);
    g->d = d;
    g->link = *link;
    gdb_arrive(g);
    return g;
}

bool gdb_receive(struct gdb *g, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n && !g->ended; i++)
        switch (packet_feed(&g->reader, (uint8_t)bytes[i])) {
        case PACKET_READY:
            if (!g->no_acknowledgements)
                g->link.send(g->link.context, "+", 1);
            handle(g, g->reader.data);
            break;
        case PACKET_BAD:
            if (!g->no_acknowledgements)
                g->link.send(g->link.context, "-", 1);
            break;
        case PACKET_NACK:
            if (!g->no_acknowledgements && g->sent != NULL)
                g->link.send(g->link.context, g->sent, g->sent_size);
            break;
        case PACKET_NONE:
        case PACKET_ACK:
        case PACKET_INTERRUPT: /* the machine stands already */
            break;
        }
    return !g->ended;
}

void gdb_close(struct gdb *g)
{
    free(g->sent);
    free(g);
}
