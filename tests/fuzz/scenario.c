/* Scenario files as hostile input: whatever the bytes, reading and lowering end, and an error is
 * one line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "scenario/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    struct scenario s;
    struct scenario_blob blob;
    struct error e = {0};
    if (path[0] == '\0') {
        static char folder[] = "/tmp/rundown-fuzz-XXXXXX";
        RD_ASSERT(mkdtemp(folder) != NULL);
        snprintf(path, sizeof path, "%s/upper.sys", folder);
        RD_ASSERT(file_write(path, "MZ", 2, &e));
        snprintf(path, sizeof path, "%s/case.lua", folder);
    }
    RD_ASSERT(file_write(path, data, size, &e));
    if (scenario_read(path, &s, &e)) {
        if (scenario_lower(&s, &blob, &e))
            free(blob.data);
        scenario_free(&s);
    } else {
        RD_ASSERT(e.kind == ERROR_INPUT && strchr(e.text, '\n') == NULL && e.text[0] != '\0');
    }
    return 0;
}
