/* How the verifier ends a run. NT asks the debugger first where a rule may be ignored; here every rule stops. */
#include "guest/include/vf.h"

DECLSPEC_NORETURN __attribute__((noinline)) VOID VfReportIssue(ULONG Code, ULONG_PTR Parameter1,
    ULONG_PTR Parameter2, ULONG_PTR Parameter3, ULONG_PTR Parameter4)
{
    KeBugCheckEx(Code, Parameter1, Parameter2, Parameter3, Parameter4);
}
