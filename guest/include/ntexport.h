/*
 * One line in front of each exported routine: its name, the highest IRQL at which its documentation allows the call, and
 * the kinds of object that it touches. The export table, `rundown list exports` and the verifier's
 * IRQL check all come from these lines.
 */
#ifndef GUEST_NTEXPORT_H
#define GUEST_NTEXPORT_H

struct nt_export_record
{
    const char *Name;
    const char *Objects;
    unsigned char MaximumIrql;
};

#define NTEXPORT(name, irql, objects)                                                              \
    __attribute__((section(".rdexp"), used)) static const struct nt_export_record RdExport_##name = { \
        #name, objects, (unsigned char)(irql)}

/* Any IRQL. */
#define ANY_LEVEL 15

/* Kernel code whose accesses are not logged; declares its footprint itself. */
#define NOLOG __attribute__((section(".nolog"), noinline))

#endif
