/* Routines never entered, driver by driver: a clean verdict says nothing about code that did not
 * run. */
#include "report/coverage.h"

struct walk {
    struct symbols *symbols;
    struct str names;
    unsigned all, missed;
};

static void visit(void *context, gva_t start, gva_t end, bool executed)
{
    struct walk *w = context;
    struct symbol y;
    (void)end;
    w->all++;
    if (executed)
        return;
    symbols_find(w->symbols, start, false, &y);
    str_add(&w->names, w->missed++ ? ", " : "");
    if (y.function[0] != '\0' && y.offset == 0)
        str_add(&w->names, y.function);
    else
        str_addf(&w->names, "%s+%#llx", y.module, (unsigned long long)y.offset);
}

void report_never_entered(const struct machine *m, struct symbols *symbols, struct str *out)
{
    for (unsigned i = 0; i < machine_image_count(m); i++) {
        struct walk w = {.symbols = symbols};
        const struct machine_image *image = machine_image(m, i);
        if (image->system)
            continue;
        machine_each_function(m, image, visit, &w);
        if (w.missed > 0)
            str_addf(out, "never entered in %s: %s (%u of %u routines)\n", image->name,
                     w.names.data, w.missed, w.all);
        str_free(&w.names);
    }
}
