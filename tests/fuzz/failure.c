/* Failure files as hostile input. The check hash is recomputed by nobody here, so most inputs end at it; the
 * corpus holds files whose damage lies before it, and unit tests cover what lies behind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "report/failure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    struct failure f;
    struct error e = {0};
    if (path[0] == '\0') {
        static char folder[] = "/tmp/rundown-fuzz-XXXXXX";
        RD_ASSERT(mkdtemp(folder) != NULL);
        snprintf(path, sizeof path, "%s/case.rdn", folder);
    }
    RD_ASSERT(file_write(path, data, size, &e));
    if (failure_read(path, &f, &e))
        failure_free(&f);
    else
        RD_ASSERT(e.kind == ERROR_INPUT && strchr(e.text, '\n') == NULL && e.text[0] != '\0');
    return 0;
}
