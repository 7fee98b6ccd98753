/* A violation's notes as plain text, without names: what a failure file keeps and a replay compares. */
#include <inttypes.h>

#include "base/str.h"
#include "report/report.h"

void report_notes_text(const struct violation *v, struct str *out)
{
    for (unsigned i = 0; i < v->note_count; i++) {
        const struct violation_note *n = &v->notes[i];
        str_addf(out, "%s%s", i > 0 ? "\n" : "", n->text);
        if (n->kthread != NOTE_NOBODY)
            str_addf(out, " thread %" PRIx64, n->kthread);
        for (unsigned k = 0; k < n->count; k++)
            str_addf(out, " %" PRIx64, v->note_frames[n->first + k]);
    }
}
