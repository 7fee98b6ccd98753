/*
 * Bugchecks in words: the name that WinDbg prints, what went wrong, what each parameter means, and the rule that a driver
 * broke when the guest kernel raises it. Names, numbers and parameters follow Microsoft's bug check code reference; the
 * sentences are our own.
 */
#ifndef CHECK_BUGCHECKS_H
#define CHECK_BUGCHECKS_H

#include <stddef.h>
#include <stdint.h>

/* What the other parameters mean when one of them has this value. */
struct bugcheck_case {
    uint64_t value;
    const char *meaning;     /* of the value itself */
    const char *argument[3]; /* of the others, in their order; NULL: reserved */
    const char *rule;        /* violation.rule; NULL: that of the bugcheck */
    const char *note;        /* lines below the arguments; NULL: none */
};
struct bugcheck_cases {
    const struct bugcheck_case *data; /* by value, ascending */
    size_t count;
};

struct bugcheck_info {
    uint32_t code;
    const char *name;
    const char *rule;        /* violation.rule when the guest kernel raises it */
    const char *meaning;     /* the rule broken, one sentence */
    const char *text;        /* below the name, as !analyze -v has one; NULL: the meaning says it all */
    const char *argument[4]; /* NULL: reserved */
    const struct bugcheck_cases *cases;
    uint8_t key;             /* which parameter selects a case, from 0 */
};

/* Never NULL: unknown codes get a name made of their number. */
const struct bugcheck_info *bugcheck_find(uint32_t code);
/* NULL: the code has no cases, or none of this value. */
const struct bugcheck_case *bugcheck_case(const struct bugcheck_info *info, const uint64_t arg[4]);
/* What parameter number i means; "" when it is reserved. The text lives as long as the program. */
const char *bugcheck_argument(const struct bugcheck_info *info, const uint64_t arg[4], unsigned i);
/* For `rundown list checks` and tests: the table by code. */
const struct bugcheck_info *bugcheck_at(size_t index); /* NULL behind the last */

/* The option of --verifier under which Driver Verifier raises it; NULL: none, it is always on. */
const char *bugcheck_option(uint32_t code, uint64_t sub_code);

/* What this build's guest kernel raises, found in its sources by tools/raised.sh. */
struct bugcheck_raised {
    uint32_t code;
    uint64_t first; /* first parameter; ~0: it varies */
};
extern const struct bugcheck_raised bugcheck_raised[]; /* ends with code 0 */

/* Families with a file of their own. */
extern const struct bugcheck_cases bugcheck_c4, bugcheck_c9, bugcheck_c7, bugcheck_c2, bugcheck_ca, bugcheck_9f,
    bugcheck_e4, bugcheck_f5, bugcheck_139, bugcheck_10d, bugcheck_c1, bugcheck_19, bugcheck_13a, bugcheck_1c6,
    bugcheck_133, bugcheck_4e, bugcheck_d9;
#define BUGCHECK_CASES(name, table) const struct bugcheck_cases name = {table, sizeof table / sizeof table[0]}

#endif
