/* Asks each monitor whether the trouble is its own. Trouble that nobody claims is a gap of ours, and said so. */
#include "check/check.h"

#include <stdio.h>

#include "abi/shadow.h"
#include "check/internal.h"

static void judge(void *context, const struct machine *m, const struct trouble *t, struct violation *out)
{
    (void)context;
    for (const struct monitor *const *p = check_monitors; *p != NULL; p++)
        if ((*p)->judge(m, t, out)) {
            irp_log_note(m, out);
            return;
        }
    RD_ASSERT(!"trouble that no monitor names");
}

void check_observer(struct observer *o)
{
    o->judge = judge;
}

bool shadow_is_paged(uint8_t code)
{
    return code == RD_SHADOW_PAGED_POOL || code == RD_SHADOW_PAGED_IMAGE || code == RD_SHADOW_PAGED_TAIL;
}

bool trouble_in_kernel(const struct machine *m, const struct trouble *t)
{
    const struct machine_image *i = machine_image_at(m, t->regs.rip);
    return i != NULL && i->system;
}

const char *trouble_module(const struct machine *m, gva_t a)
{
    const struct machine_image *i = machine_image_at(m, a);
    return i == NULL ? "(no image)" : i->serial == 0 ? "nt" : i->name;
}

void violation_sentence(struct violation *v, const char *rule, const char *format, ...)
{
    snprintf(v->rule, sizeof v->rule, "%s", rule);
    va_list args;
    va_start(args, format);
    vsnprintf(v->sentence, sizeof v->sentence, format, args);
    va_end(args);
}

void bugcheck_fill(struct violation *v, uint32_t code, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    const struct bugcheck_info *info = bugcheck_find(code);
    snprintf(v->name, sizeof v->name, "%s", info->name);
    v->code = code;
    uint64_t arguments[4] = {a, b, c, d};
    for (unsigned i = 0; i < 4; i++) {
        v->arg[i] = arguments[i];
        snprintf(v->arg_text[i], sizeof v->arg_text[i], "%s", bugcheck_argument(info, arguments, i));
    }
}

#define STATUS_ACCESS_VIOLATION 0xC0000005u

static bool on_system_thread(const struct machine *m, unsigned cpu)
{
    struct rd_thread t;
    unsigned index = machine_thread_on(m, cpu);
    return index == ~0u || !machine_thread(m, index, &t) || (t.flags & RD_THREAD_SYSTEM) ||
           t.scenario_index == ~0u;
}

void bugcheck_for_fault(const struct machine *m, const struct trouble *t, gva_t address, unsigned operation,
                        struct violation *v)
{
    bool kernel = trouble_in_kernel(m, t);
    if (t->irql >= 2)
        bugcheck_fill(v, kernel ? 0x0A : 0xD1, address, t->irql, operation, t->regs.rip);
    else if (address >> 47)
        bugcheck_fill(v, 0x50, address, operation == 1 ? 2 : operation == 8 ? 0x10 : 0, t->regs.rip, 2);
    else if (on_system_thread(m, t->cpu))
        bugcheck_fill(v, 0x7E, STATUS_ACCESS_VIOLATION, t->regs.rip, 0, 0);
    else
        bugcheck_fill(v, 0x3B, STATUS_ACCESS_VIOLATION, t->regs.rip, 0, 0);
}
