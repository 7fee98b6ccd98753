/*
 * Checks: put a name to the trouble that the machine meets. Each rule is a monitor, a file in monitors/: what it
 * recognises, which bugcheck Windows or Driver Verifier would show for it, and the sentence for the report.
 */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include "machine/machine.h"

/* A rule. Its file defines `const struct monitor monitor_NAME`; the list is generated from the folder. A
 * piece of trouble is given to the monitors in the list's order until one claims it; their conditions are
 * disjoint, so the order decides nothing. */
struct monitor {
    const char *name;   /* "execute-unloaded-image", as violation.rule */
    const char *help;   /* one line for `rundown list checks` */
    const char *source; /* title of the document the rule comes from */
    bool (*judge)(const struct machine *m, const struct trouble *t, struct violation *out);
    const char *codes;  /* bugchecks that it names: "0xCE 0xD4"; NULL: none */
    const char *option; /* the option of --verifier that it needs; NULL: it is always on */
};
extern const struct monitor *const check_monitors[]; /* NULL-terminated, sorted by file name */

/* Sets o->judge (and o->context, which judging ignores). */
void check_observer(struct observer *o);

#endif
