/*
 * Driver Verifier options by name and by number. The bits are NT's own, so a command line of verifier.exe can be
 * repeated here; what is not implemented is refused by name rather than ignored.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/verifier.h"
#include "base/str.h"
#include "scenario/scenario.h"

static const struct verifier_option {
    uint32_t flag;
    const char *name; /* as a user writes it */
    const char *title;
} options[] = {
    {RD_VF_SPECIAL_POOL, "special-pool", "special pool"},
    {RD_VF_FORCE_IRQL, "force-irql", "force IRQL checking"},
    {RD_VF_LOW_RESOURCES, "low-resources", "low resources simulation"},
    {RD_VF_POOL_TRACKING, "pool-tracking", "pool tracking"},
    {RD_VF_IO, "io", "I/O verification"},
    {RD_VF_DEADLOCK, "deadlock", "deadlock detection"},
    {RD_VF_ENHANCED_IO, "enhanced-io", "enhanced I/O verification"},
    {RD_VF_DMA, "dma", "DMA checking"},
    {RD_VF_SECURITY, "security", "security checks"},
    {RD_VF_FORCE_PENDING, "force-pending", "force pending I/O requests"},
    {RD_VF_IRP_LOGGING, "irp-logging", "IRP logging"},
    {RD_VF_MISC, "misc", "miscellaneous checks"},
    {0x2000, "mdl-stack", "invariant MDL checking for stack"},
    {0x4000, "mdl-driver", "invariant MDL checking for driver"},
    {0x8000, "power-delay", "power framework delay fuzzing"},
    {0x10000, "port", "port/miniport interface checking"},
    {RD_VF_DDI, "ddi", "DDI compliance checking"},
    {0x40000, "systematic-low-resources", "systematic low resources simulation"},
    {0x80000, "ddi-additional", "DDI compliance checking (additional)"},
    {0x200000, "ndis", "NDIS/WIFI verification"},
    {0x800000, "delay-fuzzing", "kernel synchronization delay fuzzing"},
    {0x1000000, "vm-switch", "VM switch verification"},
    {0x2000000, "code-integrity", "code integrity checks"},
};
#define OPTION_COUNT (sizeof options / sizeof options[0])

char *verifier_names(uint32_t flags)
{
    struct str s = {0};
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (flags & options[i].flag)
            str_addf(&s, "%s%s", s.count ? ", " : "", options[i].title);
    return s.data ? s.data : str_dup("none");
}

bool verifier_accept(uint32_t flags, struct error *e)
{
    uint32_t wrong = flags & ~RD_VF_IMPLEMENTED;
    if (wrong == 0)
        return true;
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (wrong & options[i].flag)
            return error_set(e, ERROR_INPUT, "Driver Verifier option %#x (%s) is not implemented",
                             options[i].flag, options[i].title);
    return error_set(e, ERROR_INPUT, "Driver Verifier has no option %#x", wrong & (~wrong + 1));
}

static bool add_name(const char *name, size_t length, uint32_t *flags, struct error *e)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (strlen(options[i].name) == length && strncmp(options[i].name, name, length) == 0) {
            *flags |= options[i].flag;
            return verifier_accept(options[i].flag, e);
        }
    struct str known = {0};
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (options[i].flag & RD_VF_IMPLEMENTED)
            str_addf(&known, "%s, ", options[i].name);
    error_set(e, ERROR_INPUT,
              "there is no Driver Verifier option \"%.*s\"; there are %sstandard, all, none, and numbers",
              (int)length, name, known.data ? known.data : "");
    str_free(&known);
    return false;
}

bool verifier_parse(const char *text, uint32_t os, uint32_t *flags, uint32_t *left_out,
                    struct error *e)
{
    *left_out = 0;
    *flags = 0;
    if (strcmp(text, "none") == 0)
        return true;
    if (strcmp(text, "all") == 0) {
        *flags = RD_VF_IMPLEMENTED;
        return true;
    }
    if (strcmp(text, "standard") == 0) {
        uint32_t wanted = os == RD_OS_WIN7 ? RD_VF_STANDARD_WIN7 : RD_VF_STANDARD_WIN8;
        *flags = wanted & RD_VF_IMPLEMENTED;
        *left_out = wanted & ~RD_VF_IMPLEMENTED;
        return true;
    }
    if (text[0] >= '0' && text[0] <= '9') {
        char *end;
        errno = 0;
        unsigned long long value = strtoull(text, &end, 16);
        if (*end != '\0' || errno != 0 || value > UINT32_MAX)
            return error_set(e, ERROR_INPUT,
                             "expected the options as a hexadecimal number such as 0x810, got \"%s\"", text);
        *flags = (uint32_t)value;
        return verifier_accept(*flags, e);
    }
    for (;;) {
        size_t n = strcspn(text, ",");
        if (!add_name(text, n, flags, e))
            return false;
        if (text[n] == '\0')
            return true;
        text += n + 1;
    }
}
