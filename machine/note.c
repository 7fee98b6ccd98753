/* Notes of a violation: a bounded list that the guest kernel, the machine and the monitors add to. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "machine/internal.h"

#define KIND_MASK 0xFFu

void violation_note(struct violation *v, unsigned kind_and_flags, uint64_t kthread, const uint64_t *frames,
                    unsigned count, const char *format, ...)
{
    if (count > VIOLATION_NOTE_STACK)
        count = VIOLATION_NOTE_STACK;
    if (v->note_count == VIOLATION_NOTES || v->note_frame_count + count > VIOLATION_NOTE_FRAMES) {
        v->notes_dropped++;
        return;
    }
    struct violation_note *n = &v->notes[v->note_count++];
    *n = (struct violation_note){.kthread = kthread,
                                 .first = (uint16_t)v->note_frame_count,
                                 .count = (uint8_t)count,
                                 .kind = (uint8_t)(kind_and_flags & KIND_MASK),
                                 .flags = kind_and_flags & ~KIND_MASK};
    va_list args;
    va_start(args, format);
    vsnprintf(n->text, sizeof n->text, format, args);
    va_end(args);
    for (char *c = n->text; *c != '\0'; c++) /* the guest's text may hold anything */
        if (*c < 0x20 || *c > 0x7E)
            *c = '?';
    if (count > 0)
        memcpy(&v->note_frames[v->note_frame_count], frames, count * sizeof *frames);
    v->note_frame_count += count;
}

void notes_forget(struct machine *m)
{
    m->violation.note_count = m->violation.note_frame_count = m->violation.notes_dropped = 0;
}
