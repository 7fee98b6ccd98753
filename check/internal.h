/* What monitors share: bugcheck names, wording, and who executed the instruction. */
#ifndef CHECK_INTERNAL_H
#define CHECK_INTERNAL_H

#include "check/bugchecks.h"
#include "check/check.h"

/* Fills name, code, arguments and their texts from the table. rule and sentence stay. */
void bugcheck_fill(struct violation *v, uint32_t code, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
void violation_sentence(struct violation *v, const char *rule, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Memory that is resident below DISPATCH_LEVEL only. */
/* irp_log.c: the verifier's IRP log as notes. */
void irp_log_note(const struct machine *m, struct violation *out);

bool shadow_is_paged(uint8_t code);
/* True when the trouble's instruction is the kernel's own. */
bool trouble_in_kernel(const struct machine *m, const struct trouble *t);
/* "upper.sys", or "nt" for the kernel, "(no image)" outside. */
const char *trouble_module(const struct machine *m, gva_t a);
/* What NT shows for an access that nobody handles: 0xD1/0x0A at raised IRQL, else 0x50 for system addresses and
 * 0x7E (system thread) or 0x3B (system service) for user ones. operation: 0 read, 1 write, 8 execute. */
void bugcheck_for_fault(const struct machine *m, const struct trouble *t, gva_t address, unsigned operation,
                        struct violation *v);

#endif
