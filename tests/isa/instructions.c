/*
 * Every instruction form, natively and translated: one test a form. Each form runs many times with
 * random operands under each set of instrumentation. The seed of a form is made from its name, so
 * that a failure repeats when only that form runs: `instructions 'add m32, r32'`. ISA_TRIALS and
 * ISA_SEED change the amount and the numbers.
 */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "tests/isa/support/compare.h"
#include "tests/isa/support/forms.h"
#include "tests/isa/support/native.h"
#include "tests/isa/support/snippet.h"
#include "tests/isa/support/tap.h"
#include "tests/isa/support/world.h"

#define MAX_REPORTS 2

/* Instrumentation; for the last, a third of all granules is shared, and each access to one is a
 * stop. */
static const struct {
    unsigned features, shared_one_in;
} modes[] = {{WORLD_PLAIN, 0}, {WORLD_CHECKED, 0}, {WORLD_ALL, 0}, {WORLD_ALL, 3}};
#define MODES (sizeof modes / sizeof *modes)

static unsigned long number_from(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);
    return text ? strtoul(text, NULL, 0) : otherwise;
}

/* Masked moves have no compiler's use in drivers: the translator may refuse them, by name. */
static bool refused(const struct trial *t, const char *mnemonic)
{
    static struct outcome guest;
    world_run_trial(t, false, &guest);
    return guest.kind == OUTCOME_OTHER && strncmp(guest.text, "UNSUPPORTED", 11) == 0 &&
           strstr(guest.text, mnemonic);
}

static void test_form(const struct form *form, unsigned trials, uint64_t seed)
{
    static struct trial t;
    unsigned failures = 0, done = 0;
    struct hash128 h = hash_bytes(form->name, strlen(form->name));
    for (unsigned f = 0; f < MODES; f++) {
        world_set_features(modes[f].features);
        world.shared_one_in = modes[f].shared_one_in;
        for (unsigned n = 0; n < trials; n++) {
            struct rng rng = {h.low ^ (seed + n * MODES + f) * 0x9E3779B97F4A7C15ull};
            uint64_t start = rng.state;
            if (!snippet_single(&rng, form, &t)) {
                tap_ok(false, "%s has no encoding", form->name);
                return;
            }
            done++;
            if (form->options & FORM_MASKED && refused(&t, ZydisMnemonicGetString(form->mnemonic)))
                continue;
            if (!compare_run(&t, failures < MAX_REPORTS) && failures++ < MAX_REPORTS)
                tap_note("  %s, seed %#llx%s", form->name, (unsigned long long)start,
                         world.shared_one_in ? ", shared granules" : "");
        }
    }
    if (failures)
        tap_note("%s: %u of %u trials failed; again: ISA_SEED=%#llx instructions '%s'", form->name,
                 failures, done, (unsigned long long)seed, form->name);
    tap_ok(failures == 0, "%s does translated what it does natively", form->name);
}

int main(int argc, char **argv)
{
    unsigned trials = (unsigned)number_from("ISA_TRIALS", 10);
    uint64_t seed = number_from("ISA_SEED", 1);
    world_open(WORLD_PLAIN);
    native_open();
    tap_note("seed %llu, %u trials a form and instrumentation", (unsigned long long)seed, trials);
    size_t count;
    struct form *forms = forms_expand(&count);
    for (size_t i = 0; i < count; i++)
        if (argc < 2 || strstr(forms[i].name, argv[1]))
            test_form(&forms[i], trials, seed);
    free(forms);
    world_close();
    return tap_finish();
}
