/* IRQL. x64 drivers raise and lower it inline; these are for those that call. */
#include "guest/include/ki.h"

#undef KeGetCurrentIrql
NTEXPORT(KeGetCurrentIrql, ANY_LEVEL, "");
KIRQL NTAPI KeGetCurrentIrql(VOID)
{
    return (KIRQL)__readcr8();
}

#undef KfRaiseIrql
NTEXPORT(KfRaiseIrql, ANY_LEVEL, "");
KIRQL NTAPI KfRaiseIrql(KIRQL NewIrql)
{
    return KiRaiseIrql(NewIrql);
}

#undef KfLowerIrql
NTEXPORT(KfLowerIrql, ANY_LEVEL, "");
VOID NTAPI KfLowerIrql(KIRQL NewIrql)
{
    __writecr8(NewIrql);
}

#undef KeLowerIrql
NTEXPORT(KeLowerIrql, ANY_LEVEL, "");
VOID NTAPI KeLowerIrql(KIRQL NewIrql)
{
    __writecr8(NewIrql);
}

#undef KeRaiseIrql
NTEXPORT(KeRaiseIrql, ANY_LEVEL, "");
VOID NTAPI KeRaiseIrql(KIRQL NewIrql, PKIRQL OldIrql)
{
    *OldIrql = KiRaiseIrql(NewIrql);
}

#undef KeRaiseIrqlToDpcLevel
NTEXPORT(KeRaiseIrqlToDpcLevel, DISPATCH_LEVEL, "");
KIRQL NTAPI KeRaiseIrqlToDpcLevel(VOID)
{
    return KiRaiseIrql(DISPATCH_LEVEL);
}

#undef KeRaiseIrqlToSynchLevel
NTEXPORT(KeRaiseIrqlToSynchLevel, ANY_LEVEL, "");
KIRQL NTAPI KeRaiseIrqlToSynchLevel(VOID)
{
    return KiRaiseIrql(12);
}
