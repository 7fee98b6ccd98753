/* What the filter tests share: a filter registered by the test driver itself, on the volume C: that the runner mounts. */
#ifndef TESTS_GUEST_FLT_H
#define TESTS_GUEST_FLT_H

#include <fltKernel.h>

#include "../fs/fs.h"

#define DISK L"\\Device\\HarddiskVolume1"

static PFLT_FILTER Filter;

static NTSTATUS FLTAPI NoUnload(FLT_FILTER_UNLOAD_FLAGS Flags)
{
    UNREFERENCED_PARAMETER(Flags);
    return STATUS_FLT_DO_NOT_DETACH;
}

static inline FLT_REGISTRATION FltBase(const FLT_OPERATION_REGISTRATION *Operations)
{
    FLT_REGISTRATION Registration = {
        .Size = sizeof Registration,
        .Version = FLT_REGISTRATION_VERSION,
        .OperationRegistration = Operations,
        .FilterUnloadCallback = NoUnload,
    };

    return Registration;
}

static inline VOID FltBegin(const FLT_REGISTRATION *Registration)
{
    EXPECT_EQ(FltRegisterFilter(TestDriver, Registration, &Filter), STATUS_SUCCESS);
    EXPECT_EQ(FltStartFiltering(Filter), STATUS_SUCCESS);
}

static inline PFLT_VOLUME FltVolume(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(DISK);
    PFLT_VOLUME Volume;

    EXPECT_EQ(FltGetVolumeFromName(Filter, &Name, &Volume), STATUS_SUCCESS);
    FltObjectDereference(Volume); /* it stays mounted */
    return Volume;
}

#endif
