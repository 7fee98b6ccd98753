/*
 * The IRP log of Driver Verifier (option 0x400) behind every violation's notes, whoever met it: the kernel or the machine. It
 * lies in the guest's memory (abi/verifier.h); with the option off it is empty.
 */
#include "abi/guest.h"
#include "abi/verifier.h"
#include "check/internal.h"
#include "machine/arena.h"

/* Latest first, device by device. */
static void note_ring(const struct rd_irp_ring *ring, struct violation *out)
{
    uint64_t kept = ring->total < RD_VF_IRP_RECORDS ? ring->total : RD_VF_IRP_RECORDS;
    for (uint64_t age = 1; age <= kept; age++) {
        const struct rd_irp_record *r = &ring->records[(ring->total - age) % RD_VF_IRP_RECORDS];
        violation_note(out, NOTE_LOG, r->thread, &r->caller, 1, "IRP %016llx (%x,%x) to device %016llx",
                       (unsigned long long)r->irp, r->major, r->minor, (unsigned long long)ring->device);
    }
}

void irp_log_note(const struct machine *m, struct violation *out)
{
    struct rd_irp_ring ring;
    gva_t log = machine_irp_log(m);
    for (unsigned i = 0; log != 0 && i < RD_VF_IRP_DEVICES; i++)
        if (arena_read(log + offsetof(struct rd_irp_log, devices) + i * sizeof ring, &ring, sizeof ring))
            note_ring(&ring, out);
}
