/* Privileges. A scenario's program runs as an administrator, since it may load drivers. */
#include "guest/include/ntos.h"

NTEXPORT(SeSinglePrivilegeCheck, PASSIVE_LEVEL, "");
BOOLEAN NTAPI SeSinglePrivilegeCheck(LUID PrivilegeValue, KPROCESSOR_MODE PreviousMode)
{
    return TRUE;
}
