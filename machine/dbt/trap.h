/* A signal, without the C library's names for registers (they collide with struct vcpu_regs'). */
#ifndef MACHINE_DBT_TRAP_H
#define MACHINE_DBT_TRAP_H

#include <stdbool.h>
#include <stdint.h>

enum trap_kind {
    TRAP_MEMORY,
    TRAP_PROTECTION,
    TRAP_BUS,
    TRAP_DIVIDE,
    TRAP_SIMD,
    TRAP_UNDEFINED,
    TRAP_OTHER
};

struct trap {
    enum trap_kind kind;
    uint64_t gpr[16]; /* encoding order */
    uint64_t rip, flags, address;
    bool write;
};

bool trap_install(void);
void trap_remove(void);
/* Changes t->rip and t->gpr (rsp) to where execution goes on. False: the trap is not the guest's.
 */
bool trap_handle(struct trap *t);

#endif
