/* Words for numbers that the I/O manager's headers name: information classes, and what an open asks for. */
#include "scenario/internal.h"

#include <string.h>
#include <strings.h>

struct word {
    const char *name;
    uint32_t value;
};

static const struct word file_classes[] = {
    {"FileDirectoryInformation", 1},   {"FileFullDirectoryInformation", 2},
    {"FileBothDirectoryInformation", 3}, {"FileBasicInformation", 4},
    {"FileStandardInformation", 5},    {"FileInternalInformation", 6},
    {"FileEaInformation", 7},          {"FileAccessInformation", 8},
    {"FileNameInformation", 9},        {"FileRenameInformation", 10},
    {"FileNamesInformation", 12},      {"FileDispositionInformation", 13},
    {"FilePositionInformation", 14},   {"FileModeInformation", 16},
    {"FileAlignmentInformation", 17},  {"FileAllInformation", 18},
    {"FileAllocationInformation", 19}, {"FileEndOfFileInformation", 20},
    {"FileStreamInformation", 22},     {"FileNetworkOpenInformation", 34},
    {"FileAttributeTagInformation", 35}, {"FileIdBothDirectoryInformation", 37},
    {"FileIdFullDirectoryInformation", 38}, {"FileNormalizedNameInformation", 48},
    {NULL, 0}};

static const struct word volume_classes[] = {
    {"FileFsVolumeInformation", 1},    {"FileFsSizeInformation", 3},
    {"FileFsDeviceInformation", 4},    {"FileFsAttributeInformation", 5},
    {"FileFsFullSizeInformation", 7},  {"FileFsObjectIdInformation", 8},
    {"FileFsSectorSizeInformation", 11}, {NULL, 0}};

/* FILE_SUPERSEDE and so on. */
static const struct word dispositions[] = {{"supersede", 0},    {"open", 1},
                                           {"create", 2},       {"open_if", 3},
                                           {"overwrite", 4},    {"overwrite_if", 5},
                                           {NULL, 0}};

/* Access rights, each with SYNCHRONIZE, without which a synchronous file cannot be opened. */
static const struct word accesses[] = {{"read", 0x00120089},    {"write", 0x00120116},
                                       {"append", 0x00100004},  {"execute", 0x001200A0},
                                       {"delete", 0x00110000},  {"attributes", 0x00100180},
                                       {"all", 0x001F01FF},     {NULL, 0}};

static const struct word shares[] = {
    {"none", 0}, {"read", 1}, {"write", 2}, {"delete", 4}, {NULL, 0}};

static const struct word *table(enum word_kind kind)
{
    static const struct word *const tables[] = {
        [WORD_FILE_CLASS] = file_classes, [WORD_VOLUME_CLASS] = volume_classes,
        [WORD_DISPOSITION] = dispositions, [WORD_ACCESS] = accesses, [WORD_SHARE] = shares};
    return tables[kind];
}

bool word_value(enum word_kind kind, const char *name, size_t length, uint32_t *out)
{
    for (const struct word *w = table(kind); w->name != NULL; w++)
        if (strlen(w->name) == length && memcmp(w->name, name, length) == 0) {
            *out = w->value;
            return true;
        }
    return false;
}

void word_list(enum word_kind kind, struct str *out)
{
    for (const struct word *w = table(kind); w->name != NULL; w++)
        str_addf(out, "%s%s", out->count != 0 ? ", " : "", w->name);
}
